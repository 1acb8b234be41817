/**
 * IP addresses between text and bytes: the one parser, for tasks, for drivers and for simulated
 * hosts.
 *
 * Pure functions. What is no address is null, and the caller says what that means to it. Names are
 * looked up elsewhere.
 */

/** Which family an IP address belongs to, a zone aside; null if it is none. */
export function ipFamily(host: string): 'ipv4' | 'ipv6' | null {
  if (parseIPv4(host) !== null) return 'ipv4'
  return parseIPv6(splitZone(host)[0]) === null ? null : 'ipv6'
}

/**
 * The one spelling of an address by which it can be compared, without its zone; null if it is none.
 */
export function canonicalHost(host: string): string | null {
  if (parseIPv4(host) !== null) return host
  const bytes = parseIPv6(splitZone(host)[0])
  return bytes === null ? null : formatIPv6(bytes)
}

/**
 * The four bytes of a dotted IPv4 literal; null if it is none. Leading zeros are refused: to some
 * they mean octal.
 */
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

/**
 * The canonical text of RFC 5952: the longest run of two or more zero groups becomes '::',
 * IPv4-mapped stays dotted.
 */
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

/** The interface at the end of a literal, `fe80::1%eth0`; '' without one. */
export function splitZone(host: string): readonly [literal: string, zone: string] {
  const at = host.indexOf('%')
  return at < 0 ? [host, ''] : [host.slice(0, at), host.slice(at + 1)]
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}
