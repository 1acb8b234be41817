/**
 * Scopes around an operation: cancel it as one, limit its time, keep cancels out.
 *
 * All of them are one shape: open a scope, run the operation, close the scope whatever happens. They differ only in what
 * they make of the scope's own `Cancelled` at its edge: an error, a fallback, nothing. A `Cancelled` of an outer scope passes
 * through them all.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { scopeOf, TimeoutError } from '../../kernel/protocol/errors.js'
import type { Scope, ScopeOptions } from '../../kernel/protocol/handles.js'
import { checkAt, checkBody, checkOperation, checkScopeOptions, checkTime } from '../../kernel/protocol/operands.js'
import { asOperation, toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { closeScope, current, openScope } from '../raw/call.js'

/** What left a scope: the operation's result, or the `Cancelled` of this very scope. */
const EXPIRED = Symbol('expired')

const TIMEOUT: ScopeOptions = { name: 'timeout' }
const MOVE_ON: ScopeOptions = { name: 'moveOn' }
const SHIELD: ScopeOptions = { name: 'shield', shield: true }

/**
 * Runs an operation in a scope of its own, which it is given, and can be cancelled through. Undefined if it was cancelled
 * that way.
 *
 * @throws TypeError if `body` is no function, or an async one; RangeError if a time in the options is negative or NaN.
 * @throws whatever the operation throws; Cancelled if an outer scope is cancelled.
 * @example
 * import { run, scope, sleep, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const result = yield* scope(function* (s) {
 *     yield* spawn(function* () {
 *       yield* s.cancel('enough')
 *     })
 *     yield* sleep(1000)
 *     return 'never'
 *   })
 *   console.log(result) // => undefined
 * })
 */
export function scope<T>(body: (scope: Scope) => Operation<T>): Operation<T | undefined>
export function scope<T>(options: ScopeOptions, body: (scope: Scope) => Operation<T>): Operation<T | undefined>
export function scope<T>(
  ...given: [ScopeOptions, (scope: Scope) => Operation<T>] | [(scope: Scope) => Operation<T>]
): Operation<T | undefined> {
  const [options, body] = given.length === 1 ? [{}, given[0]] : given
  checkScopeOptions('open a scope', options)
  return tracked('scope', scopeOperation(options, checkBody('open a scope', 'body', body)))
}

function* scopeOperation<T>(options: ScopeOptions, body: (scope: Scope) => Operation<T>): Operation<T | undefined> {
  const inner = yield* openScope(options, Number.POSITIVE_INFINITY)
  let caught = false
  try {
    return yield* asOperation(body(inner))
  } catch (error) {
    if (scopeOf(error) !== inner) throw error
    caught = true
    return undefined
  } finally {
    yield* closeScope(inner, caught)
  }
}

/**
 * Gives an operation so many milliseconds. When they are over it is cancelled, may clean up within the grace, and then this
 * throws. If the operation finishes all the same, its result counts.
 *
 * @param ms Milliseconds, 0 or more; Infinity for no limit.
 * @throws TimeoutError when the time is over. Nested timeouts: only the one that ran out throws.
 * @throws RangeError if `ms` is negative or NaN.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { run, sleep, timeout, TimeoutError } from 'drupe'
 *
 * await run(function* () {
 *   try {
 *     yield* timeout(5, sleep(60_000))
 *   } catch (error) {
 *     console.log(error instanceof TimeoutError) // => true
 *   }
 * })
 */
export function timeout<T>(ms: number, op: Op<T>): Operation<T> {
  checkTime('limit the time', 'ms', ms)
  return tracked('timeout', timeoutOperation(TIMEOUT, ms, checkOperation('limit the time', 'op', op)))
}

/** The same for an optional limit to what has a name: with Infinity the operation is as it was. */
export function within<T>(action: string, ms: number, operation: Operation<T>): Operation<T> {
  return ms === Number.POSITIVE_INFINITY ? operation : timeoutOperation(TIMEOUT, ms, operation, action)
}

/**
 * Like `timeout`, until a time on the kernel's clock.
 *
 * @throws TimeoutError when that time has come; its `ms` is NaN.
 */
export function timeoutAt<T>(at: number, op: Op<T>): Operation<T> {
  checkOperation('limit the time', 'op', op)
  return tracked(
    'timeoutAt',
    timeoutOperation({ name: 'timeoutAt', deadline: checkAt('limit the time', 'at', at) }, Number.NaN, op),
  )
}

