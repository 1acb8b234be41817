/**
 * Host names: which of them are IP addresses, and what the others stand for.
 *
 * The look-up is the host's (Node's `dns.lookup`, which asks what the system asks); this is one of the few files of traps/
 * that know a host. In a blocking run the host's loop stands still, so only addresses and `localhost` work there.
 */

import { ipFamily } from '../../kernel/protocol/address.js'
import { SystemError } from '../../kernel/protocol/errors.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { wrong } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ask, suspend } from '../raw/call.js'

/** The addresses that a name stands for, at least one. */
export function* lookup(host: string, port: number): Operation<readonly Address[]> {
  const family = ipFamily(host)
  if (family !== null) return [{ family, host, port }]
  // A resolver may take 010.0.0.1 for an octal number, and no name has a colon.
  if (/^[\d.]+$|:/.test(host)) throw wrong('connect', 'host', 'a name or an IP address', host, 'string')
  if (host === 'localhost') {
    return [
      { family: 'ipv4', host: '127.0.0.1', port },
      { family: 'ipv6', host: '::1', port },
    ]
  }
  const known = yield* ask('lookup', (driver) => driver.lookup?.(host, port) ?? null)
  if (known !== null) {
    if (known.length === 0) throw notFound(host, {})
    return known
  }
  const dns = yield* suspend<typeof import('node:dns')>((resolve, reject) => {
    import('node:dns').then(resolve, reject)
  })
  return yield* suspend<Address[]>((resolve, reject) => {
    dns.lookup(host, { all: true }, (error, found) => {
      if (error === null) resolve(found.map((entry) => toAddress(entry, port)))
      else reject(notFound(host, error))
    })
  })
}

function notFound(host: string, error: { code?: string | undefined; errno?: number | undefined }): SystemError {
  const { code = 'ENOTFOUND', errno = 0 } = error
  return new SystemError({ code, errno, syscall: 'getaddrinfo', text: 'the name was not found', address: host })
}

function toAddress(entry: { address: string; family: number }, port: number): Address {
  return { family: entry.family === 6 ? 'ipv6' : 'ipv4', host: entry.address, port }
}
