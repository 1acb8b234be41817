/**
 * Our figures of macOS, the BSDs and Linux, against those that Go and Rust keep: Debian's golang-golang-x-sys-dev and
 * librust-libc-dev, read as they are. Nothing here runs on those systems; this is what stands in for it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FIONREAD, RTLD_DEFAULT, SYSTEMS, type System } from '../../../native/bsd/constants.js'
import * as kevent from '../../../native/bsd/kevent.js'
import { ABIS, type Abi } from '../../../native/bsd/kevent.js'
import { LINUX, MESSAGES, MSG_NOSIGNAL, SOCK_NONBLOCK } from '../../../native/linux/constants.js'
import * as posix from '../../../native/posix/constants.js'
import type { MessageConstants } from '../../../native/posix/descriptors.js'

const GO = '/usr/share/gocode/src/golang.org/x/sys/unix'
const RUST = '/usr/share/cargo/registry'
const ARCHITECTURES = ['amd64', 'arm64']
/** Files of Rust's crate that are about a system, the general ones first. */
const RUST_FILES: Readonly<Record<string, readonly string[]>> = {
  darwin: ['mod.rs', 'bsd/mod.rs', 'bsd/apple/mod.rs', 'bsd/apple/b64/mod.rs'],
  freebsd: ['mod.rs', 'bsd/mod.rs', 'bsd/freebsdlike/mod.rs', 'bsd/freebsdlike/freebsd/mod.rs'],
}

/** Names of socket options, as C has them: the level, the option. */
const OPTIONS: Readonly<Record<keyof typeof LINUX.SOCKET_OPTIONS, readonly [level: string, option: string]>> = {
  noDelay: ['IPPROTO_TCP', 'TCP_NODELAY'],
  broadcast: ['SOL_SOCKET', 'SO_BROADCAST'],
  reuseAddress: ['SOL_SOCKET', 'SO_REUSEADDR'],
  reusePort: ['SOL_SOCKET', 'SO_REUSEPORT'],
  keepAlive: ['SOL_SOCKET', 'SO_KEEPALIVE'],
  ipv6Only: ['IPPROTO_IPV6', 'IPV6_V6ONLY'],
  receiveBufferBytes: ['SOL_SOCKET', 'SO_RCVBUF'],
  sendBufferBytes: ['SOL_SOCKET', 'SO_SNDBUF'],
}

/** EAI_ names by libuv's numbers. */
const EAI_NAMES: Readonly<Record<number, string>> = {
  [-3001]: 'EAI_AGAIN',
  [-3002]: 'EAI_BADFLAGS',
  [-3004]: 'EAI_FAIL',
  [-3005]: 'EAI_FAMILY',
  [-3006]: 'EAI_MEMORY',
  [-3007]: 'EAI_NODATA',
  [-3008]: 'EAI_NONAME',
  [-3010]: 'EAI_SERVICE',
  [-3011]: 'EAI_SOCKTYPE',
}

type Table = ReadonlyMap<string, number>

function goTable(system: string, architecture: string): Table {
  const text = readFileSync(join(GO, `zerrors_${system}_${architecture}.go`), 'utf8')
  const table = new Map<string, number>()
  for (const [, name = '', value = ''] of text.matchAll(/^\s+([A-Z]\w+)\s+=\s+(-?\w+)$/gm))
    table.set(name, number(value))
  return table
}

function rustText(system: string): string {
  const crate = readdirSync(RUST).find((name) => name.startsWith('libc-')) as string
  return (RUST_FILES[system] as readonly string[])
    .map((file) => readFileSync(join(RUST, crate, 'src/unix', file), 'utf8'))
    .join('\n')
}

function rustTable(system: string): Table {
  const table = new Map<string, number>()
  for (const [, name = '', value = ''] of rustText(system).matchAll(
    /pub const (\w+): [^=]+ = (-?\w+?)(?:isize as [^;]+)?;/g,
  )) {
    table.set(name, number(value))
  }
  return table
}

