/**
 * Abort signals, both ways: one that cancels a scope, and one that a scope makes.
 *
 * `AbortSignal` is how the rest of the world says "stop". Coming in, it is one listener for as long
 * as operations run under it, however many there are, so a signal that lives as long as the process
 * collects nothing. Going out, the signal is made when it is asked for: a scope keeps a list of
 * callbacks for its cancel, and it is empty until then.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { scopeOf } from '../../kernel/protocol/errors.js'
import type { Scope, Task } from '../../kernel/protocol/handles.js'
import { checkMethods, checkOperation } from '../../kernel/protocol/operands.js'
import { toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { atomically, closeScope, current, openScope } from '../raw/call.js'
import { canceller, innermostNursery } from '../scope/place.js'
import type { EventTargetLike } from './listen.js'

/**
 * An AbortSignal: the platform's own, or one of the `abort-controller` package, which has no
 * `reason`.
 */
export interface AbortSignalLike extends EventTargetLike {
  /** Whether it was aborted. */
  readonly aborted: boolean
  /** What it was aborted with. */
  readonly reason?: unknown
}

const OPTIONS = { name: 'withSignal' }

/**
 * Runs an operation that an AbortSignal can cancel. When the signal is aborted the operation is
 * cancelled, may clean up within the grace, and then this throws the signal's reason. If it
 * finishes all the same, its result counts. All operations under one signal share a listener, which
 * is removed at the end of the last one, however that comes.
 *
 * @param signal Native or from the `abort-controller` package. Aborted already, the operation is
 * not begun.
 * @param op The operation, or a function that returns one.
 * @throws TypeError if `signal` is no AbortSignal, or `op` no operation.
 * @throws the reason of the signal (a DOMException named `AbortError` if it has none), or what the
 * operation throws.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { run, sleep, withSignal } from 'drupe'
 *
 * const controller = new AbortController()
 * setTimeout(() => controller.abort(new Error('the client has left')), 5)
 * await run(function* () {
 *   try {
 *     yield* withSignal(controller.signal, sleep(60_000))
 *   } catch (error) {
 *     console.log((error as Error).message) // => the client has left
 *   }
 * })
 */
export function withSignal<T>(signal: AbortSignalLike, op: Op<T>): Operation<T> {
  checkMethods('run with the signal', 'signal', signal, 'an AbortSignal', ['addEventListener', 'removeEventListener'])
  return tracked('withSignal', withSignalOperation(signal, checkOperation('run with the signal', 'op', op)))
}

function* withSignalOperation<T>(signal: AbortSignalLike, op: Op<T>): Operation<T> {
  const inner = yield* openScope(OPTIONS, Number.POSITIVE_INFINITY)
  let leave: (() => void) | null = null
  try {
    const cancel = yield* canceller(inner)
    leave = onAbort(signal, () => cancel(reasonOf(signal)))
    if (signal.aborted) throw reasonOf(signal)
    return yield* toOperation(op)
  } catch (error) {
    if (scopeOf(error) === inner) throw inner.reason
    throw error
  } finally {
    leave?.()
    yield* closeScope(inner)
  }
}

/** The callbacks that follow one signal, behind its one listener. */
interface Followers {
  readonly callBacks: Set<() => void>
  readonly notify: () => void
}

const followed = new WeakMap<AbortSignalLike, Followers>()

/**
 * Calls back when the signal is aborted; returns what ends that. A signal has one listener, and
 * only while it is followed.
 */
function onAbort(signal: AbortSignalLike, callBack: () => void): () => void {
  const followers = followed.get(signal) ?? follow(signal)
  const { callBacks, notify } = followers
  callBacks.add(callBack)
  return () => {
    if (!callBacks.delete(callBack) || callBacks.size > 0) return
    followed.delete(signal)
    signal.removeEventListener('abort', notify)
  }
}

function follow(signal: AbortSignalLike): Followers {
  const callBacks = new Set<() => void>()
  const notify = (): void => {
    for (const callBack of [...callBacks]) callBack()
  }
  signal.addEventListener('abort', notify)
  const followers = { callBacks, notify }
  followed.set(signal, followers)
  return followers
}

function reasonOf(signal: AbortSignalLike): unknown {
  return signal.reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : signal.reason
}

const controllers = new WeakMap<Scope, AbortController>()

/**
 * Returns an AbortSignal that is aborted when the innermost scope around this line is cancelled,
 * directly or from outside, with the cancel's reason. The scope is that of `timeout`, `moveOn`,
 * `scope`, `nursery` or the task itself. Made when first asked for; asked again, the same. The end
 * of the scope without a cancel does not abort it. Does not wait.
 *
 * In the cleanup of a cancelled scope it is a fresh one, aborted at the end of the grace: cleanup
 * may use it.
 *
 * @example
 * import { moveOn, run, signal, sleep } from 'drupe'
 *
 * await run(function* () {
 *   const fallback = yield* moveOn(5, function* () {
 *     const mine = yield* signal()
 *     mine.addEventListener('abort', () => console.log('aborted')) // => aborted
 *     yield* sleep(60_000)
 *   }, 'too slow')
 *   console.log(fallback) // => too slow
 * })
 */
export function signal(): Operation<AbortSignal> {
  return tracked('signal', signalOperation())
}

function* signalOperation(): Operation<AbortSignal> {
  const task = yield* current()
  const scope = task.scope === task.parentNursery ? yield* innermostNursery() : task.scope
  const known = controllers.get(scope)
  if (known !== undefined && !known.signal.aborted) return known.signal
  const controller = new AbortController()
  const cancelled = cancelledAround(task, scope)
  if (cancelled !== null) {
    controller.abort(cancelled.reason)
    return controller.signal
  }
  controllers.set(scope, controller)
  yield* atomically((_task, _trap, scheduler) => scheduler.onCancel(scope, (reason) => controller.abort(reason)))
  return controller.signal
}

/** A cancelled scope whose `Cancelled` is still to be delivered to the task. */
function cancelledAround(task: Task, innermost: Scope): Scope | null {
  for (let scope: Scope | null = innermost; scope !== null; scope = scope.parent) {
    if (scope.cancelled && !task.wasDelivered(scope)) return scope
    if (scope.shield) return null
  }
  return null
}
