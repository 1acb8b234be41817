/**
 * What macOS and FreeBSD call by other numbers than Linux, equal on x64 and arm64.
 *
 * A test compares every figure with the tables that Go and Rust keep of these systems
 * (test/native/bsd/tables.test.ts).
 */
import type { Capabilities } from '../../kernel/protocol/capabilities.js'
import type { PosixConstants } from '../posix/constants.js'
import type { MessageConstants } from '../posix/descriptors.js'
import type { ProcessConstants } from '../posix/process-calls.js'

/** How many bytes can be read. */
export const FIONREAD = 0x4004667f
/** dlsym's handle for all that is loaded. */
export const RTLD_DEFAULT = -2

const O_NONBLOCK = 0x4
const O_APPEND = 0x8
const SOL_SOCKET = 0xffff
const SO_REUSEPORT = 0x200
const SO_REUSEPORT_LB = 0x10000
const IPPROTO_TCP = 6
const IPPROTO_IPV6 = 41

/** AGAIN, BADFLAGS, FAIL, FAMILY, MEMORY, NODATA, NONAME, SERVICE, SOCKTYPE. */
const EAI = { 2: -3001, 3: -3002, 4: -3004, 5: -3005, 6: -3006, 7: -3007, 8: -3008, 9: -3010, 10: -3011 }

const SHARED = {
  O_NONBLOCK,
  O_APPEND,
  SOL_SOCKET,
  SO_ERROR: 0x1007,
  SO_LINGER: 0x80,
  SOCKADDR_LENGTH: true,
  LENGTH_FIRST: false,
  SUN_PATH_BYTES: 104,
  ADDRINFO_ADDRESS_AT: 32,
  EAI,
  NI_NAMEREQD: 4,
  MEMBERSHIP: { join: 80, leave: 81, joinSource: 82, leaveSource: 83 },
}

const IPV6_OPTIONS = { ttl: 4, multicastTtl: 10, multicastLoopback: 11, multicastInterface: 9 }
const IPV4_OPTIONS = { ttl: 4, multicastTtl: 10, multicastLoopback: 11 }
/** Its own way to name an interface by number, which FreeBSD has not. */
const IP_MULTICAST_IFINDEX = 66
const IP_MULTICAST_IF = 9

const SOCKET_OPTIONS = {
  noDelay: [IPPROTO_TCP, 0x1],
  broadcast: [SOL_SOCKET, 0x20],
  reuseAddress: [SOL_SOCKET, 0x4],
  keepAlive: [SOL_SOCKET, 0x8],
  ipv6Only: [IPPROTO_IPV6, 27],
  receiveBufferBytes: [SOL_SOCKET, 0x1002],
  sendBufferBytes: [SOL_SOCKET, 0x1001],
} as const

/** One system: its constants, and those that only its own file of calls uses (libc.ts). */
export interface System {
  readonly constants: PosixConstants
  /** Added to the type of a socket, and given to accept4; null: neither is there, nor is pipe2. */
  readonly SOCK_NONBLOCK: number | null
  readonly SOCK_CLOEXEC: number
  /** No SIGPIPE: a flag of each send, or else an option of the socket. */
  readonly MSG_NOSIGNAL: number
  readonly SO_NOSIGPIPE: number
  /** Does poll(2) say POLLHUP of a FIFO that nobody has opened for writing yet? */
  readonly HUP_BEFORE_WRITER: boolean
  readonly can: Capabilities
  readonly processes: ProcessConstants
  readonly messages: MessageConstants
}

const MESSAGES = { LONG_LENGTHS: false, DONTWAIT: 0x80, TRUNC: 0x10, CTRUNC: 0x20 }

const CAN: Capabilities = {
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

/** By the name that Node gives the platform. */
export const SYSTEMS = {
  darwin: {
    constants: {
      ...SHARED,
      O_CLOEXEC: 0x1000000,
      AF_INET6: 30,
      SOCKET_FLAGS: 0,
      F_DUPFD_CLOEXEC: 67,
      SOCKET_OPTIONS: { ...SOCKET_OPTIONS, reusePort: [SOL_SOCKET, SO_REUSEPORT] },
      DATAGRAM_OPTIONS: { ipv4: { ...IPV4_OPTIONS, multicastInterface: IP_MULTICAST_IFINDEX }, ipv6: IPV6_OPTIONS },
      // Packed by four there.
      GROUP_AT: 4,
      INTERFACE_AS: 'number',
    },
    SOCK_NONBLOCK: null,
    SOCK_CLOEXEC: 0,
    MSG_NOSIGNAL: 0,
    SO_NOSIGPIPE: 0x1022,
    HUP_BEFORE_WRITER: true,
    // The option is there, but one of the listeners gets all connections.
    can: { ...CAN, reusePort: false },
    processes: {
      SETPGROUP: 0x2,
      SETSIGDEF: 0x4,
      SETSIGMASK: 0x8,
      SETSID: 0x400,
      CLOEXEC_DEFAULT: 0x4000,
      P_PID: 1,
      WEXITED: 4,
      WNOWAIT: 0x20,
      SIGINFO_PID: 3,
      SIGINFO_STATUS: 5,
      RLIMIT_AS: 5,
      RLIMIT_NPROC: 7,
      RLIMIT_NOFILE: 8,
    },
    messages: { ...MESSAGES, DATA_AT: 12, ALIGN: 4, CMSG_CLOEXEC: 0 },
  },
  freebsd: {
    constants: {
      ...SHARED,
      O_CLOEXEC: 0x100000,
      AF_INET6: 28,
      SOCKET_FLAGS: 0x20000000 | 0x10000000,
      F_DUPFD_CLOEXEC: 17,
      SOCKET_OPTIONS: { ...SOCKET_OPTIONS, reusePort: [SOL_SOCKET, SO_REUSEPORT_LB] },
      DATAGRAM_OPTIONS: { ipv4: { ...IPV4_OPTIONS, multicastInterface: IP_MULTICAST_IF }, ipv6: IPV6_OPTIONS },
      GROUP_AT: 8,
      INTERFACE_AS: 'mreqn',
    },
    SOCK_NONBLOCK: 0x20000000,
    SOCK_CLOEXEC: 0x10000000,
    MSG_NOSIGNAL: 0x20000,
    SO_NOSIGPIPE: 0x800,
    HUP_BEFORE_WRITER: false,
    can: CAN,
    processes: {
      SETPGROUP: 0x2,
      SETSIGDEF: 0x10,
      SETSIGMASK: 0x20,
      SETSID: 0,
      CLOEXEC_DEFAULT: 0,
      P_PID: 0,
      WEXITED: 16,
      WNOWAIT: 8,
      SIGINFO_PID: 3,
      SIGINFO_STATUS: 5,
      RLIMIT_AS: 10,
      RLIMIT_NPROC: 7,
      RLIMIT_NOFILE: 8,
    },
    messages: { ...MESSAGES, DATA_AT: 16, ALIGN: 8, CMSG_CLOEXEC: 0x40000 },
  },
} satisfies Readonly<Record<string, System>>