const number = (text: string): number => (text.startsWith('-') ? -Number(text.slice(1)) : Number(text))

/** Bytes of the fields of a struct of Go's, by name. */
function goStruct(system: string, architecture: string, name: string): Map<string, [at: number, bytes: number]> {
  const text = readFileSync(join(GO, `ztypes_${system}_${architecture}.go`), 'utf8')
  const body = new RegExp(`type ${name} struct \\{([^}]*)\\}`).exec(text)?.[1] ?? ''
  const fields = new Map<string, [number, number]>()
  let at = 0
  for (const [, field = '', count = '1', type = ''] of body.matchAll(/^\s+(\w+)\s+(?:\[(\d+)\])?(\*?\w+)$/gm)) {
    const one = type.startsWith('*') ? 8 : type === 'byte' ? 1 : Number(/\d+$/.exec(type)?.[0]) / 8
    at = Math.ceil(at / one) * one
    fields.set(field, [at, one * Number(count)])
    at += one * Number(count)
  }
  return fields
}

const missing = [GO, RUST].filter((path) => !existsSync(path))

function figures(title: string, body: (t: ExecutionContext) => void): void {
  test(title, (t) => {
    if (missing.length > 0) {
      t.log(`skipped: it needs golang-golang-x-sys-dev and librust-libc-dev (${missing.join(', ')} is not there)`)
      t.pass()
    } else body(t)
  })
}

/** Each of ours is in the table, and the same. */
function same(t: ExecutionContext, table: Table, ours: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(ours)) {
    t.true(table.has(name), `${name} is in the table`)
    t.is((table.get(name) as number) >>> 0, value >>> 0, name)
  }
}

function optionsOf({ SOCKET_OPTIONS }: posix.PosixConstants, special: Record<string, string>): Record<string, number> {
  const all: Record<string, number> = {}
  for (const [option, [levelName, name]] of Object.entries(OPTIONS)) {
    const [level, value] = SOCKET_OPTIONS[option as keyof typeof OPTIONS]
    all[levelName] = level
    all[special[name] ?? name] = value
  }
  return all
}

const shared = {
  F_GETFL: posix.F_GETFL,
  F_SETFL: posix.F_SETFL,
  F_SETFD: posix.F_SETFD,
  FD_CLOEXEC: posix.FD_CLOEXEC,
  AF_UNIX: posix.AF_UNIX,
  AF_INET: posix.AF_INET,
  SOCK_STREAM: posix.SOCK_STREAM,
  SOCK_DGRAM: posix.SOCK_DGRAM,
  SHUT_WR: posix.SHUT_WR,
}

const ofTable = (constants: posix.PosixConstants) => ({
  O_NONBLOCK: constants.O_NONBLOCK,
  O_APPEND: constants.O_APPEND,
  O_CLOEXEC: constants.O_CLOEXEC,
  AF_INET6: constants.AF_INET6,
  SOL_SOCKET: constants.SOL_SOCKET,
  SO_ERROR: constants.SO_ERROR,
  SO_LINGER: constants.SO_LINGER,
  F_DUPFD_CLOEXEC: constants.F_DUPFD_CLOEXEC,
})

/** Messages with descriptors: the flags, and where the code has the fields of both structures. */
function messages(
  t: ExecutionContext,
  table: Table,
  { messages: system }: { readonly messages: MessageConstants },
  structOf: (name: string) => ReturnType<typeof goStruct>,
): void {
  same(t, table, { MSG_DONTWAIT: system.DONTWAIT, MSG_TRUNC: system.TRUNC, MSG_CTRUNC: system.CTRUNC })
  if (system.CMSG_CLOEXEC === 0) t.false(table.has('MSG_CMSG_CLOEXEC'))
  else same(t, table, { MSG_CMSG_CLOEXEC: system.CMSG_CLOEXEC })
  const bytes = system.LONG_LENGTHS ? 8 : 4
  const message = structOf('Msghdr')
  t.deepEqual(message.get('Iov'), [16, 8])
  t.deepEqual(message.get('Iovlen'), [24, bytes])
  t.deepEqual(message.get('Control'), [32, 8])
  t.deepEqual(message.get('Controllen'), [40, bytes])
  t.deepEqual(message.get('Flags'), [40 + bytes, 4])
  const control = structOf('Cmsghdr')
  t.deepEqual(control.get('Len'), [0, bytes])
  t.deepEqual(control.get('Level'), [bytes, 4])
  t.deepEqual(control.get('Type'), [bytes + 4, 4])
  t.is(system.DATA_AT, Math.ceil((bytes + 8) / system.ALIGN) * system.ALIGN)
}

