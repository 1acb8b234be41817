/**
 * The C library, as a table of plain functions on numbers.
 *
 * Every function returns ≥ 0 or the negated errno. Memory goes in as an address (a number): taking one costs more than
 * a call, so callers take it once with `addressOf` and keep it, and keep the memory alive too. None of these functions
 * checks an fd: to the C side NaN is 0, which is somebody's standard input.
 *
 * Nothing is loaded before `openLibc` is called, so that a browser, or a platform without koffi, can import this file.
 * The constants are Linux's, equal on x64 and arm64. (Those that differ there, O_DIRECTORY, O_NOFOLLOW, O_DIRECT and
 * O_LARGEFILE, are not used; the one difference that matters is the layout of epoll_event.)
 */
import { Environment } from '../host/environment.js'

export const O_NONBLOCK = 0o4000
export const CLOEXEC = 0o2000000
export const F_GETFL = 3
export const F_SETFL = 4
export const O_APPEND = 0o2000
export const SEEK_SET = 0
export const SEEK_CUR = 1
export const SEEK_END = 2
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = O_NONBLOCK
export const MSG_NOSIGNAL = 0x4000
export const SHUT_WR = 1
export const SOL_SOCKET = 1
export const SO_ERROR = 4
export const SO_LINGER = 13
export const CLOCK_MONOTONIC = 1
const SYS_IO_URING_SETUP = 425
const SYS_IO_URING_ENTER = 426
const SYS_IO_URING_REGISTER = 427
const PROT_READ_WRITE = 3
const MAP_SHARED_POPULATE = 0x8001
const RTLD_LAZY = 0x1
const RTLD_NODELETE = 0x1000
export const POLLIN = 0x1
export const POLLOUT = 0x4
export const POLLERR = 0x8
export const POLLHUP = 0x10
export const POLLNVAL = 0x20
export const POLLRDHUP = 0x2000
export const EPOLLRDHUP = POLLRDHUP
export const EPOLLET = 1 << 31
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3

/** glibc looks at blocks of at most 32 MiB, its own few bytes included. */
const LARGEST_LESSON_BYTES = 32 * 1024 * 1024 - 64 * 1024

/** Level and name of each option that is one int. */
export const SOCKET_OPTIONS = {
  noDelay: [6, 1],
  broadcast: [SOL_SOCKET, 6],
  reuseAddress: [SOL_SOCKET, 2],
  reusePort: [SOL_SOCKET, 15],
  keepAlive: [SOL_SOCKET, 9],
  ipv6Only: [41, 26],
  receiveBufferBytes: [SOL_SOCKET, 8],
  sendBufferBytes: [SOL_SOCKET, 7],
} as const

/** The koffi module. */
export type Koffi = typeof import('koffi')

/** Why there is no koffi; the host driver does without. */
export class NoKoffi extends Error {
  override readonly name = 'NoKoffi'
}

/** What `openLibc` returns. */
export type Libc = ReturnType<typeof bindLibc>

let opened: Libc | null = null

/**
 * Loads koffi and binds the table, once a thread.
 *
 * @throws NoKoffi if it is not installed, has no binary for this platform, or may not be loaded.
 */
export function openLibc(): Libc {
  opened ??= bindLibc(loadKoffi())
  return opened
}

function loadKoffi(): Koffi {
  // A program that is bundled as CommonJS has no import.meta.url.
  const here = import.meta.url ?? __filename
  const require = process.getBuiltinModule('node:module').createRequire(here)
  let koffi: Koffi
  try {
    koffi = require('koffi') as Koffi
  } catch (error) {
    const [why] = String((error as Error | undefined)?.message ?? error).split('\n')
    const allow = /addon/.test(String(why))
      ? 'allow addons (--allow-addons)'
      : 'install it beside drupe (npm install koffi)'
    throw new NoKoffi(`koffi cannot be loaded (${why}); ${allow}`, { cause: error })
  }
  // A terminated worker unloads its addons before libuv has called back into them: a crash, if koffi was loaded in
  // workers only. So its library is pinned, for the life of the process.
  const file = Object.keys(require.cache).find((path) => path.endsWith('.node') && path.includes('koffi'))
  if (file !== undefined) koffi.load(null).func('dlopen', 'uintptr_t', ['str', 'int'])(file, RTLD_LAZY | RTLD_NODELETE)
  return koffi
}