function* timeoutOperation<T>(options: ScopeOptions, ms: number, op: Op<T>, action?: string): Operation<T> {
  const result = yield* untilExpired(options, Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms, op)
  if (result === EXPIRED) throw new TimeoutError(action ?? actionOf(op), ms)
  return result as T
}

/** A generator does not know the name of its function. */
function actionOf(op: Op<unknown>): string {
  return typeof op === 'function' && op.name !== '' ? `finish ${op.name}` : 'finish in time'
}

/**
 * Gives an operation so many milliseconds and goes on without it when they are over; the fallback is returned then.
 *
 * @throws whatever the operation throws; Cancelled if an outer scope is cancelled.
 * @throws RangeError if `ms` is negative or NaN.
 * @example
 * import { run, sleep, moveOn } from 'drupe'
 *
 * await run(function* () {
 *   console.log(yield* moveOn(5, sleep(60_000), 'too slow')) // => too slow
 * })
 */
export function moveOn<T>(ms: number, op: Op<T>): Operation<T | undefined>
export function moveOn<T, F>(ms: number, op: Op<T>, fallback: F): Operation<T | F>
export function moveOn<T, F>(ms: number, op: Op<T>, fallback?: F): Operation<T | F | undefined> {
  checkTime('limit the time', 'ms', ms)
  return tracked('moveOn', moveOnOperation(ms, checkOperation('limit the time', 'op', op), fallback))
}

function* moveOnOperation<T, F>(ms: number, op: Op<T>, fallback: F): Operation<T | F> {
  const result = yield* untilExpired(MOVE_ON, ms, op)
  return result === EXPIRED ? fallback : (result as T)
}

function* untilExpired<T>(options: ScopeOptions, ms: number, op: Op<T>): Operation<T | typeof EXPIRED> {
  const inner = yield* openScope(options, ms)
  try {
    return yield* toOperation(op)
  } catch (error) {
    if (scopeOf(error) === inner) return EXPIRED
    throw error
  } finally {
    yield* closeScope(inner)
  }
}

/**
 * Keeps cancels of outer scopes out of an operation until it is done. Use it for the few lines that must not be cut in two;
 * cleanup rarely needs it, because of the grace.
 *
 * @throws whatever the operation throws.
 * @example
 * import { run, moveOn, shield, sleep } from 'drupe'
 *
 * await run(function* () {
 *   const log: string[] = []
 *   yield* moveOn(1, function* () {
 *     yield* shield(function* () {
 *       yield* sleep(3)
 *       log.push('whole')
 *     })
 *     yield* sleep(1000)
 *   })
 *   console.log(log) // => [ 'whole' ]
 * })
 */
export function shield<T>(op: Op<T>): Operation<T> {
  return tracked('shield', shieldOperation(checkOperation('shield', 'op', op)))
}

function* shieldOperation<T>(op: Op<T>): Operation<T> {
  const inner = yield* openScope(SHIELD, Number.POSITIVE_INFINITY)
  try {
    return yield* toOperation(op)
  } finally {
    yield* closeScope(inner)
  }
}

/**
 * When the task will be cancelled at the latest: the earliest deadline of the scopes around it, up to the first shield, on the
 * kernel's clock in milliseconds. Infinity if there is none, -Infinity if one of the scopes is cancelled already. To be
 * passed on to whoever works for the task elsewhere. Does not wait.
 *
 * @example
 * import { clock, effectiveDeadline, run, timeout } from 'drupe'
 *
 * await run(() => timeout(60_000, function* () {
 *   const left = (yield* effectiveDeadline()) - (yield* clock())
 *   console.log(left <= 60_000) // => true
 * }))
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.current_effective_deadline
 */
export function effectiveDeadline(): Operation<number> {
  return tracked('effectiveDeadline', effectiveDeadlineOperation())
}

function* effectiveDeadlineOperation(): Operation<number> {
  let earliest = Number.POSITIVE_INFINITY
  for (let scope: Scope | null = (yield* current()).scope; scope !== null; scope = scope.parent) {
    earliest = Math.min(earliest, scope.cancelled ? Number.NEGATIVE_INFINITY : scope.deadline)
    if (scope.shield) break
  }
  return earliest
}
