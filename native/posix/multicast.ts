/**
 * Groups of receivers, and how far a datagram goes.
 *
 * IPv4 and IPv6 have an option each for the same thing, so the family is asked of the socket. A
 * membership is told by the structures of RFC 3678, which are the same for both families: the
 * number of an interface, the group's address, perhaps the one sender that is to be heard. Systems
 * differ in the numbers, and in what IPv4 calls the interface that datagrams leave by.
 */
import type { Address, DatagramOption, Membership, SocketOption } from '../../kernel/driver/contract.js'
import { IPPROTO_IP, IPPROTO_IPV6 } from './constants.js'
import { EINVAL } from './errno.js'
import type { FdCalls } from './libc.js'
import { encodeAddress } from './sockaddr.js'

/** struct sockaddr_storage. */
const STORAGE_BYTES = 128
/** In 32-bit words: where struct ip_mreqn has the number of the interface. */
const INDEX_AT = 2

/** Sets the options; holds the memory that they need. */
export class DatagramOptions {
  private readonly libc: FdCalls
  private readonly words = new Int32Array(3)
  private readonly wordsAt: number
  /** struct group_source_req, whose beginning is that of struct group_req. */
  private readonly request = new Uint8Array(8 + 2 * STORAGE_BYTES)
  private readonly requestAt: number

  constructor(libc: FdCalls) {
    this.libc = libc
    this.wordsAt = libc.addressOf(this.words)
    this.requestAt = libc.addressOf(this.request)
  }

  /** Is it an option that each family has for itself? */
  has(option: SocketOption): option is DatagramOption {
    return Object.hasOwn(this.libc.constants.DATAGRAM_OPTIONS.ipv4, option)
  }

  /** @param local the socket's address, or why there is none. */
  set(fd: number, local: Address | number, option: DatagramOption, value: number): number {
    if (typeof local === 'number') return local
    const { DATAGRAM_OPTIONS, INTERFACE_AS } = this.libc.constants
    if (local.family === 'unix') return EINVAL
    const name = DATAGRAM_OPTIONS[local.family][option]
    this.words.fill(0)
    this.words[0] = value
    if (local.family === 'ipv6') return this.libc.setsockopt(fd, IPPROTO_IPV6, name, this.wordsAt, 4)
    const named = option === 'multicastInterface' ? INTERFACE_AS : 'number'
    if (named === 'address') this.words[0] = swapped(value)
    if (named === 'mreqn') {
      this.words[0] = 0
      this.words[INDEX_AT] = value
    }
    return this.libc.setsockopt(fd, IPPROTO_IP, name, this.wordsAt, named === 'mreqn' ? 12 : 4)
  }

  membership(fd: number, joins: boolean, { group, interfaceIndex, source }: Membership): number {
    const { constants } = this.libc
    const { MEMBERSHIP, GROUP_AT } = constants
    if (group.family === 'unix' || (source !== null && source.family !== group.family)) return EINVAL
    this.request.fill(0)
    new DataView(this.request.buffer).setUint32(0, interfaceIndex, true)
    encodeAddress(constants, group, this.request.subarray(GROUP_AT))
    if (source !== null) encodeAddress(constants, source, this.request.subarray(GROUP_AT + STORAGE_BYTES))
    const addresses = source === null ? 1 : 2
    const action: 'join' | 'leave' = joins ? 'join' : 'leave'
    const name = MEMBERSHIP[source === null ? action : (`${action}Source` as const)]
    const level = group.family === 'ipv6' ? IPPROTO_IPV6 : IPPROTO_IP
    return this.libc.setsockopt(fd, level, name, this.requestAt, GROUP_AT + addresses * STORAGE_BYTES)
  }
}

/** A number in network order. */
function swapped(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)
}
