/**
 * What there is of native/ in a browser: nothing, said by the names of what it stands for.
 *
 * The build for browsers (rollup.config.mjs) puts this in the place of select.ts, tls.ts, notify.ts
 * and host/async-context.ts, so that no driver and no koffi is in it.
 */
import { environment } from '../kernel/protocol/host-functions.js'
import { wrong } from '../kernel/protocol/operands.js'

/** See select.ts: always null, or an error if a driver is asked for by its name. */
export const chooseDriver: typeof import('./select.js').chooseDriver = (
  forced = environment('DRUPE_DRIVER'),
  explain = () => {},
) => {
  if (forced !== undefined && forced !== '' && forced !== 'host') {
    throw new Error(`Cannot use the driver "${forced}" (DRUPE_DRIVER): the build for browsers has only host`)
  }
  explain('this is the build for browsers; sockets and files need Node, and the build for it')
  return null
}

/** See tls.ts: a browser lends no engine. */
export const openTls: typeof import('./tls.js').openTls = () => null

/** See host/async-context.ts: browsers have no ambient context. */
export const hostContexts: typeof import('./host/async-context.js').hostContexts = () => null

/** See notify.ts: the host driver gives no wakers, so nothing is the token of one. */
export const notify: typeof import('./notify.js').notify = (token) => {
  throw wrong('notify', 'token', 'the token of a waker', token, '')
}
