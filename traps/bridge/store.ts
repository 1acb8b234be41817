/**
 * AsyncLocalStorage inside tasks.
 *
 * A task carries the context in which the host started it, and so do its children; that needs no
 * help. To set a store for a part of a task there is `withStore`. The storage's own `run` takes a
 * function that must be over when it returns, and an operation is not; its `enterWith` lasts for
 * one step of the task at most.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { HostContext } from '../../kernel/protocol/host-context.js'
import { checkMethods, checkOperation } from '../../kernel/protocol/operands.js'
import { ENTER, type Op, type Operation, Trap } from '../../kernel/protocol/trap.js'
import { around } from '../raw/around.js'

/** A storage that can run a function with a store: an AsyncLocalStorage, or anything like it. */
export interface StoreLike<S> {
  /**
   * Runs a function with a store.
   *
   * @param store What `getStore()` gives inside.
   * @param callback The function.
   */
  run<R>(store: S, callback: () => R): R
}

/**
 * Runs an operation in which, and in whose tasks, an AsyncLocalStorage has another store.
 * Afterwards it is what it was, whatever happens. Loggers and tracers that ask the storage then see
 * it, also in promises and callbacks that the operation makes. Entering and leaving let other ready
 * tasks run first; neither is a cancellation point.
 *
 * @param storage An AsyncLocalStorage, or an object with such a `run`.
 * @param store What `storage.getStore()` gives inside.
 * @param op What to run.
 * @throws whatever the operation throws.
 * @throws UnsupportedError on hosts that have no asynchronous context, such as browsers.
 * @example
 * import { AsyncLocalStorage } from 'node:async_hooks'
 * import { run, sleep, withStore } from 'drupe'
 *
 * const request = new AsyncLocalStorage<string>()
 * await run(function* () {
 *   yield* withStore(request, 'request 7', function* () {
 *     yield* sleep(1)
 *     console.log(request.getStore()) // => request 7
 *   })
 *   console.log(request.getStore()) // => undefined
 * })
 */
export function withStore<S, R>(storage: StoreLike<S>, store: S, op: Op<R>): Operation<R> {
  checkMethods('run with a store', 'storage', storage, 'an AsyncLocalStorage, or have a run() like it', ['run'])
  checkOperation('run with a store', 'op', op)
  const capture = (make: () => HostContext): HostContext => {
    let made: HostContext | null = null
    // What run() returns is not looked at: whatever is entered here, the loop calls.
    storage.run(store, () => {
      made = make()
    })
    if (made === null) throw new TypeError('Cannot run with a store: the run() of storage did not call its function')
    return made
  }
  const enter = new Trap<HostContext | null>(ENTER, null, capture, 0)
  return tracked(
    'withStore',
    around(enter, op, (outer) => new Trap(ENTER, outer, null, 0)),
  )
}
