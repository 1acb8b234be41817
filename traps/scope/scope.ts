/**
 * Scopes around an operation: cancel it as one, limit its time, keep cancels out.
 *
 * All of them are one shape: open a scope, run the operation, close the scope whatever happens.
 * They differ only in what they make of the scope's own `Cancelled` at its edge: an error, a
 * fallback, nothing. A `Cancelled` of an outer scope passes through all of them.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { scopeOf, TimeoutError } from '../../kernel/protocol/errors.js'
import type { Scope, ScopeOptions } from '../../kernel/protocol/handles.js'
import { checkAt, checkBody, checkOperation, checkScopeOptions, checkTime } from '../../kernel/protocol/operands.js'
import { asOperation, toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { around } from '../raw/around.js'
import { atomically, closeScope, openScope } from '../raw/call.js'

const TIMEOUT: ScopeOptions = { name: 'timeout' }
const MOVE_ON: ScopeOptions = { name: 'moveOn' }
const SHIELD: ScopeOptions = { name: 'shield', shield: true }
type Why = () => ErrorOptions | undefined

/**
 * Runs a body in a scope; if it is the scope's own `Cancelled` that leaves it, `cancelled` says
 * what becomes of that.
 */
function* enclosed<T, R>(
  options: ScopeOptions,
  ms: number,
  body: (scope: Scope) => Operation<T>,
  cancelled: () => R,
): Operation<T | R> {
  const inner = yield* openScope(options, ms)
  let caught = false
  try {
    return yield* body(inner)
  } catch (error) {
    if (scopeOf(error) !== inner) throw error
    caught = true
    return cancelled()
  } finally {
    yield* closeScope(inner, caught)
  }
}

/** With a deadline that is an error; NaN: it is among the options. */
function limited<T>(action: string, options: ScopeOptions, ms: number, op: Op<T>, why?: Why): Operation<T> {
  return enclosed(
    options,
    Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms,
    () => toOperation(op),
    () => {
      throw new TimeoutError(action, ms, why?.())
    },
  )
}

function nothing(): undefined {}

/**
 * Runs an operation in a scope of its own, which it is given, and can be cancelled through.
 * Undefined if it was cancelled that way.
 *
 * @param options How the scope behaves.
 * @param body Gets the scope, and returns an operation.
 * @throws TypeError if `body` is no function, or an async one; RangeError if a time in the options
 * is negative or NaN.
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
export function scope<T>(options: ScopeOptions, body: (scope: Scope) => Operation<T>): Operation<T | undefined>
/**
 * Runs an operation in a scope of its own, without options.
 *
 * @param body Gets the scope, and returns an operation.
 */
export function scope<T>(body: (scope: Scope) => Operation<T>): Operation<T | undefined>
export function scope<T>(
  ...given: [ScopeOptions, (scope: Scope) => Operation<T>] | [(scope: Scope) => Operation<T>]
): Operation<T | undefined> {
  const [options, body] = given.length === 1 ? [{}, given[0]] : given
  checkScopeOptions('open a scope', options)
  checkBody('open a scope', 'body', body)
  return tracked(
    'scope',
    enclosed(options, Number.POSITIVE_INFINITY, (inner) => asOperation(body(inner)), nothing),
  )
}

/**
 * Gives an operation so many milliseconds. When they are over it is cancelled, may clean up within
 * the grace, and then this throws. If the operation finishes all the same, its result counts.
 *
 * @param ms Milliseconds, 0 or more; Infinity for no limit.
 * @param op The operation, or a function that returns one.
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
  checkOperation('limit the time', 'op', op)
  return tracked('timeout', limited(actionOf(op), TIMEOUT, ms, op))
}

/**
 * The same for an optional limit, and an action that messages name: with Infinity the operation is
 * as it was. `why` is asked when the time is over: what the error has as its `cause`.
 */
export function within<T>(action: string, ms: number, operation: Operation<T>, why?: Why): Operation<T> {
  return ms === Number.POSITIVE_INFINITY ? operation : limited(action, TIMEOUT, ms, operation, why)
}

/**
 * Gives an operation until a time on the kernel's clock; else it is as `timeout`.
 *
 * @param at Milliseconds on the clock that `clock()` reads.
 * @param op The operation, or a function that returns one.
 * @throws TimeoutError when that time has come; its `ms` is NaN.
 * @example
 * import { clock, run, sleep, timeoutAt } from 'drupe'
 *
 * await run(function* () {
 *   yield* timeoutAt((yield* clock()) + 1000, sleep(1))
 * })
 */
export function timeoutAt<T>(at: number, op: Op<T>): Operation<T> {
  checkOperation('limit the time', 'op', op)
  const options = { name: 'timeoutAt', deadline: checkAt('limit the time', 'at', at) }
  return tracked('timeoutAt', limited(actionOf(op), options, Number.NaN, op))
}

/** A generator does not know the name of its function. */
function actionOf(op: Op<unknown>): string {
  return typeof op === 'function' && op.name !== '' ? `finish ${op.name}` : 'finish in time'
}

/**
 * Gives an operation so many milliseconds and goes on without it when they are over; the fallback
 * is returned then.
 *
 * @param ms Milliseconds, 0 or more; Infinity for no limit.
 * @param op The operation, or a function that returns one.
 * @param fallback What is returned when the time is over. Default: undefined.
 * @throws whatever the operation throws; Cancelled if an outer scope is cancelled.
 * @throws RangeError if `ms` is negative or NaN.
 * @example
 * import { run, sleep, moveOn } from 'drupe'
 *
 * await run(function* () {
 *   console.log(yield* moveOn(5, sleep(60_000), 'too slow')) // => too slow
 * })
 */
export function moveOn<T, F>(ms: number, op: Op<T>, fallback: F): Operation<T | F>
/**
 * Gives an operation so many milliseconds and goes on with undefined when they are over.
 *
 * @param ms Milliseconds, 0 or more; Infinity for no limit.
 * @param op The operation, or a function that returns one.
 */
export function moveOn<T>(ms: number, op: Op<T>): Operation<T | undefined>
export function moveOn<T, F>(ms: number, op: Op<T>, fallback?: F): Operation<T | F | undefined> {
  checkTime('limit the time', 'ms', ms)
  checkOperation('limit the time', 'op', op)
  return tracked(
    'moveOn',
    enclosed(
      MOVE_ON,
      ms,
      () => toOperation(op),
      () => fallback,
    ),
  )
}

/**
 * Keeps cancels of outer scopes out of an operation until it is done. Use it for the few lines that
 * must not be cut in two; cleanup rarely needs it, because of the grace.
 *
 * @param op The operation, or a function that returns one.
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
  checkOperation('shield', 'op', op)
  return tracked('shield', around(openScope(SHIELD, Number.POSITIVE_INFINITY), op, closeScope))
}

/**
 * Returns when the task will be cancelled at the latest: the earliest deadline of the scopes around
 * it, up to the first shield, on the kernel's clock in milliseconds. Infinity if there is none,
 * -Infinity if one of the scopes is cancelled already. It is there to be passed on to another
 * process that works for the task. Does not wait.
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
  return tracked('effectiveDeadline', DEADLINE)
}

const DEADLINE = atomically((task) => {
  let earliest = Number.POSITIVE_INFINITY
  for (let scope: Scope | null = task.scope; scope !== null; scope = scope.parent) {
    earliest = Math.min(earliest, scope.cancelled ? Number.NEGATIVE_INFINITY : scope.deadline)
    if (scope.shield) break
  }
  return earliest
})
