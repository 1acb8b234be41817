/**
 * thread: a function of a module, run in a thread of its own, as if it were an operation here.
 *
 * A closure cannot travel, so the function is named by its module. The thread begins and ends with
 * the call, which makes it a few ten milliseconds' worth of work; for many calls there is a pool.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError } from '../../kernel/protocol/errors.js'
import { checkString, wrong } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { current } from '../raw/call.js'
import { shield } from '../scope/scope.js'
import { MOVED, type Work } from './remote-kernel.js'
import { startThread } from './remote-thread.js'

/**
 * Runs a function that a module exports in another thread, with a kernel of its own, and returns
 * its result. The function is a generator function, whose operation is run there, an async one or a
 * plain one. Arguments and results are copied as `postMessage` does it; `transfer` hands over, and
 * so does a MessagePort as an argument, such as the link of a `UniversalQueue`. An error arrives as
 * one of the same class if it is Drupe's or the language's, else as the nearest of them with its
 * name, its stack and its fields.
 *
 * If the task is cancelled while it waits, so is the operation there. It cleans up within the grace
 * of the scope here, and this waits for it; what it returns then is the result. A plain function
 * that computes hears nothing before it returns, unless it is a generator that says
 * `yield* checkpoint()` now and then; what has not heard half a second after the grace is
 * terminated with its thread, and no `finally` of it runs. An async function is not waited for any
 * longer. The earliest deadline of the scopes here holds there, too, and so do the values of
 * contexts that travel.
 *
 * @param module The module: `new URL('./work.js', import.meta.url)`.
 * @param name What it exports. Default: `'default'`.
 * @param args What the function is given.
 * @throws what the function throws.
 * @throws SystemError if the system has no thread, or no descriptors for it: `EAGAIN`, `EMFILE`, …
 * @throws BrokenError if the thread ends by itself: an uncaught exception (the `cause`),
 * `process.exit`, no more memory.
 * @throws TypeError if there is no such function, or if an argument, or the result, cannot be
 * copied.
 * @throws KernelStateError in a blocking run.
 * @throws UnsupportedError where there are no worker threads.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, thread } from 'drupe'
 *
 * const module = new URL(`data:text/javascript,export const sum = (a, b) => a + b`)
 * console.log(await run(() => thread<number>(module, 'sum', 1, 2))) // => 3
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.to_thread.run_sync
 */
export function thread<T = unknown>(module: URL, name = 'default', ...args: readonly unknown[]): Operation<T> {
  return tracked('thread', threadOperation<T>(workOf('run in a thread', module, name, args)))
}

/** What is to be done, checked. */
export function workOf(action: string, module: URL, name: string, args: readonly unknown[]): Work {
  return { module: String(checkModule(action, module)), name: checkString(action, 'name', name), args }
}

/** The address of a module. */
export function checkModule(action: string, module: URL): URL {
  if (module instanceof URL) return module
  throw wrong(action, 'module', "a URL: new URL('./work.js', import.meta.url)", module, '')
}

function* threadOperation<T>(work: Work): Operation<T> {
  const { scope } = yield* current()
  const remote = yield* startThread(`the thread of ${work.name}`, undefined)
  try {
    const result = yield* remote.perform(work)
    if (result === MOVED) throw new BrokenError(`run ${work.name}`, `${remote.name} was terminated`)
    return result as T
  } finally {
    yield* shield(remote.leave(scope.grace))
  }
}
