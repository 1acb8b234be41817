/**
 * The C library of macOS and FreeBSD: what they call otherwise than Linux.
 *
 * macOS makes no socket that is non-blocking and closed in child processes from the start; it is
 * made so in three more calls, and a process that is started between them inherits it.
 */
import { AF_UNIX, F_SETFD, F_SETFL, FD_CLOEXEC, POLLHUP, POLLIN } from '../posix/constants.js'
import { Binder, bindPosix, type Libc, type PlatformCalls } from '../posix/libc.js'
import { setWord } from '../posix/words.js'
import { FIONREAD, RTLD_DEFAULT, SYSTEMS, type System } from './constants.js'

/** In bytes: behind struct msghdr, which has 48. */
const PIECE_AT = 48
const MSG_TRUNC = 0x10

type Variadic = (fd: number, code: number, ...rest: unknown[]) => number

let opened: Libc | null = null

/**
 * Loads koffi and binds the table, once a thread.
 *
 * @throws NoKoffi if it is not installed, has no binary for this platform, or may not be loaded.
 */
export function openBsd(name: keyof typeof SYSTEMS): Libc {
  if (opened !== null) return opened
  const system: System = SYSTEMS[name]
  const binder = new Binder()
  const posix = bindPosix(binder, system.MSG_NOSIGNAL, RTLD_DEFAULT)
  opened = { ...posix, recvfrom: receiver(binder), ...bindSystem(binder, system) }
  return opened
}

/** recvfrom that tells what did not fit, by recvmsg: no flag lets recvfrom itself say so. */
function receiver(binder: Binder): Libc['recvfrom'] {
  const recvmsg = binder.bindChecked('recvmsg', 'int', 'uintptr_t', 'int')
  // struct msghdr, with its list of one piece behind it.
  const words = new Uint32Array(16)
  const messageAt = binder.addressOf(words)
  const lengths = new Map<number, Int32Array>()
  return (fd, at, length, from, fromLength) => {
    const known = lengths.get(fromLength) ?? new Int32Array(binder.koffi.view(fromLength as never, 4) as ArrayBuffer)
    lengths.set(fromLength, known)
    words.fill(0)
    setWord(words, 0, from)
    words[2] = known[0] as number
    setWord(words, 4, messageAt + PIECE_AT)
    words[6] = 1
    setWord(words, 12, at)
    setWord(words, 14, length)
    const result = recvmsg(fd, messageAt, 0)
    known[0] = words[2]
    return result >= 0 && ((words[11] as number) & MSG_TRUNC) !== 0 ? length + 1 : result
  }
}

function bindSystem(binder: Binder, system: System): PlatformCalls {
  const { constants, processes, messages, SOCK_NONBLOCK, SOCK_CLOEXEC } = system
  const socket = binder.bindChecked('socket', 'int', 'int', 'int')
  const socketpair = binder.bindChecked('socketpair', 'int', 'int', 'int', 'uintptr_t')
  const files = fileCalls(binder, system)
  if (SOCK_NONBLOCK !== null) {
    const accept4 = binder.bindChecked('accept4', 'int', 'uintptr_t', 'uintptr_t', 'int')
    const pipe2 = binder.bindChecked('pipe2', 'uintptr_t', 'int')
    return {
      constants,
      processes,
      messages,
      socket,
      accept: (fd) => accept4(fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
      pipe: (at) => pipe2(at, constants.O_NONBLOCK | constants.O_CLOEXEC),
      socketPair: (type, at) => socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, at),
      ...files,
    }
  }
  const accept = binder.bindChecked('accept', 'int', 'uintptr_t', 'uintptr_t')
  const pipe = binder.bindChecked('pipe', 'uintptr_t')
  // Variadic in C: on arm64 the last operand is on the stack.
  const fcntl = binder.library.func('fcntl', 'int', ['int', 'int', '...']) as Variadic
  const setsockopt = binder.bindChecked('setsockopt', 'int', 'int', 'int', 'uintptr_t', 'uint')
  const one = Int32Array.of(1)
  const oneAt = binder.addressOf(one)
  const prepare = (fd: number): number => {
    if (fd < 0) return fd
    fcntl(fd, F_SETFD, 'long', FD_CLOEXEC)
    fcntl(fd, F_SETFL, 'long', constants.O_NONBLOCK)
    return fd
  }
  // Of a socket whose peer has gone already, setsockopt says EINVAL; it sends no signal either.
  const quiet = (fd: number): number => {
    if (fd >= 0) setsockopt(fd, constants.SOL_SOCKET, system.SO_NOSIGPIPE, oneAt, one.byteLength)
    return prepare(fd)
  }
  const ends = new Int32Array(2)
  const endsAt = binder.addressOf(ends)
  /** Moves both ends to where they are wanted, prepared. */
  const both = (at: number, result: number, finish: (fd: number) => number): number => {
    if (result < 0) return result
    for (const end of ends) finish(end)
    new Int32Array(binder.koffi.view(at as never, 8) as ArrayBuffer).set(ends)
    return 0
  }
  return {
    constants,
    processes,
    messages,
    socket: (family, type, protocol) => quiet(socket(family, type, protocol)),
    accept: (fd) => quiet(accept(fd, 0, 0)),
    pipe: (at) => both(at, pipe(endsAt), prepare),
    socketPair: (type, at) => both(at, socketpair(AF_UNIX, type, 0, endsAt), quiet),
    ...files,
  }
}

function fileCalls(binder: Binder, system: System): Pick<PlatformCalls, 'fileBytes' | 'isFifo' | 'hasWriter'> {
  const fs = process.getBuiltinModule('node:fs')
  const poll = binder.bindChecked('poll', 'uintptr_t', 'uint', 'int')
  const ioctl = binder.library.func('ioctl', 'int', ['int', 'ulong', '...']) as Variadic
  const pollfd = new Int32Array(2)
  const pollfdAt = binder.addressOf(pollfd)
  const left = new Int32Array(1)
  const leftAt = binder.addressOf(left)
  const stat = (file: number | string): import('node:fs').Stats | null => {
    try {
      return typeof file === 'string' ? fs.statSync(file) : fs.fstatSync(file)
    } catch {
      return null
    }
  }
  return {
    fileBytes(fd) {
      const found = stat(fd)
      if (found?.isFile()) return found.size
      return found?.isBlockDevice() ? Number.POSITIVE_INFINITY : -1
    },
    isFifo: (file) => stat(file)?.isFIFO() ?? false,
    /** macOS says POLLHUP until there is one. FreeBSD says nothing until one has written. */
    hasWriter(fifo) {
      pollfd[0] = fifo
      pollfd[1] = POLLIN
      const found = poll(pollfdAt, 1, 0) > 0 ? (pollfd[1] as number) >>> 16 : 0
      if (!system.HUP_BEFORE_WRITER) return found !== 0
      left[0] = 0
      return (found & POLLHUP) === 0 || (ioctl(fifo, FIONREAD, 'uintptr_t', leftAt) === 0 && left[0] > 0)
    },
  }
}
