/**
 * Linux's part of the C library: epoll, the ring's system calls, timerfd, what files are.
 *
 * Nothing is loaded before `openLibc` is called, so that a browser, or a platform without koffi,
 * can import this file.
 */
import type { Koffi } from '../koffi.js'
import { AF_UNIX } from '../posix/constants.js'
import { EAGAIN } from '../posix/errno.js'
import { Binder, bindPosix, type Call, type PlatformCalls, type Libc as PosixLibc } from '../posix/libc.js'
import { setWord } from '../posix/words.js'
import {
  CLOEXEC,
  LINUX,
  MAP_SHARED_POPULATE,
  MESSAGES,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  O_NONBLOCK,
  POLLIN,
  PROCESSES,
  PROT_READ_WRITE,
  SOCK_NONBLOCK,
  SYS_IO_URING_ENTER,
  SYS_IO_URING_REGISTER,
  SYS_IO_URING_SETUP,
  SYS_PIDFD_OPEN,
} from './constants.js'
import { AT_EMPTY_PATH, AT_FDCWD, isDisk, pathBytes, STATX_BASIC, STATX_BYTES, statusFrom } from './files.js'

/** glibc looks at blocks of at most 32 MiB, its own few bytes included. */
const LARGEST_LESSON_BYTES = 32 * 1024 * 1024 - 64 * 1024

/** dlsym's handle for all that is loaded. */
const RTLD_DEFAULT = 0
/** Do not ask a server in the network whether it has changed. */
const AT_STATX_DONT_SYNC = 0x4000
const SPLICE_NONBLOCK = 2
const RWF_NOWAIT = 8

/** What `openLibc` returns. */
export type Libc = PosixLibc & ReturnType<typeof bindLinux>

let opened: Libc | null = null

/**
 * Loads koffi and binds the table, once a thread.
 *
 * @throws NoKoffi if it is not installed, has no binary for this platform, or may not be loaded.
 */
export function openLibc(): Libc {
  if (opened !== null) return opened
  const binder = new Binder()
  if (binder.isMainThread) keepFreedMemory(binder.library)
  opened = { ...bindPosix(binder, MSG_NOSIGNAL, RTLD_DEFAULT, MSG_TRUNC), ...bindLinux(binder), ...fileCalls(binder) }
  return opened
}

/**
 * Received bytes are allocated and freed by the megabyte. glibc gives freed memory back to Linux,
 * and every page of the next chunk is then a fault, which costs more than reading the bytes: 20 of
 * 54 µs for an echo of 100 KiB. But it learns from what a program frees: after one large block it
 * expects more of them, and keeps up to twice as much (64 MiB here) for the next ones. So it is
 * shown one, of the largest size that it learns from; the block is never touched. Other allocators
 * take no notice.
 */
function keepFreedMemory(library: ReturnType<Koffi['load']>): void {
  const malloc = library.func('malloc', 'uintptr_t', ['size_t'])
  const free = library.func('free', 'void', ['uintptr_t'])
  free(malloc(LARGEST_LESSON_BYTES))
}

