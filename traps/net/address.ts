/**
 * Host names: which of them are IP addresses, and what the others stand for.
 *
 * A look-up is a request of the driver's, as an open is: off the loop for a guest, at once in a
 * blocking run, from its own table in a simulated network.
 */

import { ipFamily } from '../../kernel/protocol/address.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { wrong } from '../../kernel/protocol/operands.js'
import { Request } from '../../kernel/protocol/request.js'
import type { Operation } from '../../kernel/protocol/trap.js'

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
  return yield* new Request('lookup', { host, port }, Number.POSITIVE_INFINITY)
}