for (const architecture of ARCHITECTURES) {
  for (const [name, system] of Object.entries(SYSTEMS) as [string, System][]) {
    const { constants } = system
    figures(`constants of ${name}, ${architecture}, are those that Go has`, (t) => {
      const table = goTable(name, architecture)
      same(t, table, { ...shared, ...ofTable(constants) })
      same(t, table, optionsOf(constants, name === 'freebsd' ? { SO_REUSEPORT: 'SO_REUSEPORT_LB' } : {}))
      same(t, table, { SO_NOSIGPIPE: system.SO_NOSIGPIPE })
      const { RLIMIT_AS, RLIMIT_NPROC, RLIMIT_NOFILE } = system.processes
      same(t, table, { RLIMIT_AS, RLIMIT_NPROC, RLIMIT_NOFILE })
      if (system.SOCK_NONBLOCK === null) t.false(table.has('SOCK_NONBLOCK'))
      else {
        same(t, table, { SOCK_NONBLOCK: system.SOCK_NONBLOCK, SOCK_CLOEXEC: system.SOCK_CLOEXEC })
        same(t, table, { MSG_NOSIGNAL: system.MSG_NOSIGNAL })
        t.is(constants.SOCKET_FLAGS, system.SOCK_NONBLOCK | system.SOCK_CLOEXEC)
      }
      messages(t, table, system, (struct) => goStruct(name, architecture, struct))
      const address = goStruct(name, architecture, 'RawSockaddrUnix')
      t.deepEqual(address.get('Len'), [0, 1])
      t.deepEqual(address.get('Family'), [1, 1])
      t.deepEqual(address.get('Path'), [2, constants.SUN_PATH_BYTES])
    })
  }

  figures(`constants of Linux, ${architecture}, are those that Go has`, (t) => {
    const general = readFileSync(join(GO, 'zerrors_linux.go'), 'utf8')
    const table = new Map(goTable('linux', architecture))
    for (const [, name = '', value = ''] of general.matchAll(/^\s+([A-Z]\w+)\s+=\s+(-?\w+)$/gm))
      table.set(name, number(value))
    same(t, table, { ...shared, ...ofTable(LINUX), ...optionsOf(LINUX, {}), SOCK_NONBLOCK, MSG_NOSIGNAL })
    messages(t, table, { messages: MESSAGES }, (struct) => goStruct('linux', architecture, struct))
  })

  for (const [name, abi] of Object.entries(ABIS) as [string, Abi][]) {
    if (name === 'libkqueue') continue
    figures(`struct kevent of ${name}, ${architecture}, is laid out as Go has it`, (t) => {
      const fields = goStruct(name, architecture, 'Kevent_t')
      const memory = new Uint8Array(abi.words * 4 * 2)
      let words: Uint32Array = new Uint32Array(0)
      const list = new kevent.Kevents(abi, 2, (view) => {
        words = view as Uint32Array
        return 0
      })
      list.set(1, 0x11223344, abi.WRITE, 0x21, 0x55667788, 0x1122334455, -7)
      memory.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength))
      const view = new DataView(memory.buffer, abi.words * 4)
      const field = (key: string): bigint => {
        const [at, bytes] = fields.get(key) as [number, number]
        return bytes === 2
          ? BigInt(view.getUint16(at, true))
          : bytes === 4
            ? BigInt(view.getUint32(at, true))
            : view.getBigUint64(at, true)
      }
      const [last, bytes] = [...fields.values()].at(-1) as [number, number]
      t.is(abi.words * 4, last + bytes)
      const bits = BigInt(8 * (fields.get('Filter') as [number, number])[1])
      t.is(field('Ident'), 0x11223344n)
      t.is(field('Filter'), BigInt.asUintN(Number(bits), BigInt(abi.WRITE)))
      t.is(field('Flags'), 0x21n)
      t.is(field('Fflags'), 0x55667788n)
      t.is(field('Data'), 0x1122334455n)
      t.is(BigInt.asIntN(32, field('Udata')), -7n)
      t.deepEqual([list.ident(1), list.filter(1), list.flags(1)], [0x11223344, abi.WRITE, 0x21])
      t.deepEqual([list.fflags(1), list.data(1), list.udata(1)], [0x55667788, 0x22334455, -7])
    })

    figures(`filters of ${name}, ${architecture}, are those that Go has`, (t) => {
      const table = goTable(name, architecture)
      const { EV_ADD, EV_DELETE, EV_ONESHOT, EV_CLEAR, EV_ERROR, EV_EOF } = kevent
      same(t, table, { EV_ADD, EV_DELETE, EV_ONESHOT, EV_CLEAR, EV_ERROR, EV_EOF })
      const { NOTE_EXIT, NOTE_DELETE, NOTE_WRITE, NOTE_EXTEND, NOTE_ATTRIB, NOTE_LINK, NOTE_RENAME, NOTE_REVOKE } =
        kevent
      same(t, table, {
        NOTE_EXIT,
        NOTE_DELETE,
        NOTE_WRITE,
        NOTE_EXTEND,
        NOTE_ATTRIB,
        NOTE_LINK,
        NOTE_RENAME,
        NOTE_REVOKE,
      })
      same(t, table, { EVFILT_READ: abi.READ, EVFILT_WRITE: abi.WRITE, EVFILT_VNODE: abi.VNODE })
      same(t, table, { EVFILT_PROC: abi.PROC, EVFILT_TIMER: abi.TIMER })
      if (abi.USER === null) t.false(table.has('EVFILT_USER'))
      else same(t, table, { EVFILT_USER: abi.USER, NOTE_TRIGGER: kevent.NOTE_TRIGGER })
      if (abi.unit === 0) t.false(table.has('NOTE_USECONDS'))
      else same(t, table, { NOTE_USECONDS: abi.unit })
    })
  }
}

