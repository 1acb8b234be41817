/**
 * Socket addresses, between the contract's objects and the bytes of `struct sockaddr`.
 *
 * Pure functions on bytes: sockaddr_in, sockaddr_in6 and sockaddr_un. The family is in the
 * machine's own byte order (little-endian wherever Node runs), port and address in network order.
 * On BSD systems the family has one byte, and the one before it has the length. Only IP literals
 * are understood here; names are looked up elsewhere.
 *
 * A Unix path that begins with '\0' is an abstract name: no file, and every byte counts, so the
 * length says where it ends.
 */
import type { Address } from '../../kernel/driver/contract.js'
import { formatIPv6, parseIPv4, parseIPv6, splitZone } from '../../kernel/protocol/address.js'
import { AF_INET, AF_UNIX, type PosixConstants } from './constants.js'

/** Room for the largest address: sockaddr_un is 110 bytes; rounded up. */
export const ADDRESS_BYTES = 112

/**
 * Where a path begins, and how long one may be. A file's path needs a '\0' behind it, an abstract
 * name does not.
 */
const PATH_OFFSET = 2

/**
 * Writes an address into `bytes` and returns its length.
 *
 * @throws RangeError if the host is not an IP literal of its family, the port is not 0–65535 or the
 * path is too long.
 */
export function encodeAddress(platform: PosixConstants, address: Address, bytes: Uint8Array): number {
  bytes.fill(0, 0, ADDRESS_BYTES)
  const length = encode(platform, address, bytes)
  if (platform.SOCKADDR_LENGTH) {
    bytes[1] = byteAt(bytes, 0)
    bytes[0] = length
  }
  return length
}

function encode(platform: PosixConstants, address: Address, bytes: Uint8Array): number {
  if (address.family === 'unix') return encodePath(platform, address.path, bytes)
  const { family, host, port } = address
  if (!(Number.isInteger(port) && port >= 0 && port <= 0xffff))
    throw new RangeError(`Cannot use port ${port}: not 0–65535`)
  bytes[2] = port >> 8
  bytes[3] = port
  if (family === 'ipv4') {
    const parsed = parseIPv4(host)
    if (parsed === null) throw new RangeError(`Cannot use host "${host}": not an IPv4 address`)
    bytes[0] = AF_INET
    bytes.set(parsed, 4)
    return 16
  }
  const [literal, zone] = splitZone(host)
  const parsed = parseIPv6(literal)
  if (parsed === null) throw new RangeError(`Cannot use host "${host}": not an IPv6 address`)
  const scopeId = address.scopeId ?? (zone === '' ? 0 : Number(zone))
  if (!(Number.isInteger(scopeId) && scopeId >= 0 && scopeId <= 0xffffffff)) {
    throw new RangeError(`Cannot use host "${host}": the scope must be the number of an interface`)
  }
  bytes[0] = platform.AF_INET6
  bytes.set(parsed, 8)
  for (let i = 0; i < 4; i++) bytes[24 + i] = scopeId >>> (8 * i)
  return 28
}

/** Reads an address of `length` bytes; null if there is none, or its family is not one of ours. */
export function decodeAddress(platform: PosixConstants, bytes: Uint8Array, length: number): Address | null {
  if (length === 0) return null
  const family = platform.SOCKADDR_LENGTH ? byteAt(bytes, 1) : byteAt(bytes, 0) | (byteAt(bytes, 1) << 8)
  if (family === AF_UNIX) return { family: 'unix', path: decodePath(bytes, length) }
  const port = (byteAt(bytes, 2) << 8) | byteAt(bytes, 3)
  // Each datagram has one: join would take longer.
  if (family === AF_INET) return { family: 'ipv4', host: `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`, port }
  if (family !== platform.AF_INET6) return null
  const host = formatIPv6(bytes.subarray(8, 24))
  let scopeId = 0
  for (let i = 3; i >= 0; i--) scopeId = scopeId * 256 + byteAt(bytes, 24 + i)
  return scopeId === 0 ? { family: 'ipv6', host, port } : { family: 'ipv6', host, port, scopeId }
}

function encodePath({ SUN_PATH_BYTES }: PosixConstants, path: string, bytes: Uint8Array): number {
  const encoded = new TextEncoder().encode(path)
  const abstract = path.startsWith('\0')
  const limit = abstract ? SUN_PATH_BYTES : SUN_PATH_BYTES - 1
  if (encoded.length > limit) {
    throw new RangeError(`Cannot use a Unix socket path of ${encoded.length} bytes: at most ${limit} fit`)
  }
  // An empty path would ask for a name of the OS's choice, and a '\0' inside a file's path would
  // cut it short.
  if (path === '') throw new RangeError('Cannot use an empty Unix socket path')
  if (!abstract && path.includes('\0')) throw new RangeError('Cannot use a Unix socket path with a "\\0" in it')
  bytes[0] = AF_UNIX
  bytes.set(encoded, PATH_OFFSET)
  return PATH_OFFSET + encoded.length + (abstract ? 0 : 1)
}

function decodePath(bytes: Uint8Array, length: number): string {
  let end = length
  if (bytes[PATH_OFFSET] !== 0) while (end > PATH_OFFSET && bytes[end - 1] === 0) end--
  return new TextDecoder().decode(bytes.subarray(PATH_OFFSET, Math.max(PATH_OFFSET, end)))
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}