/**
 * Received bytes are allocated and freed by the megabyte. glibc gives freed memory back to the system, and every page of
 * the next chunk is then a fault, which costs more than reading the bytes: 20 of 54 µs for an echo of 100 KiB. But it learns
 * from what a program frees: after one large block it expects more of them, and keeps up to twice as much (64 MiB here) for
 * the next ones. So it is shown one, of the largest size that it learns from; the block is never touched. Other allocators
 * take no notice.
 */
function keepFreedMemory(library: ReturnType<Koffi['load']>): void {
  const malloc = library.func('malloc', 'uintptr_t', ['size_t'])
  const free = library.func('free', 'void', ['uintptr_t'])
  free(malloc(LARGEST_LESSON_BYTES))
}

function bindLibc(koffi: Koffi) {
  const library = koffi.load(null)
  const checked = (result: number): number => (result >= 0 ? result : -koffi.errno())
  // 'int' is enough for counts: Linux moves at most 0x7ffff000 bytes in one call.
  type Call = (...operands: number[]) => number
  const bind = (name: string, ...types: string[]): Call => library.func(name, 'int', types) as Call
  const { isMainThread } = process.getBuiltinModule('node:worker_threads')
  // What is rarely called is bound when first used, which saves 2 of 10 ms of a first run. Not in a worker: one that is
  // terminated while koffi binds takes the process down, and a call of what is bound does not.
  const bindChecked = (name: string, ...types: string[]): Call => {
    let call = isMainThread ? null : bind(name, ...types)
    return (...operands) => {
      call ??= bind(name, ...types)
      return checked(call(...operands))
    }
  }
  const environment = isMainThread ? null : Environment.find(library)
  if (isMainThread) keepFreedMemory(library)

  // The hot ones are written out: a rest parameter would allocate, and a shared closure would not be inlined.
  const read = bind('read', 'int', 'uintptr_t', 'size_t')
  const write = bind('write', 'int', 'uintptr_t', 'size_t')
  const recv = bind('recv', 'int', 'uintptr_t', 'size_t', 'int')
  const send = bind('send', 'int', 'uintptr_t', 'size_t', 'int')
  const recvfrom = bind('recvfrom', 'int', 'uintptr_t', 'size_t', 'int', 'uintptr_t', 'uintptr_t')
  const readv = bind('readv', 'int', 'uintptr_t', 'int')
  const writev = bind('writev', 'int', 'uintptr_t', 'int')
  const sendmsg = bind('sendmsg', 'int', 'uintptr_t', 'int')
  const sendto = bind('sendto', 'int', 'uintptr_t', 'size_t', 'int', 'uintptr_t', 'uint')
  const accept4 = bind('accept4', 'int', 'uintptr_t', 'uintptr_t', 'int')
  const poll = bind('poll', 'uintptr_t', 'ulong', 'int')
  const fcntl = bind('fcntl', 'int', 'int', 'long')
  const epollWait = bind('epoll_wait', 'int', 'uintptr_t', 'int', 'int')
  const epollControl = bind('epoll_ctl', 'int', 'int', 'int', 'uintptr_t')
  // The C library has no functions for io_uring; all 64-bit Linux systems have the same numbers for it.
  const uringSetup = library.func('syscall', 'long', ['long', 'uint', 'uintptr_t']) as Call
  const uringEnter = library.func('syscall', 'long', [
    'long',
    'uint',
    'uint',
    'uint',
    'uint',
    'uintptr_t',
    'size_t',
  ]) as Call
  const uringRegister = library.func('syscall', 'long', ['long', 'uint', 'uint', 'uintptr_t', 'uint']) as Call
  const mmap = library.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'long']) as Call
  const munmap = bind('munmap', 'uintptr_t', 'size_t')
  const lseek = library.func('lseek', 'int64_t', ['int', 'int64_t', 'int']) as Call
  const close = bindChecked('close', 'int')
  const timerfdSettime = bind('timerfd_settime', 'int', 'int', 'uintptr_t', 'uintptr_t')

  return {
    koffi,
    isMainThread,
    /** In a worker thread, where the host has one. */
    environment,
    read: (fd: number, at: number, length: number) => checked(read(fd, at, length)),
    write: (fd: number, at: number, length: number) => checked(write(fd, at, length)),
    recv: (fd: number, at: number, length: number) => checked(recv(fd, at, length, 0)),
    send: (fd: number, at: number, length: number) => checked(send(fd, at, length, MSG_NOSIGNAL)),
    readv: (fd: number, pieces: number, count: number) => checked(readv(fd, pieces, count)),
    writev: (fd: number, pieces: number, count: number) => checked(writev(fd, pieces, count)),
    sendmsg: (fd: number, message: number) => checked(sendmsg(fd, message, MSG_NOSIGNAL)),
    recvfrom: (fd: number, at: number, length: number, from: number, fromLength: number) =>
      checked(recvfrom(fd, at, length, 0, from, fromLength)),
    sendto: (fd: number, at: number, length: number, to: number, toLength: number) =>
      checked(sendto(fd, at, length, MSG_NOSIGNAL, to, toLength)),
    accept: (fd: number) => checked(accept4(fd, 0, 0, SOCK_NONBLOCK | CLOEXEC)),
    poll: (fds: number, count: number, ms: number) => checked(poll(fds, count, ms)),
    /** The new position; a number, since no file is of 2 ** 53 bytes. */
    lseek: (fd: number, offset: number, from: number) => checked(Number(lseek(fd, offset, from))),
    setStatusFlags: (fd: number, flags: number) => checked(fcntl(fd, F_SETFL, flags)),
    statusFlags: (fd: number) => checked(fcntl(fd, F_GETFL, 0)),
    epollWait: (epoll: number, events: number, max: number, ms: number) => checked(epollWait(epoll, events, max, ms)),
    epollControl: (epoll: number, action: number, fd: number, event: number) =>
      checked(epollControl(epoll, action, fd, event)),
    timerfdSettime: (fd: number, flags: number, value: number) => checked(timerfdSettime(fd, flags, value, 0)),

    uringSetup: (entries: number, params: number) => checked(uringSetup(SYS_IO_URING_SETUP, entries, params)),
    uringEnter: (fd: number, submit: number, atLeast: number, flags: number) =>
      checked(uringEnter(SYS_IO_URING_ENTER, fd, submit, atLeast, flags, 0, 0)),
    uringRegister: (fd: number, code: number, at: number, count: number) =>
      checked(uringRegister(SYS_IO_URING_REGISTER, fd, code, at, count)),
    /** Memory shared with the system: its address, or a negative errno. */
    map: (fd: number, bytes: number, offset: number) =>
      checked(Number(mmap(0, bytes, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset))),
    unmap: (at: number, bytes: number) => checked(munmap(at, bytes)),
    /** Memory at an address as an ArrayBuffer; once it is unmapped nobody may look through it. */
    viewOf: (at: number, bytes: number): ArrayBuffer => koffi.view(at as never, bytes) as ArrayBuffer,

    epollCreate: bindChecked('epoll_create1', 'int'),
    eventfd: bindChecked('eventfd', 'uint', 'int'),
    timerfdCreate: bindChecked('timerfd_create', 'int', 'int'),
    openat: bindChecked('openat', 'int', 'uintptr_t', 'int', 'uint'),
    statx: bindChecked('statx', 'int', 'uintptr_t', 'int', 'uint', 'uintptr_t'),
    tee: bindChecked('tee', 'int', 'int', 'size_t', 'uint'),
    fsync: bindChecked('fsync', 'int'),
    socket: bindChecked('socket', 'int', 'int', 'int'),
    socketpair: bindChecked('socketpair', 'int', 'int', 'int', 'uintptr_t'),
    pipe: bindChecked('pipe2', 'uintptr_t', 'int'),
    bind: bindChecked('bind', 'int', 'uintptr_t', 'uint'),
    listen: bindChecked('listen', 'int', 'int'),
    connect: bindChecked('connect', 'int', 'uintptr_t', 'uint'),
    getsockopt: bindChecked('getsockopt', 'int', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    setsockopt: bindChecked('setsockopt', 'int', 'int', 'int', 'uintptr_t', 'uint'),
    getsockname: bindChecked('getsockname', 'int', 'uintptr_t', 'uintptr_t'),
    getpeername: bindChecked('getpeername', 'int', 'uintptr_t', 'uintptr_t'),
    shutdown: bindChecked('shutdown', 'int', 'int'),
    close: (fd: number) => {
      environment?.disown(fd)
      return close(fd)
    },

    /**
     * The memory address of a view, valid as long as the view is alive and attached. Small typed arrays live inside V8's
     * heap and move; reading `.buffer` moves them out, for good.
     */
    addressOf(view: ArrayBufferView): number {
      void view.buffer
      return Number(koffi.address(view))
    },
  }
}
