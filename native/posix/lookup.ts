/**
 * getaddrinfo(3) and getnameinfo(3), for runs that have the thread: names are looked up on it, both
 * ways. As a guest, the host's resolver does that (host/).
 *
 * struct addrinfo is read where the C library put it. Its results come in the order in which they
 * should be tried (RFC 6724), which is the one that Node gives, too. Its errors are told by libuv's
 * numbers, whose names the host knows.
 */
import type { Address } from '../../kernel/driver/contract.js'
import { ipFamily } from '../../kernel/protocol/address.js'
import { SOCK_STREAM } from './constants.js'
import { EIO } from './errno.js'
import type { LookupCalls } from './libc.js'
import { ADDRESS_BYTES, decodeAddress, encodeAddress } from './sockaddr.js'

/**
 * struct addrinfo has 48 bytes; flags, family, type and protocol are ints, then the length of the
 * address.
 */
const HINTS_INTS = 12
const LENGTH_AT = 16
const NEXT_AT = 40
/** NI_MAXHOST. */
const NAME_BYTES = 1025

/** The addresses of a name with this port, or a negative result. */
export function lookUp(libc: LookupCalls, host: string, port: number): Address[] | number {
  const { ADDRINFO_ADDRESS_AT, EAI } = libc.constants
  const name = new TextEncoder().encode(`${host}\0`)
  const hints = new Int32Array(HINTS_INTS)
  hints[2] = SOCK_STREAM
  const list = new BigUint64Array(1)
  const failure = libc.getaddrinfo(libc.addressOf(name), 0, libc.addressOf(hints), libc.addressOf(list))
  if (failure !== 0) return EAI[failure] ?? EIO
  const first = Number(list[0])
  const found: Address[] = []
  for (let at = first; at !== 0; at = libc.pointerAt(at + NEXT_AT)) {
    const length = libc.intAt(at + LENGTH_AT)
    const bytes = libc.bytesAt(libc.pointerAt(at + ADDRINFO_ADDRESS_AT), length)
    const address = decodeAddress(libc.constants, bytes, length)
    if (address !== null && address.family !== 'unix') found.push({ ...address, port })
  }
  libc.freeaddrinfo(first)
  return found
}

/** The name of an IP address, or a negative result. */
export function nameOf(libc: LookupCalls, host: string): string | number {
  const { EAI, NI_NAMEREQD } = libc.constants
  const address = new Uint8Array(ADDRESS_BYTES)
  const length = encodeAddress(libc.constants, { family: ipFamily(host) ?? 'ipv4', host, port: 0 }, address)
  const name = new Uint8Array(NAME_BYTES)
  const at = libc.addressOf(name)
  const failure = libc.getnameinfo(libc.addressOf(address), length, at, NAME_BYTES, 0, 0, NI_NAMEREQD)
  if (failure !== 0) return EAI[failure] ?? EIO
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)))
}
