/**
 * The memory through which a system call is told of an address, or tells one.
 *
 * The idea: most datagrams are answers to whom one has just heard, and then the address that is to
 * be written stands there already. It is compared by what it says: a program may have changed it.
 */
import type { Address } from '../../kernel/driver/contract.js'
import type { PosixConstants } from './constants.js'
import type { FdCalls } from './libc.js'
import { ADDRESS_BYTES, decodeAddress, encodeAddress } from './sockaddr.js'

const IPV4_BYTES = 16

export class AddressMemory {
  private readonly platform: PosixConstants
  private readonly bytes = new Uint8Array(ADDRESS_BYTES)
  readonly at: number
  /** What stands there, if it is of IPv4 and was told; else the port is -1. */
  private host = ''
  private port = -1

  constructor(libc: FdCalls) {
    this.platform = libc.constants
    this.at = libc.addressOf(this.bytes)
  }

  /** For a call that tells an address: how many bytes there are for it. */
  empty(): number {
    this.port = -1
    return ADDRESS_BYTES
  }

  /** What such a call has told, in so many bytes. */
  decode(length: number): Address | null {
    const address = decodeAddress(this.platform, this.bytes, length)
    if (address?.family === 'ipv4') {
      this.host = address.host
      this.port = address.port
    }
    return address
  }

  /** Writes an address, and gives its length. @throws RangeError as encodeAddress does. */
  encode(address: Address): number {
    if (address.family === 'ipv4' && address.port === this.port && address.host === this.host) return IPV4_BYTES
    this.port = -1
    return encodeAddress(this.platform, address, this.bytes)
  }
}