for (const [name, { constants }] of Object.entries(SYSTEMS) as [string, System][]) {
  figures(`constants of ${name} are those that Rust has, too`, (t) => {
    const table = rustTable(name)
    const { POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL, SEEK_SET, SEEK_CUR, SEEK_END } = posix
    same(t, table, {
      FIONREAD,
      RTLD_DEFAULT,
      F_DUPFD_CLOEXEC: constants.F_DUPFD_CLOEXEC,
      O_CLOEXEC: constants.O_CLOEXEC,
    })
    same(t, table, { POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL, SEEK_SET, SEEK_CUR, SEEK_END })
    for (const [value, uv] of Object.entries(constants.EAI)) {
      const eai = EAI_NAMES[uv] as string
      // FreeBSD has this number and no name for it any more.
      if (eai === 'EAI_NODATA' && !table.has(eai)) continue
      same(t, table, { [eai]: Number(value) })
    }
    // The pointer to the address comes behind that to the name, which stands at 24.
    const body = /pub struct addrinfo \{([^}]*)\}/.exec(rustText(name))?.[1] ?? ''
    const fields = [...body.matchAll(/pub (\w+):/g)].map(([, field]) => field)
    t.deepEqual(fields.slice(4, 8), ['ai_addrlen', 'ai_canonname', 'ai_addr', 'ai_next'])
    t.is(constants.ADDRINFO_ADDRESS_AT, 32)
  })
}
