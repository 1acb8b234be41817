/**
 * The immediate calls: open, name and configure sockets. They never wait, so they are plain
 * functions of numbers.
 *
 * Shared by all drivers on systems with BSD sockets. Sockets are made non-blocking and
 * close-on-exec from the start, so that no child process inherits one in between.
 */
import {
  type Address,
  type Membership,
  type SocketKind,
  type SocketOption,
  UNSUPPORTED,
} from '../../kernel/driver/contract.js'
import { AF_INET, AF_UNIX, SHUT_WR, SOCK_DGRAM, SOCK_STREAM } from './constants.js'
import { EAFNOSUPPORT, EBADF, EINVAL } from './errno.js'
import { isFd } from './fds.js'
import type { FdCalls, Libc } from './libc.js'
import { DatagramOptions } from './multicast.js'
import { ADDRESS_BYTES, decodeAddress, encodeAddress } from './sockaddr.js'

/** What struct sockaddr_in6 has, which no family needs more than. */
const NAMELESS_BYTES = 28

/** Makes the calls; holds the scratch memory that they need. */
export class Sockets {
  private readonly libc: FdCalls & Partial<Pick<Libc, 'socketPair'>>
  /** Family and type of each kind. */
  private readonly kinds: Readonly<Record<Exclude<SocketKind, 'pipe'>, readonly [family: number, type: number]>>
  private readonly sockaddr = new Uint8Array(ADDRESS_BYTES)
  private readonly sockaddrAt: number
  private readonly int = new Int32Array(1)
  private readonly intAt: number
  private readonly ends = new Int32Array(2)
  private readonly pairAt: number
  private readonly datagrams: DatagramOptions

  constructor(libc: FdCalls & Partial<Pick<Libc, 'socketPair'>>) {
    this.libc = libc
    const { AF_INET6, SOCKET_FLAGS } = libc.constants
    this.kinds = {
      tcp4: [AF_INET, SOCK_STREAM | SOCKET_FLAGS],
      tcp6: [AF_INET6, SOCK_STREAM | SOCKET_FLAGS],
      udp4: [AF_INET, SOCK_DGRAM | SOCKET_FLAGS],
      udp6: [AF_INET6, SOCK_DGRAM | SOCKET_FLAGS],
      unix: [AF_UNIX, SOCK_STREAM | SOCKET_FLAGS],
      unixDatagram: [AF_UNIX, SOCK_DGRAM | SOCKET_FLAGS],
    }
    this.sockaddrAt = libc.addressOf(this.sockaddr)
    this.intAt = libc.addressOf(this.int)
    this.pairAt = libc.addressOf(this.ends)
    this.datagrams = new DatagramOptions(libc)
  }

  open(kind: SocketKind): number {
    if (kind === 'pipe' || !Object.hasOwn(this.kinds, kind)) return UNSUPPORTED
    const place = this.kinds[kind]
    return this.libc.socket(place[0], place[1], 0)
  }

  /** Where the system has them: Windows has none. */
  pair(type: number): readonly [number, number] | number {
    const result = this.libc.socketPair?.(type, this.pairAt) ?? UNSUPPORTED
    return result < 0 ? result : [this.ends[0] as number, this.ends[1] as number]
  }

  bind(fd: number, address: Address): number {
    if (!isFd(fd)) return EBADF
    return this.libc.bind(fd, this.sockaddrAt, encodeAddress(this.libc.constants, address, this.sockaddr))
  }

  listen(fd: number, backlog: number): number {
    return isFd(fd) ? this.libc.listen(fd, backlog) : EBADF
  }

  setOption(fd: number, option: SocketOption, value: number): number {
    if (!isFd(fd)) return EBADF
    const { SOCKET_OPTIONS } = this.libc.constants
    const ofFamily = this.datagrams.has(option)
    if (!ofFamily && !Object.hasOwn(SOCKET_OPTIONS, option)) return UNSUPPORTED
    if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) return EINVAL
    if (ofFamily) return this.datagrams.set(fd, this.localAddress(fd), option, value)
    const place = SOCKET_OPTIONS[option as keyof typeof SOCKET_OPTIONS]
    this.int[0] = value
    return this.libc.setsockopt(fd, place[0], place[1], this.intAt, 4)
  }

  localAddress(fd: number): Address | number {
    return this.address(fd, this.libc.getsockname)
  }

  remoteAddress(fd: number): Address | number {
    return this.address(fd, this.libc.getpeername)
  }

  membership(fd: number, joins: boolean, membership: Membership): number {
    return isFd(fd) ? this.datagrams.membership(fd, joins, membership) : EBADF
  }

  /** An address of no family at all. BSD systems say that there is none, and do it. */
  disconnect(fd: number): number {
    if (!isFd(fd)) return EBADF
    this.sockaddr.fill(0)
    if (this.libc.constants.SOCKADDR_LENGTH) this.sockaddr[0] = NAMELESS_BYTES
    const result = this.libc.connect(fd, this.sockaddrAt, NAMELESS_BYTES)
    return result === EAFNOSUPPORT ? 0 : result
  }

  shutdown(fd: number): number {
    return isFd(fd) ? this.libc.shutdown(fd, SHUT_WR) : EBADF
  }

  private address(fd: number, call: (fd: number, at: number, lengthAt: number) => number): Address | number {
    if (!isFd(fd)) return EBADF
    this.int[0] = ADDRESS_BYTES
    const result = call(fd, this.sockaddrAt, this.intAt)
    return result < 0
      ? result
      : (decodeAddress(this.libc.constants, this.sockaddr, this.int[0] as number) ?? UNSUPPORTED)
  }
}
