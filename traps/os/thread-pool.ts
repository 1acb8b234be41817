/**
 * threadPool: functions of a module, run in a few threads that are used again and again.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { Nursery } from '../../kernel/protocol/handles.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { RemoteKernel } from './remote-kernel.js'
import { startThread } from './remote-thread.js'
import { type WorkerPool, type WorkerPoolOptions, workerPool } from './worker-pool.js'

/**
 * Makes a pool of threads, as a resource: it lives until the innermost nursery of the task ends,
 * and its threads with it. They are started when they are needed, each with a kernel of its own,
 * and keep the process alive only while there are calls. Does not wait itself.
 *
 * @param options The `module`; `size`: threads at most; `concurrency`: calls at a time in each;
 * `maxHeapBytes`.
 * @throws TypeError or RangeError if one of them is wrong.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { map, run, threadPool, use } from 'drupe'
 *
 * const module = new URL(`data:text/javascript,export const square = (n) => n * n`)
 * await run(() => use(threadPool({ module, size: 2 }), function* (pool) {
 *   console.log(yield* map([1, 2, 3], (n) => pool.run<number>('square', n))) // => [ 1, 4, 9 ]
 * }))
 * @see https://github.com/piscinajs/piscina
 */
export function threadPool(options: WorkerPoolOptions): Operation<WorkerPool> {
  return tracked('threadPool', workerPool('make a pool of threads', options, start))
}

function* start(_n: Nursery, number: number, { maxHeapBytes }: WorkerPoolOptions): Operation<RemoteKernel> {
  return yield* startThread(`thread ${number} of the pool`, maxHeapBytes)
}
