/**
 * IP addresses of simulated hosts: one spelling for each, so that they can be compared as strings.
 */
import type { Address } from '../protocol/io-op.js'

/** An address that is not a path. */
export type IpAddress = Exclude<Address, { readonly family: 'unix' }>

/**
 * The same address in its canonical spelling.
 *
 * @throws RangeError if the host is not an address of its family, or the port is none.
 */
export function canonical(address: IpAddress): IpAddress {
  const { family, host, port } = address
  if (!(Number.isInteger(port) && port >= 0 && port <= 0xffff))
    throw new RangeError(`Cannot use port ${port}: not 0–65535`)
  const spelled = family === 'ipv4' ? spellIPv4(host) : spellIPv6(host)
  if (spelled === null)
    throw new RangeError(`Cannot use host "${host}": not an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address`)
  return { family, host: spelled, port }
}

/** Which family an address belongs to, and its canonical spelling; null if it is none. */
export function addressOf(host: string): IpAddress | null {
  const family = host.includes(':') ? 'ipv6' : 'ipv4'
  const spelled = family === 'ipv4' ? spellIPv4(host) : spellIPv6(host)
  return spelled === null ? null : { family, host: spelled, port: 0 }
}

/** Does this address mean every address of the host? */
export function isWildcard({ host }: IpAddress): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** Does this address stay inside the host? */
export function isLoopback({ host }: IpAddress): boolean {
  return host === '::1' || host.startsWith('127.')
}

/** An IPv4 address as an IPv6 socket shows it. */
export function mapped(address: IpAddress): IpAddress {
  return address.family === 'ipv6' ? address : { family: 'ipv6', host: `::ffff:${address.host}`, port: address.port }
}

/** The IPv4 address behind a mapped one. */
export function unmapped(address: IpAddress): IpAddress {
  const host = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address.host)?.[1]
  return host === undefined ? address : { family: 'ipv4', host, port: address.port }
}

function spellIPv4(host: string): string | null {
  const parts = host.split('.')
  const good = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  return good ? host : null
}

function spellIPv6(literal: string): string | null {
  const host = literal.toLowerCase().replace(/%.*$/, '')
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(host)
  if (dotted !== null) {
    const parts = spellIPv4(dotted[2] as string)
      ?.split('.')
      .map(Number)
    if (parts === undefined) return null
    const group = (i: number): string => (((parts[i] as number) << 8) | (parts[i + 1] as number)).toString(16)
    return spellIPv6(`${dotted[1]}${group(0)}:${group(2)}`)
  }
  const halves = host.split('::')
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const count = head.length + tail.length
  if (halves.length > 2 || (halves.length === 1 ? count !== 8 : count > 7)) return null
  const groups = [...head, ...new Array<string>(8 - count).fill('0'), ...tail]
  if (!groups.every((group) => /^[\da-f]{1,4}$/.test(group))) return null
  return format(groups.map((group) => Number.parseInt(group, 16)))
}

function format(groups: readonly number[]): string {
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  const text = groups.map((group) => group.toString(16)).join(':')
  // The longest run of zeros, at least two; of equal ones the first.
  const runs = [...text.matchAll(/(?<=^|:)0(:0)+(?=$|:)/g)].sort(
    (a, b) => b[0].length - a[0].length || a.index - b.index,
  )
  const [run] = runs
  if (run === undefined) return text
  const before = text.slice(0, run.index).replace(/:$/, '')
  const after = text.slice(run.index + run[0].length).replace(/^:/, '')
  return `${before}::${after}`
}
