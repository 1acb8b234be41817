/**
 * Constants of the C library: those that are the same on every POSIX system, and the names of those
 * that are not.
 *
 * Each platform has one table of the latter (linux/constants.ts), which travels with its libc.
 * Errno numbers are not here: the host knows its own (errno.ts).
 */
import type { DatagramOption, SocketOption } from '../../kernel/protocol/calls.js'

export const F_SETFD = 2
export const FD_CLOEXEC = 1
export const F_GETFL = 3
export const F_SETFL = 4
export const SEEK_SET = 0
export const SEEK_CUR = 1
export const SEEK_END = 2
export const AF_UNIX = 1
export const AF_INET = 2
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
/** Levels of options; these are the same everywhere. */
export const IPPROTO_IP = 0
export const IPPROTO_IPV6 = 41
export const SHUT_WR = 1
export const POLLIN = 0x1
export const POLLOUT = 0x4
export const POLLERR = 0x8
export const POLLHUP = 0x10
export const POLLNVAL = 0x20

/** What differs from platform to platform. */
export interface PosixConstants {
  readonly O_NONBLOCK: number
  readonly O_APPEND: number
  readonly O_CLOEXEC: number
  readonly AF_INET6: number
  readonly SOL_SOCKET: number
  readonly SO_ERROR: number
  readonly SO_LINGER: number
  /**
   * Added to the type of a socket that is made: non-blocking, and closed in child processes; 0
   * where that is not to be had.
   */
  readonly SOCKET_FLAGS: number
  /** Does struct sockaddr begin with a byte that has its length, before a family of one byte? */
  readonly SOCKADDR_LENGTH: boolean
  /** Has a piece of a list (struct iovec) its length before its address? */
  readonly LENGTH_FIRST: boolean
  /** The room for a path in sockaddr_un. */
  readonly SUN_PATH_BYTES: number
  readonly F_DUPFD_CLOEXEC: number
  /** Where struct addrinfo has its pointer to the address. */
  readonly ADDRINFO_ADDRESS_AT: number
  /** A flag of getnameinfo: an address without a name is an error. */
  readonly NI_NAMEREQD: number
  /** getaddrinfo's errors as libuv numbers them. */
  readonly EAI: Readonly<Record<number, number>>
  /** Level and name of each option that is one int. */
  readonly SOCKET_OPTIONS: Readonly<
    Record<Exclude<SocketOption, DatagramOption>, readonly [level: number, name: number]>
  >
  /** Names of the options that are of each family. */
  readonly DATAGRAM_OPTIONS: Readonly<Record<'ipv4' | 'ipv6', Readonly<Record<DatagramOption, number>>>>
  /** Options to join and leave a group, and to hear one sender of it alone (RFC 3678). */
  readonly MEMBERSHIP: Readonly<Record<'join' | 'leave' | 'joinSource' | 'leaveSource', number>>
  /** Where struct group_req has its first address. */
  readonly GROUP_AT: number
  /**
   * What an IPv4 socket calls an interface: struct ip_mreqn, a number, or an address 0.x.x.x.
   */
  readonly INTERFACE_AS: 'mreqn' | 'number' | 'address'
}
