/**
 * Socket addresses, between the contract's objects and the bytes of `struct sockaddr`.
 *
 * Pure functions on bytes: sockaddr_in, sockaddr_in6 and sockaddr_un as Linux lays them out. The family is in the
 * machine's own byte order (little-endian wherever Node runs), port and address in network order. Only IP literals are
 * understood here; names are looked up elsewhere.
 *
 * A Unix path that begins with '\0' is an abstract name: no file, and every byte counts, so the length says where it ends.
 */
import type { Address } from '../../kernel/driver/contract.js'
import { AF_INET, AF_INET6, AF_UNIX } from './libc.js'

/** Room for the largest address: sockaddr_un is 110 bytes; rounded up. */
export const ADDRESS_BYTES = 112

/** Where a path begins, and how long one may be. A file's path needs a '\0' behind it, an abstract name does not. */
const PATH_OFFSET = 2
const PATH_BYTES = 108

/**
 * Writes an address into `bytes` and returns its length.
 *
 * @throws RangeError if the host is not an IP literal of its family, the port is not 0–65535 or the path is too long.
 */
export function encodeAddress(address: Address, bytes: Uint8Array): number {
  bytes.fill(0, 0, ADDRESS_BYTES)
  if (address.family === 'unix') return encodePath(address.path, bytes)
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
  bytes[0] = AF_INET6
  bytes.set(parsed, 8)
  for (let i = 0; i < 4; i++) bytes[24 + i] = scopeId >>> (8 * i)
  return 28
}

/** Reads an address of `length` bytes; null if its family is not one of ours. */
export function decodeAddress(bytes: Uint8Array, length: number): Address | null {
  const family = byteAt(bytes, 0) | (byteAt(bytes, 1) << 8)
  if (family === AF_UNIX) return { family: 'unix', path: decodePath(bytes, length) }
  const port = (byteAt(bytes, 2) << 8) | byteAt(bytes, 3)
  if (family === AF_INET) return { family: 'ipv4', host: bytes.subarray(4, 8).join('.'), port }
  if (family !== AF_INET6) return null
  const host = formatIPv6(bytes.subarray(8, 24))
  let scopeId = 0
  for (let i = 3; i >= 0; i--) scopeId = scopeId * 256 + byteAt(bytes, 24 + i)
  return scopeId === 0 ? { family: 'ipv6', host, port } : { family: 'ipv6', host, port, scopeId }
}

/** The four bytes of a dotted IPv4 literal; null if it is none. Leading zeros are refused: to some they mean octal. */
export function parseIPv4(host: string): Uint8Array | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)
  if (match === null) return null
  const bytes = new Uint8Array(4)
  for (let i = 0; i < 4; i++) {
    const digits = match[i + 1] as string
    if (Number(digits) > 255 || (digits.length > 1 && digits[0] === '0')) return null
    bytes[i] = Number(digits)
  }
  return bytes
}

/** The sixteen bytes of an IPv6 literal without a zone; null if it is none. */
export function parseIPv6(host: string): Uint8Array | null {
  // The dotted tail of ::ffff:1.2.3.4 becomes two ordinary groups.
  const dotted = /^(.*:)([\d.]+\.[\d.]+)$/.exec(host)
  if (dotted !== null) {
    const tail = parseIPv4(dotted[2] as string)
    if (tail === null) return null
    const group = (i: number): string => ((byteAt(tail, i) << 8) | byteAt(tail, i + 1)).toString(16)
    return parseIPv6(`${dotted[1]}${group(0)}:${group(2)}`)
  }
  const halves = host.split('::')
  if (halves.length > 2) return null
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const count = head.length + tail.length
  if (halves.length === 1 ? count !== 8 : count > 7) return null
  const groups = [...head, ...new Array<string>(8 - count).fill('0'), ...tail]
  const bytes = new Uint8Array(16)
  for (const [i, group] of groups.entries()) {
    if (!/^[\da-f]{1,4}$/i.test(group)) return null
    const value = Number.parseInt(group, 16)
    bytes[2 * i] = value >> 8
    bytes[2 * i + 1] = value
  }
  return bytes
}

/** The canonical text of RFC 5952: the longest run of two or more zero groups becomes '::', IPv4-mapped stays dotted. */
export function formatIPv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (byteAt(bytes, 2 * i) << 8) | byteAt(bytes, 2 * i + 1))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12, 16).join('.')}`
  }
  let start = -1
  let longest = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > longest) {
      start = i
      longest = end - i
    }
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  return start < 0 ? text(0, 8) : `${text(0, start)}::${text(start + longest, 8)}`
}

function encodePath(path: string, bytes: Uint8Array): number {
  const encoded = new TextEncoder().encode(path)
  const abstract = path.startsWith('\0')
  const limit = abstract ? PATH_BYTES : PATH_BYTES - 1
  if (encoded.length > limit) {
    throw new RangeError(`Cannot use a Unix socket path of ${encoded.length} bytes: at most ${limit} fit`)
  }
  // An empty path would ask for a name of the system's choice, and a '\0' inside a file's path would cut it short.
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

function splitZone(host: string): readonly [literal: string, zone: string] {
  const at = host.indexOf('%')
  return at < 0 ? [host, ''] : [host.slice(0, at), host.slice(at + 1)]
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}