function bindLinux(binder: Binder) {
  const { koffi, library, checked } = binder
  const accept4 = binder.bind('accept4', 'int', 'uintptr_t', 'uintptr_t', 'int')
  const pipe2 = binder.bindChecked('pipe2', 'uintptr_t', 'int')
  const socketpair = binder.bindChecked('socketpair', 'int', 'int', 'int', 'uintptr_t')
  const epollWait = binder.bind('epoll_wait', 'int', 'uintptr_t', 'int', 'int')
  const epollControl = binder.bind('epoll_ctl', 'int', 'int', 'int', 'uintptr_t')
  // The C library has no functions for io_uring; all 64-bit Linux systems have the same numbers for
  // it.
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
  const pidfdOpen = library.func('syscall', 'long', ['long', 'int', 'uint']) as Call
  const mmap = library.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'long']) as Call
  const munmap = binder.bind('munmap', 'uintptr_t', 'size_t')
  const timerfdSettime = binder.bind('timerfd_settime', 'int', 'int', 'uintptr_t', 'uintptr_t')

  return {
    constants: LINUX,
    processes: PROCESSES,
    messages: MESSAGES,
    accept: (fd: number) => checked(accept4(fd, 0, 0, SOCK_NONBLOCK | CLOEXEC)),
    socket: binder.bindChecked('socket', 'int', 'int', 'int'),
    pipe: (at: number) => pipe2(at, CLOEXEC | O_NONBLOCK),
    socketPair: (type: number, at: number) => socketpair(AF_UNIX, type | SOCK_NONBLOCK | CLOEXEC, 0, at),
    epollWait: (epoll: number, events: number, max: number, ms: number) => checked(epollWait(epoll, events, max, ms)),
    epollControl: (epoll: number, action: number, fd: number, event: number) =>
      checked(epollControl(epoll, action, fd, event)),
    timerfdSettime: (fd: number, flags: number, value: number) => checked(timerfdSettime(fd, flags, value, 0)),

    uringSetup: (entries: number, params: number) => checked(uringSetup(SYS_IO_URING_SETUP, entries, params)),
    uringEnter: (fd: number, submit: number, atLeast: number, flags: number) =>
      checked(uringEnter(SYS_IO_URING_ENTER, fd, submit, atLeast, flags, 0, 0)),
    uringRegister: (fd: number, code: number, at: number, count: number) =>
      checked(uringRegister(SYS_IO_URING_REGISTER, fd, code, at, count)),
    /** A descriptor that is readable when the process has ended. */
    pidfdOpen: (pid: number) => checked(Number(pidfdOpen(SYS_PIDFD_OPEN, pid, 0))),
    /** Memory shared with the kernel of the OS: its address, or a negative errno. */
    map: (fd: number, bytes: number, offset: number) =>
      checked(Number(mmap(0, bytes, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset))),
    unmap: (at: number, bytes: number) => checked(munmap(at, bytes)),
    /** Memory at an address as an ArrayBuffer; once it is unmapped nobody may look through it. */
    viewOf: (at: number, bytes: number): ArrayBuffer => koffi.view(at as never, bytes) as ArrayBuffer,

    inotifyInit: binder.bindChecked('inotify_init1', 'int'),
    inotifyRemoveWatch: binder.bindChecked('inotify_rm_watch', 'int', 'int'),
    inotifyAddWatch: binder.bindChecked('inotify_add_watch', 'int', 'uintptr_t', 'uint'),
    epollCreate: binder.bindChecked('epoll_create1', 'int'),
    eventfd: binder.bindChecked('eventfd', 'uint', 'int'),
    timerfdCreate: binder.bindChecked('timerfd_create', 'int', 'int'),
  }
}

/** preadv2 with RWF_NOWAIT, which is as old as Linux 4.14. */
function readerOfCached(binder: Binder): NonNullable<PlatformCalls['readCached']> {
  const preadv2 = binder.bindChecked('preadv2', 'int', 'uintptr_t', 'int', 'int64_t', 'int')
  const iovec = new Uint32Array(4)
  const iovecAt = binder.addressOf(iovec)
  return (fd, at, bytes, position) => {
    setWord(iovec, 0, at)
    setWord(iovec, 2, bytes)
    return preadv2(fd, iovecAt, 1, position, RWF_NOWAIT)
  }
}

type FileCalls = Pick<PlatformCalls, 'fileBytes' | 'isFifo' | 'hasWriter' | 'readCached'>

function fileCalls(binder: Binder): FileCalls {
  const statx = binder.bindChecked('statx', 'int', 'uintptr_t', 'int', 'uint', 'uintptr_t')
  const tee = binder.bindChecked('tee', 'int', 'int', 'size_t', 'uint')
  const pipe2 = binder.bindChecked('pipe2', 'uintptr_t', 'int')
  const close = binder.bindChecked('close', 'int')
  const poll = binder.bindChecked('poll', 'uintptr_t', 'ulong', 'int')
  const pollfd = new Int32Array(2)
  const pollfdAt = binder.addressOf(pollfd)
  // Behind the answer there is an empty path.
  const answer = new Uint8Array(STATX_BYTES + 8)
  const answerAt = binder.addressOf(answer)
  const nothingAt = answerAt + STATX_BYTES
  const status = (file: number | string, flags: number) => {
    const result =
      typeof file === 'string'
        ? statx(AT_FDCWD, binder.addressOf(pathBytes(file)), flags, STATX_BASIC, answerAt)
        : statx(file, nothingAt, flags | AT_EMPTY_PATH, STATX_BASIC, answerAt)
    return result < 0 ? null : statusFrom(answer)
  }
  return {
    readCached: readerOfCached(binder),
    fileBytes(fd) {
      const found = status(fd, AT_STATX_DONT_SYNC)
      if (found?.kind === 'file') return found.bytes
      return found?.kind === 'device' && isDisk(answer) ? Number.POSITIVE_INFINITY : -1
    },
    isFifo: (file) => status(file, 0)?.kind === 'pipe',
    /** Of an empty FIFO nothing can be copied; only with a writer is that for the moment. */
    hasWriter(fifo) {
      pollfd[0] = fifo
      pollfd[1] = POLLIN
      if (poll(pollfdAt, 1, 0) > 0) return true
      const pipe = new Int32Array(2)
      const failure = pipe2(binder.addressOf(pipe), CLOEXEC | O_NONBLOCK)
      if (failure < 0) return false
      const copied = tee(fifo, pipe[1] as number, 1, SPLICE_NONBLOCK)
      for (const end of pipe) close(end)
      return copied > 0 || copied === EAGAIN
    },
  }
}
