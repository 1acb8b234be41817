/**
 * The immediate calls: open, name and configure sockets. They never wait, so they are plain functions of numbers.
 *
 * Shared by all drivers on systems with BSD sockets. Sockets are made non-blocking and close-on-exec from the start, so
 * that no child process inherits one in between.
 */
import { type Address, type SocketKind, type SocketOption, UNSUPPORTED } from '../../kernel/driver/contract.js'
import { EBADF, EINVAL } from './errno.js'
import { isFd } from './fds.js'
import * as c from './libc.js'
import { ADDRESS_BYTES, decodeAddress, encodeAddress } from './sockaddr.js'

/** Family and type of each kind. */
const KINDS: Readonly<Record<SocketKind, readonly [number, number]>> = {
  tcp4: [c.AF_INET, c.SOCK_STREAM],
  tcp6: [c.AF_INET6, c.SOCK_STREAM],
  udp4: [c.AF_INET, c.SOCK_DGRAM],
  udp6: [c.AF_INET6, c.SOCK_DGRAM],
  unix: [c.AF_UNIX, c.SOCK_STREAM],
}

/** Makes the calls; holds the scratch memory that they need. */
export class Sockets {
  private readonly libc: c.Libc
  private readonly sockaddr = new Uint8Array(ADDRESS_BYTES)
  private readonly sockaddrAt: number
  private readonly int = new Int32Array(1)
  private readonly intAt: number

  constructor(libc: c.Libc) {
    this.libc = libc
    this.sockaddrAt = libc.addressOf(this.sockaddr)
    this.intAt = libc.addressOf(this.int)
  }

  open(kind: SocketKind): number {
    if (!Object.hasOwn(KINDS, kind)) return UNSUPPORTED
    const place = KINDS[kind]
    return this.libc.socket(place[0], place[1] | c.SOCK_NONBLOCK | c.CLOEXEC, 0)
  }

  bind(fd: number, address: Address): number {
    if (!isFd(fd)) return EBADF
    return this.libc.bind(fd, this.sockaddrAt, encodeAddress(address, this.sockaddr))
  }

  listen(fd: number, backlog: number): number {
    return isFd(fd) ? this.libc.listen(fd, backlog) : EBADF
  }

  setOption(fd: number, option: SocketOption, value: number): number {
    if (!isFd(fd)) return EBADF
    if (!Object.hasOwn(c.SOCKET_OPTIONS, option)) return UNSUPPORTED
    const place = c.SOCKET_OPTIONS[option]
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
    return isFd(fd) ? this.libc.shutdown(fd, c.SHUT_WR) : EBADF
  }

  private address(fd: number, call: (fd: number, at: number, lengthAt: number) => number): Address | number {
    if (!isFd(fd)) return EBADF
    this.int[0] = ADDRESS_BYTES
    const result = call(fd, this.sockaddrAt, this.intAt)
    return result < 0 ? result : (decodeAddress(this.sockaddr, this.int[0] as number) ?? UNSUPPORTED)
  }
}
