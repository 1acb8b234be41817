/**
 * IP addresses as people write them.
 */
import { ipFamily } from '../../kernel/protocol/address.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkCount, checkText, checkWord, wrong } from '../../kernel/protocol/operands.js'

const FAMILIES: readonly Address['family'][] = ['ipv4', 'ipv6', 'unix']

/** An address, or the host and port of one; the family then shows from the host. */
export type Endpoint = Address | { readonly host: string; readonly port: number }

/** A port number. */
export function checkPort(action: string, port: number): number {
  return checkCount(action, 'port', port, 0, 65_535)
}

/** The address behind an end point; `localhost` is the IPv4 one. */
export function toAddress(action: string, endpoint: Endpoint, name = 'endpoint'): Address {
  if (typeof endpoint !== 'object' || endpoint === null) {
    throw wrong(action, name, 'an address, or a host and a port', endpoint, '')
  }
  if ('family' in endpoint) return checkAddress(action, endpoint)
  const { host, port } = endpoint
  const within = name === 'endpoint' ? '' : `${name}.`
  checkCount(action, `${within}port`, port, 0, 65_535)
  const literal = host === 'localhost' ? '127.0.0.1' : host
  const family = typeof literal === 'string' ? ipFamily(literal) : null
  if (family === null) throw wrong(action, `${within}host`, 'an IP address or localhost', host, '')
  return { family, host: literal, port }
}

/** An address in a word, for messages. */
export function placeOf(address: Address): string {
  return address.family === 'unix' ? address.path : `${address.host}:${address.port}`
}

/** An address whose family is said; whether the host is one of that family, the driver sees. */
export function checkAddress(action: string, address: Address): Address {
  checkWord(action, 'family', address.family, FAMILIES)
  if (address.family === 'unix') {
    // An abstract name is no file: it begins with a NUL, and its bytes are counted.
    const { path } = address
    if (typeof path !== 'string' || !path.startsWith('\0')) checkText(action, 'path', path)
    return address
  }
  checkText(action, 'host', address.host)
  checkPort(action, address.port)
  return address
}
