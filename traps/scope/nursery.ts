/**
 * The nursery block: start tasks in it; it is left when all of them are done.
 *
 * The body is a member like the children. It may return early, then the children are awaited; it
 * may fail, then they are cancelled. The kernel keeps the books (kernel/schedule/endings.ts); this
 * is the door.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { Nursery, NurseryOptions } from '../../kernel/protocol/handles.js'
import { checkBody, checkScopeOptions, checkSwitch, checkWord } from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import { type Operation, STARTED, Trap } from '../../kernel/protocol/trap.js'
import { finishNursery, openNursery } from '../raw/call.js'

/**
 * Runs a body that can start tasks, and waits until all of them are done. The first failure, of the
 * body or of a child, cancels the rest and is thrown when they are out, the same object;
 * `suppressed(error)` lists those that came later. Returns what the body returned; undefined if the
 * nursery was cancelled through `n.cancel()` before it did. If the task is cancelled while it
 * waits, the children are, too.
 *
 * @param body Gets the nursery, and returns an operation.
 * @param options How it behaves.
 * @throws the first failure; with `errors: 'group'` an AggregateError of all.
 * @throws TypeError if `body` is no function, or an async one.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { nursery, sleep } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const order: string[] = []
 *   yield* nursery(function* (n) {
 *     for (const ms of [3, 1, 2]) {
 *       yield* n.spawn(function* () {
 *         yield* sleep(ms * 5)
 *         order.push(`${ms}`)
 *       })
 *     }
 *   })
 *   console.log(order.join(' ')) // => 1 2 3
 * })
 */
export function nursery<T>(body: (n: Nursery) => Operation<T>, options?: NurseryOptions): Operation<T> {
  checkScopeOptions('open a nursery', options)
  if (options?.errors !== undefined) checkWord('open a nursery', 'errors', options.errors, ['first', 'group'])
  if (options?.onError !== undefined) checkWord('open a nursery', 'onError', options.onError, ['cancel', 'collect'])
  checkSwitch('open a nursery', 'completions', options?.completions)
  return tracked('nursery', nurseryOperation(checkBody('open a nursery', 'body', body), options))
}

function* nurseryOperation<T>(body: (n: Nursery) => Operation<T>, options?: NurseryOptions): Operation<T> {
  const n = yield* openNursery(options ?? null)
  let result: T | undefined
  let failure: { readonly error: unknown } | null = null
  try {
    result = yield* asOperation(body(n))
  } catch (error) {
    failure = { error }
  }
  try {
    yield* finishNursery(n, failure)
  } catch (error) {
    if (options?.errors === 'group' && n.failed) throw groupOf(n)
    throw error
  }
  return result as T
}

function groupOf(n: Nursery): AggregateError {
  const errors = [n.failure, ...(n.later ?? [])]
  return new AggregateError(errors, `${errors.length} task(s) of a nursery failed`)
}

/**
 * Says that a task started with `n.start` is ready, and gives the caller of `n.start` this value.
 * From here on the task is a child of that nursery. Does not wait.
 *
 * @param value What `n.start` returns.
 * @throws KernelStateError if the task was not started that way, or has said so before.
 * @example
 * import { listen, nursery, run, serve, started } from 'drupe'
 *
 * function* server() {
 *   const listener = yield* listen({ host: '127.0.0.1', port: 0 })
 *   yield* started(listener.port)
 *   yield* serve(listener, function* (stream) {})
 * }
 * await run(() => nursery(function* (n) {
 *   const port = yield* n.start<number>(server)
 *   console.log(port > 0) // => true
 *   yield* n.cancel()
 * }))
 */
export function started(value?: unknown): Trap<void> {
  return new Trap(STARTED, null, value, 0)
}
