/**
 * Host names: which of them are IP addresses, and what the others stand for.
 *
 * The look-up is the host's (Node's `dns.lookup`, which asks what the system asks); this is one of the few files of traps/
 * that know a host. In a blocking run the host's loop stands still, so only addresses and `localhost` work there.
 */
import { SystemError } from '../../kernel/errors.js'
import type { Address } from '../../kernel/io-op.js'
import type { Operation } from '../../kernel/trap.js'
import { suspend } from '../call.js'

/** Which family an IP address belongs to; null if it is none. */
export function ipFamily(host: string): 'ipv4' | 'ipv6' | null {
  if (/^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(host)) return 'ipv4'
  // Whether the groups are right is the driver's to say; no name has a colon.
  return /^[0-9a-f:.]*:[0-9a-f:.]*(%.+)?$/i.test(host) ? 'ipv6' : null
}

/** The addresses that a name stands for, at least one. */
export function* lookup(host: string, port: number): Operation<Address[]> {
  if (typeof host !== 'string' || host === '') throw new TypeError(`Cannot look up ${JSON.stringify(host)}: no host name`)
  const family = ipFamily(host)
  if (family !== null) return [{ family, host, port }]
  if (host === 'localhost') {
    return [
      { family: 'ipv4', host: '127.0.0.1', port },
      { family: 'ipv6', host: '::1', port },
    ]
  }
  const dns = yield* suspend<typeof import('node:dns')>((resolve, reject) => {
    import('node:dns').then(resolve, reject)
  })
  return yield* suspend<Address[]>((resolve, reject) => {
    dns.lookup(host, { all: true }, (error, found) => {
      if (error === null) resolve(found.map((entry) => toAddress(entry, port)))
      else reject(new SystemError({ code: error.code ?? 'ENOTFOUND', errno: error.errno ?? 0, syscall: 'getaddrinfo', text: 'name not found', address: host }))
    })
  })
}

function toAddress(entry: { address: string; family: number }, port: number): Address {
  return { family: entry.family === 6 ? 'ipv6' : 'ipv4', host: entry.address, port }
}
