/**
 * fork: a function of a module, run in a process of its own, as if it were an operation here. All
 * of it is as with threads, and what is different is the line: bytes, over which everything is
 * copied.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError } from '../../kernel/protocol/errors.js'
import type { Nursery } from '../../kernel/protocol/handles.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { current } from '../raw/call.js'
import { nursery } from '../scope/nursery.js'
import { shield } from '../scope/scope.js'
import { MOVED, type Work } from './remote-kernel.js'
import { startRemoteProcess } from './remote-process.js'
import { workOf } from './thread.js'
import { type WorkerPool, type WorkerPoolOptions, workerPool } from './worker-pool.js'

/**
 * Runs a function that a module exports in another process of this program's kind, with a kernel of
 * its own, and returns its result. What `thread` says of functions, arguments, errors, deadlines
 * and contexts holds, with this difference: everything is copied, and neither ports nor shared
 * memory can be. It works in a blocking run, too.
 *
 * If the task is cancelled while it waits, so is the operation there; it cleans up within the
 * grace, and then the process ends and is reaped. What has not heard half a second after the grace
 * gets SIGTERM, and SIGKILL, with all of its process group. If this process dies, the other one
 * cancels what it does, and ends. It has this program's environment, flags and outputs; its input
 * is the line to here. On Windows the line is a named pipe, and there the other process is ended at
 * once if this one dies, or if it has not heard.
 *
 * @param module The module: `new URL('./work.js', import.meta.url)`.
 * @param name What it exports. Default: `'default'`.
 * @param args What the function is given.
 * @throws what the function throws.
 * @throws BrokenError if the process ends by itself, and says how.
 * @throws TypeError if there is no such function, or if an argument, or the result, cannot be
 * copied.
 * @throws SystemError if the process cannot be started (`EMFILE`, `EAGAIN`, …).
 * @throws UnsupportedError if the driver starts no processes, and on engines other than Node
 * (docs/platforms.md).
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { fork, run } from 'drupe'
 *
 * const module = new URL(`data:text/javascript,export const sum = (a, b) => a + b`)
 * console.log(await run(() => fork<number>(module, 'sum', 1, 2))) // => 3
 * @see https://curio.readthedocs.io/en/latest/reference.html#run_in_process
 */
export function fork<T = unknown>(module: URL, name = 'default', ...args: readonly unknown[]): Operation<T> {
  return tracked('fork', forkOperation<T>(workOf('run in a process', module, name, args)))
}

/**
 * Makes a pool of processes, as a resource: what `threadPool` says holds, and what `fork` says of
 * processes.
 *
 * @param options The `module`; `size`: processes at most; `concurrency`: calls at a time in each;
 * `maxHeapBytes`.
 * @throws TypeError or RangeError if one of them is wrong.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { map, processPool, run, use } from 'drupe'
 *
 * const module = new URL(`data:text/javascript,export const square = (n) => n * n`)
 * await run(() => use(processPool({ module, size: 2 }), function* (pool) {
 *   console.log(yield* map([1, 2, 3], (n) => pool.run<number>('square', n))) // => [ 1, 4, 9 ]
 * }))
 */
export function processPool(options: WorkerPoolOptions): Operation<WorkerPool> {
  return tracked(
    'processPool',
    workerPool('make a pool of processes', options, (n, number, { maxHeapBytes }) =>
      startRemoteProcess(n, `process ${number} of the pool`, maxHeapBytes),
    ),
  )
}

function* forkOperation<T>(work: Work): Operation<T> {
  const { scope } = yield* current()
  const forked = function* (n: Nursery): Operation<T> {
    const remote = yield* startRemoteProcess(n, `the process of ${work.name}`, undefined)
    try {
      const result = yield* remote.perform(work)
      if (result === MOVED) throw new BrokenError(`run ${work.name}`, `${remote.name} was terminated`)
      return result as T
    } finally {
      yield* shield(remote.leave(n.grace))
    }
  }
  return yield* nursery(forked, { grace: scope.grace })
}
