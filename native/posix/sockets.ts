/**
 * The immediate calls: open, name and configure sockets. They never wait, so they are plain
 * functions of numbers.
 *
 * Shared by all drivers on systems with BSD sockets. Sockets are made non-blocking and
 * close-on-exec from the start, so that no child process inherits one in between.
 */
import { type Address, type SocketKind, type SocketOption, UNSUPPORTED } from '../../kernel/driver/contract.js'
import { AF_INET, AF_UNIX, SHUT_WR, SOCK_DGRAM, SOCK_STREAM } from './constants.js'
import { EBADF, EINVAL } from './errno.js'
import { isFd } from './fds.js'
import type { FdCalls } from './libc.js'
import { ADDRESS_BYTES, decodeAddress, encodeAddress } from './sockaddr.js'

/** Makes the calls; holds the scratch memory that they need. */
export class Sockets {
  private readonly libc: FdCalls
  /** Family and type of each kind. */
  private readonly kinds: Readonly<Record<Exclude<SocketKind, 'pipe'>, readonly [family: number, type: number]>>
  private readonly sockaddr = new Uint8Array(ADDRESS_BYTES)
  private readonly sockaddrAt: number
  private readonly int = new Int32Array(1)
  private readonly intAt: number

  constructor(libc: FdCalls) {
    this.libc = libc
    const { AF_INET6, SOCKET_FLAGS } = libc.constants
    this.kinds = {
      tcp4: [AF_INET, SOCK_STREAM | SOCKET_FLAGS],
      tcp6: [AF_INET6, SOCK_STREAM | SOCKET_FLAGS],
      udp4: [AF_INET, SOCK_DGRAM | SOCKET_FLAGS],
      udp6: [AF_INET6, SOCK_DGRAM | SOCKET_FLAGS],
      unix: [AF_UNIX, SOCK_STREAM | SOCKET_FLAGS],
    }
    this.sockaddrAt = libc.addressOf(this.sockaddr)
    this.intAt = libc.addressOf(this.int)
  }

  open(kind: SocketKind): number {
    if (kind === 'pipe' || !Object.hasOwn(this.kinds, kind)) return UNSUPPORTED
    const place = this.kinds[kind]
    return this.libc.socket(place[0], place[1], 0)
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
    if (!Object.hasOwn(SOCKET_OPTIONS, option)) return UNSUPPORTED
    const place = SOCKET_OPTIONS[option]
    if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) return EINVAL
    this.int[0] = value
    return this.libc.setsockopt(fd, place[0], place[1], this.intAt, 4)
  }

  localAddress(fd: number): Address | number {
    return this.address(fd, this.libc.getsockname)
  }

  remoteAddress(fd: number): Address | number {
    return this.address(fd, this.libc.getpeername)
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
