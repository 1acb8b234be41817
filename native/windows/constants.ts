/**
 * Constants of Windows: those of Winsock by the names that POSIX has for them, and those that only
 * Windows has. Node has no table of these; the numbers are those of the Windows SDK (winsock2.h,
 * ws2ipdef.h, mswsock.h, winnt.h).
 */

import type { PosixConstants } from '../posix/constants.js'
import { AF_INET } from '../posix/constants.js'
import { numberOf } from '../posix/errno.js'

const AF_INET6 = 23
const SOL_SOCKET = 0xffff
const IPPROTO_TCP = 6
const IPPROTO_IPV6 = 41
/** An option that there is not. */
const NONE: readonly [level: number, name: number] = [0, 0]

/** What the files of posix/ ask of a platform. */
export const WINDOWS: PosixConstants = {
  O_NONBLOCK: 0,
  O_APPEND: 0,
  O_CLOEXEC: 0,
  AF_INET6,
  SOL_SOCKET,
  SO_ERROR: 0x1007,
  SO_LINGER: 0x80,
  SOCKET_FLAGS: 0,
  SOCKADDR_LENGTH: false,
  LENGTH_FIRST: true,
  SUN_PATH_BYTES: 108,
  F_DUPFD_CLOEXEC: 0,
  ADDRINFO_ADDRESS_AT: 32,
  NI_NAMEREQD: 4,
  EAI: {
    11001: numberOf('EAI_NONAME'),
    11002: numberOf('EAI_AGAIN'),
    11003: numberOf('EAI_FAIL'),
    11004: numberOf('EAI_NODATA'),
    8: numberOf('EAI_MEMORY'),
    10022: numberOf('EAI_BADFLAGS'),
    10044: numberOf('EAI_SOCKTYPE'),
    10047: numberOf('EAI_FAMILY'),
    10109: numberOf('EAI_SERVICE'),
  },
  SOCKET_OPTIONS: {
    broadcast: [SOL_SOCKET, 0x20],
    noDelay: [IPPROTO_TCP, 1],
    reuseAddress: [SOL_SOCKET, 0x4],
    // One socket per port: Windows has nothing that shares connections among several.
    reusePort: NONE,
    keepAlive: [SOL_SOCKET, 0x8],
    ipv6Only: [IPPROTO_IPV6, 27],
    receiveBufferBytes: [SOL_SOCKET, 0x1002],
    sendBufferBytes: [SOL_SOCKET, 0x1001],
  },
  DATAGRAM_OPTIONS: {
    ipv4: { ttl: 4, multicastTtl: 10, multicastLoopback: 11, multicastInterface: 9 },
    ipv6: { ttl: 4, multicastTtl: 10, multicastLoopback: 11, multicastInterface: 9 },
  },
  MEMBERSHIP: { join: 41, leave: 42, joinSource: 45, leaveSource: 46 },
  GROUP_AT: 8,
  INTERFACE_AS: 'address',
}

export const IPV4 = AF_INET
export const INFINITE = 0xffffffff
export const INVALID_HANDLE = -1
/** A socket for overlapped calls, which no child process inherits. */
export const WSA_FLAG_OVERLAPPED_PRIVATE = 0x81
export const FIONBIO = 0x8004667e | 0
export const MSG_PEEK = 2
export const SO_UPDATE_ACCEPT_CONTEXT = 0x700b
export const SO_UPDATE_CONNECT_CONTEXT = 0x7010
export const SIO_GET_EXTENSION_FUNCTION_POINTER = 0xc8000006
export const SIO_BASE_HANDLE = 0x48000022
export const SIO_UDP_CONNRESET = 0x9800000c
export const SIO_TCP_INITIAL_RTO = 0x98000011
/** What succeeds at once leaves no packet at the port, and no event is set. */
export const SKIP_ON_SUCCESS = 0x3

export const IOCTL_AFD_POLL = 0x12024
export const AFD_POLL_RECEIVE = 0x1
export const AFD_POLL_SEND = 0x4
export const AFD_POLL_DISCONNECT = 0x8
export const AFD_POLL_ABORT = 0x10
export const AFD_POLL_ACCEPT = 0x80
export const AFD_POLL_CONNECT_FAIL = 0x100

export const WSAEMSGSIZE = 10040
export const ERROR_ACCESS_DENIED = 5
export const ERROR_HANDLE_EOF = 38
export const ERROR_BROKEN_PIPE = 109
export const ERROR_PIPE_BUSY = 231
/** A client has come and gone before anybody waited for it; what it wrote can be read. */
export const ERROR_NO_DATA = 232
export const ERROR_PIPE_CONNECTED = 535
export const ERROR_IO_PENDING = 997
export const OPERATION_ABORTED = 995
export const STATUS_PENDING = 0x103
export const STATUS_CANCELLED = 0xc0000120
export const STATUS_END_OF_FILE = 0xc0000011
export const STATUS_OBJECT_NAME_NOT_FOUND = 0xc0000034

export const GENERIC_READ_WRITE = 0xc0000000
export const GENERIC_READ = 0x80000000
export const GENERIC_WRITE = 0x40000000
export const FILE_APPEND_DATA = 0x4
export const FILE_SHARE_ALL = 0x7
export const OPEN_EXISTING = 3
export const FILE_READ_ATTRIBUTES = 0x80
export const FILE_FLAG_OVERLAPPED = 0x40000000
export const FILE_FLAG_FIRST_PIPE_INSTANCE = 0x80000
export const PIPE_ACCESS_DUPLEX = 0x3
export const PIPE_REJECT_REMOTE_CLIENTS = 0x8
export const PIPE_UNLIMITED_INSTANCES = 255
export const FSCTL_PIPE_WAIT = 0x110018
/** A server may ask who its client is, and not act as it. */
export const SECURITY_IDENTIFICATION = 0x110000

export const PIPE_ACCESS_INBOUND = 0x1
export const PIPE_ACCESS_OUTBOUND = 0x2
export const FILE_WRITE_ATTRIBUTES = 0x100
export const FILE_ATTRIBUTE_DIRECTORY = 0x10
export const INVALID_ATTRIBUTES = 0xffffffff
export const DUPLICATE_SAME_ACCESS = 0x2

export const CREATE_SUSPENDED = 0x4
export const DETACHED_PROCESS = 0x8
export const CREATE_NEW_PROCESS_GROUP = 0x200
export const CREATE_UNICODE_ENVIRONMENT = 0x400
export const EXTENDED_STARTUPINFO = 0x80000
export const STARTF_USESTDHANDLES = 0x100
export const ATTRIBUTE_HANDLE_LIST = 0x20002

export const JOB_ACCOUNTING = 1
export const JOB_COMPLETION_PORT = 7
export const JOB_EXTENDED_LIMITS = 9
export const JOB_BREAKAWAY_OK = 0x800
export const JOB_SILENT_BREAKAWAY_OK = 0x1000
export const JOB_KILL_ON_CLOSE = 0x2000
export const CTRL_BREAK_EVENT = 1
export const STATUS_CONTROL_C_EXIT = 0xc000013a
