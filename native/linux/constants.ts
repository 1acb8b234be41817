/**
 * Linux's constants, equal on x64 and arm64. (Those that differ there, O_DIRECTORY, O_NOFOLLOW,
 * O_DIRECT and O_LARGEFILE, are not used; the one difference that matters is the layout of
 * epoll_event.)
 */
import type { Capabilities } from '../../kernel/protocol/capabilities.js'
import { POLLERR, POLLHUP, POLLIN, POLLOUT, type PosixConstants } from '../posix/constants.js'
import type { MessageConstants } from '../posix/descriptors.js'
import { EINTR } from '../posix/errno.js'
import type { ProcessConstants } from '../posix/process-calls.js'

export { POLLERR, POLLHUP, POLLIN, POLLOUT }

export const O_NONBLOCK = 0o4000
export const O_APPEND = 0o2000
export const CLOEXEC = 0o2000000
export const SOCK_NONBLOCK = O_NONBLOCK
/** Given to a receive: it returns how long the datagram was, whether that fits or not. */
export const MSG_TRUNC = 0x20
export const MSG_NOSIGNAL = 0x4000
export const SOL_SOCKET = 1
export const SO_LINGER = 13
export const CLOCK_MONOTONIC = 1
export const POLLRDHUP = 0x2000
export const EPOLLRDHUP = POLLRDHUP
export const EPOLLET = 1 << 31
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3
export const SYS_IO_URING_SETUP = 425
export const SYS_IO_URING_ENTER = 426
export const SYS_IO_URING_REGISTER = 427
export const SYS_PIDFD_OPEN = 434
export const PROT_READ_WRITE = 3
export const MAP_SHARED_POPULATE = 0x8001

/** Linux's part of what is needed to start processes and to wait for them. */
export const PROCESSES: ProcessConstants = {
  SETPGROUP: 0x2,
  SETSIGDEF: 0x4,
  SETSIGMASK: 0x8,
  SETSID: 0x80,
  CLOEXEC_DEFAULT: 0,
  P_PID: 1,
  WEXITED: 4,
  WNOWAIT: 0x1000000,
  SIGINFO_PID: 4,
  SIGINFO_STATUS: 6,
  RLIMIT_AS: 9,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
}

/** What a message with descriptors looks like. */
export const MESSAGES: MessageConstants = {
  LONG_LENGTHS: true,
  DATA_AT: 16,
  ALIGN: 8,
  DONTWAIT: 0x40,
  TRUNC: MSG_TRUNC,
  CTRUNC: 0x8,
  CMSG_CLOEXEC: 0x40000000,
}

/** Linux's own results for a system call to be made again; no libc has names for them. */
const ERESTARTSYS = -512
const ERESTART_RESTARTBLOCK = -516

/** Did a signal, or a cancel, end it before it had an effect? */
export function isInterrupted(result: number): boolean {
  return result === EINTR || (result <= ERESTARTSYS && result >= ERESTART_RESTARTBLOCK)
}

/** What a driver for Linux can do. */
export const CAN: Capabilities = {
  blocking: true,
  threads: true,
  sockets: true,
  unixSockets: true,
  unixDatagrams: true,
  namedPipes: false,
  reusePort: true,
  files: true,
  processes: true,
  foreignFds: true,
  multicast: true,
  watch: true,
}

/** Linux's part of what differs. */
export const LINUX: PosixConstants = {
  O_NONBLOCK,
  O_APPEND,
  O_CLOEXEC: CLOEXEC,
  AF_INET6: 10,
  SOL_SOCKET,
  SO_ERROR: 4,
  SO_LINGER,
  SOCKET_FLAGS: SOCK_NONBLOCK | CLOEXEC,
  SOCKADDR_LENGTH: false,
  LENGTH_FIRST: false,
  SUN_PATH_BYTES: 108,
  F_DUPFD_CLOEXEC: 1030,
  ADDRINFO_ADDRESS_AT: 24,
  NI_NAMEREQD: 8,
  // AGAIN, BADFLAGS, FAIL, FAMILY, MEMORY, NODATA, NONAME, SERVICE, SOCKTYPE.
  EAI: {
    [-3]: -3001,
    [-1]: -3002,
    [-4]: -3004,
    [-6]: -3005,
    [-10]: -3006,
    [-5]: -3007,
    [-2]: -3008,
    [-8]: -3010,
    [-7]: -3011,
  },
  SOCKET_OPTIONS: {
    noDelay: [6, 1],
    broadcast: [SOL_SOCKET, 6],
    reuseAddress: [SOL_SOCKET, 2],
    reusePort: [SOL_SOCKET, 15],
    keepAlive: [SOL_SOCKET, 9],
    ipv6Only: [41, 26],
    receiveBufferBytes: [SOL_SOCKET, 8],
    sendBufferBytes: [SOL_SOCKET, 7],
  },
  DATAGRAM_OPTIONS: {
    ipv4: { ttl: 2, multicastTtl: 33, multicastLoopback: 34, multicastInterface: 32 },
    ipv6: { ttl: 16, multicastTtl: 18, multicastLoopback: 19, multicastInterface: 17 },
  },
  MEMBERSHIP: { join: 42, leave: 45, joinSource: 46, leaveSource: 47 },
  GROUP_AT: 8,
  INTERFACE_AS: 'mreqn',
}
