/**
 * IP addresses of simulated hosts: one spelling for each, so that they can be compared as strings.
 */
import { canonicalHost, ipFamily } from '../protocol/address.js'
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
  const spelled = ipFamily(host) === family ? canonicalHost(host) : null
  if (spelled === null)
    throw new RangeError(`Cannot use host "${host}": not an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address`)
  return { family, host: spelled, port }
}

/** Which family an address belongs to, and its canonical spelling; null if it is none. */
export function addressOf(host: string): IpAddress | null {
  const family = ipFamily(host)
  return family === null ? null : { family, host: canonicalHost(host) as string, port: 0 }
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
