/**
 * Host names: which of them are IP addresses, and what the others stand for.
 *
 * A look-up is a request of the driver's, as an open is: off the loop for a guest, at once in a
 * blocking run, from its own table in a simulated network. Look-ups of one name at the same time
 * are one: whoever asks first makes it, and the others wait. If the first is cancelled, its request
 * is taken back, and the next of those who wait makes another.
 */

import { canonicalHost, ipFamily, splitZone } from '../../kernel/protocol/address.js'
import { tracked } from '../../kernel/protocol/debug.js'
import { SystemError } from '../../kernel/protocol/errors.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkText, timeoutOf, type WaitOptions, wrong } from '../../kernel/protocol/operands.js'
import { Request } from '../../kernel/protocol/request.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ask } from '../raw/call.js'
import { within } from '../scope/scope.js'
import { Event } from '../sync/event.js'

/** A look-up under way. */
class Flight {
  readonly over = new Event()
  /** Null: it was cancelled, or failed in a way that is its asker's own. */
  outcome: readonly Address[] | SystemError | null = null
}

/** By what a kernel asks of its driver, and by name. */
const flights = new WeakMap<object, Map<string, Flight>>()

/**
 * Looks a host name up. If the task is cancelled while it waits, the look-up is taken back, unless
 * others wait for it, too.
 *
 * @param host A name or an IP address.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @returns IP addresses in the order in which they should be tried, at least one.
 * @throws SystemError `ENOTFOUND` if there is no such name, `EAI_AGAIN` if nobody knows just now.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws TypeError if `host` is no string, or has a NUL in it; RangeError if it is empty, or is
 * neither a name nor an address: a name whose last label is a number is none.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { lookup, run } from 'drupe'
 *
 * console.log(await run(() => lookup('127.0.0.1'))) // => [ '127.0.0.1' ]
 */
export function lookup(host: string, options?: WaitOptions): Operation<readonly string[]> {
  checkHost('look up', host)
  const ms = timeoutOf('look up', options)
  return tracked('lookup', within(`look up ${host}`, ms, lookupOperation(host)))
}

function* lookupOperation(host: string): Operation<readonly string[]> {
  const found = yield* addressesOf('look up', host, 0)
  return found.flatMap((address) => (address.family === 'unix' ? [] : [address.host]))
}

/**
 * Looks up the names of an IP address. If the task is cancelled while it waits, the look-up is
 * taken back. What it finds proves nothing: the owner of an address can give it any name.
 *
 * @param address An IPv4 or IPv6 address. One that is an IPv4 address in IPv6's clothes
 * (`::ffff:…`), as sockets of both families show it, is looked up as that.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @returns names, the usual one first, at least one.
 * @throws SystemError `ENOTFOUND` if it has no name, `EAI_AGAIN` if nobody knows just now.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws TypeError if `address` is no IP address.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { reverse } from 'drupe'
 * import { SimNetwork } from 'drupe/testing'
 *
 * const network = new SimNetwork()
 * network.host('server', { addresses: ['10.0.0.7'] })
 * const { client } = network.run({ client: () => reverse('10.0.0.7') })
 * console.log(client) // => [ 'server' ]
 */
export function reverse(address: string, options?: WaitOptions): Operation<readonly string[]> {
  const [host] = splitZone(checkText('look up a name', 'address', address))
  const family = ipFamily(host)
  if (family === null) throw wrong('look up a name', 'address', 'an IP address', address, 'string')
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(canonicalHost(host) as string)?.[1] ?? host
  return new Request('reverse', { host: plain }, timeoutOf('look up a name', options))
}

/** A host that may be one. */
export function checkHost(action: string, host: string): string {
  if (checkText(action, 'host', host) !== '') return host
  throw new RangeError(`Cannot ${action}: host must be a name, not ""`)
}

/** The addresses that a name stands for, at least one. */
export function* addressesOf(action: string, host: string, port: number): Operation<readonly Address[]> {
  const family = ipFamily(host)
  if (family !== null) return [{ family, host, port }]
  if (host.includes(':') || isNumber(mapped(host)))
    throw wrong(action, 'host', 'a name or an IP address', host, 'string')
  if (host === 'localhost') {
    return [
      { family: 'ipv4', host: '127.0.0.1', port },
      { family: 'ipv6', host: '::1', port },
    ]
  }
  const found = yield* together(host)
  return found.map((address) => ({ ...address, port }))
}

/**
 * Would a resolver take it for an address? `0x7f.1` and `0177.0.0.1` are 127.0.0.1 to some, so a
 * name whose last label is a number is none: the rule of the URL standard.
 */
const isNumber = (name: string): boolean => /(^|\.)(\d+|0x[\da-f]*)\.?$/i.test(name) || /^\.*$/.test(name)

/** A name as it will be looked up: other letters and digits may stand for those of ASCII. */
function mapped(host: string): string {
  if (!/\P{ASCII}/u.test(host)) return host
  const alike = host.normalize('NFKC').replace(/[\u3002\uff61]/g, '.')
  try {
    // What delimits a URL is in no name.
    return /[/?#@\\%]/.test(alike) ? alike : new URL(`http://${alike}`).hostname
  } catch {
    // A number that is no address ends here as well.
    return alike.replace(/\P{ASCII}/gu, '')
  }
}

function* together(host: string): Operation<readonly Address[]> {
  const known = yield* ask('lookup', flightsOf)
  for (let other = known.get(host); other !== undefined; other = known.get(host)) {
    yield* other.over.wait()
    const { outcome } = other
    // Each task has an error of its own: what is noted in one is about that task.
    if (outcome instanceof SystemError) throw new SystemError({ ...outcome, text: outcome.text })
    if (outcome !== null) return outcome
  }
  const flight = new Flight()
  known.set(host, flight)
  try {
    flight.outcome = yield* new Request('lookup', { host, port: 0 }, Number.POSITIVE_INFINITY)
    return flight.outcome
  } catch (error) {
    if (error instanceof SystemError) flight.outcome = error
    throw error
  } finally {
    known.delete(host)
    yield* flight.over.set()
  }
}

function flightsOf(driver: object): Map<string, Flight> {
  let known = flights.get(driver)
  if (known === undefined) {
    known = new Map()
    flights.set(driver, known)
  }
  return known
}
