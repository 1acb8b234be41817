/**
 * IP addresses as people write them.
 */
import type { Address } from '../kernel/io-op.js'

/** An address, or the host and port of one; the family then shows from the host. */
export type Endpoint = Address | { readonly host: string; readonly port: number }

/** Which family an IP address belongs to; null if it is none. */
export function ipFamily(host: string): 'ipv4' | 'ipv6' | null {
  if (/^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(host)) return 'ipv4'
  // Whether the groups are right is the driver's to say; no name has a colon.
  return /^[0-9a-f:.]*:[0-9a-f:.]*(%.+)?$/i.test(host) ? 'ipv6' : null
}

/** A port number. */
export function checkPort(action: string, port: number): number {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`Cannot ${action} port ${String(port)}: a port is an integer from 0 to 65535`)
  }
  return port
}

/** The address behind an end point; `localhost` is the IPv4 one. */
export function toAddress(action: string, endpoint: Endpoint): Address {
  if ('family' in endpoint) return endpoint
  const { host, port } = endpoint
  checkPort(action, port)
  const literal = host === 'localhost' ? '127.0.0.1' : host
  const family = typeof literal === 'string' ? ipFamily(literal) : null
  if (family === null) {
    throw new TypeError(`Cannot ${action} ${JSON.stringify(host)}: it is neither an IP address nor localhost`)
  }
  return { family, host: literal, port }
}
