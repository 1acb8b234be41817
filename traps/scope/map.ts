/**
 * Many items, some at a time: a pool of tasks that is made for one call and gone with it.
 *
 * Every item gets a task of its own (a task costs less than a closure around a worker would save),
 * and the body of the nursery counts: it starts the next one when one is over. What fails, fails as
 * in every nursery.
 */

import { operation } from '../../kernel/protocol/debug.js'
import { TaskCancelledError } from '../../kernel/protocol/errors.js'
import { checkBody, checkItems, checkLimit, checkOperations, checkOptions } from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { checkpoint } from '../raw/call.js'
import { each } from './each.js'
import { nursery } from './nursery.js'

/** How `map` works. */
export interface MapOptions {
  /** How many items may be under way at the same time; 1 or more. Default: all. */
  readonly concurrency?: number
}

/**
 * Runs an operation for every item, so many at a time, and returns the results in the order of the
 * items. Items are taken only when there is room for them, so an endless generator or an async
 * iterable can be the source. The first error cancels the rest and is thrown when they are out. If
 * the task is cancelled while it waits, all of them are, and the source is closed.
 *
 * @param items Anything iterable; an async iterable is read in between.
 * @param fn Makes the operation for an item; it gives its name to the tasks.
 * @param options `concurrency`: how many at a time.
 * @throws the first error of an operation, or of the source.
 * @throws RangeError if `concurrency` is not an integer of 1 or more, or Infinity.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { map, run, sleep } from 'drupe'
 *
 * await run(function* () {
 *   let busy = 0
 *   let most = 0
 *   const squares = yield* map([1, 2, 3, 4, 5, 6], function* (n) {
 *     most = Math.max(most, ++busy)
 *     yield* sleep(1)
 *     busy--
 *     return n * n
 *   }, { concurrency: 2 })
 *   console.log(squares.join(' '), most) // => 1 4 9 16 25 36 2
 * })
 * @see https://www.gevent.org/api/gevent.pool.html
 */
export function map<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: (item: T, index: number) => Operation<R>,
  options?: MapOptions,
): Operation<R[]> {
  checkOptions('map', 'options', options)
  const { concurrency = Number.POSITIVE_INFINITY } = options ?? {}
  checkLimit('map', 'concurrency', concurrency, 1)
  checkBody('map', 'fn', fn)
  checkItems('map', 'items', items)
  return operation('map', function* () {
    const results: R[] = []
    let begun = 0
    let done = 0

    function* job(item: T, index: number): Operation<void> {
      results[index] = yield* asOperation(fn(item, index))
      done++
    }

    yield* nursery(
      function* (n) {
        const options = { name: fn.name === '' ? 'anonymous' : fn.name }
        function* add(item: T): Operation<undefined> {
          const index = begun++
          yield* n.spawn(() => job(item, index), options)
          while (n.size >= concurrency) yield* n.next()
          // Woken by the end of a task that failed: it is over, no more items.
          if (n.cancelled) yield* checkpoint()
        }
        if (Symbol.asyncIterator in items) yield* each(items, add)
        else for (const item of items) yield* add(item)
      },
      { completions: concurrency !== Number.POSITIVE_INFINITY },
    )
    if (done < begun) throw new TaskCancelledError(`one of ${begun} tasks of map`)
    return results
  })
}

/**
 * Runs operations at the same time and gives each result to the body as it comes, one after the
 * other, with the index of its operation. The first error, of an operation or of the body, cancels
 * the rest and is thrown when they are out. If the task is cancelled while it waits, all of them
 * are.
 *
 * @param ops The operations, or functions that return them.
 * @param body Gets a result and the index of its operation, and returns an operation.
 * @throws the first error of an operation or of the body.
 * @throws TaskCancelledError if one of the tasks was cancelled.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { asCompleted, sleep } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * function* after(ms: number) {
 *   yield* sleep(ms)
 *   return `${ms} ms`
 * }
 * virtual({}, function* () {
 *   yield* asCompleted([after(9), after(1), after(5)], function* (result, index) {
 *     console.log(index, result)
 *   })
 *   // => 1 1 ms
 *   // => 2 5 ms
 *   // => 0 9 ms
 * })
 * @see https://curio.readthedocs.io/en/latest/reference.html#task-groups (`async for task in group`)
 */
export function asCompleted<T>(
  ops: readonly Op<T>[],
  body: (result: T, index: number) => Operation<unknown>,
): Operation<void> {
  checkOperations('run all', 'ops', ops)
  checkBody('run all', 'body', body)
  return operation('asCompleted', function* () {
    yield* nursery(
      function* (n) {
        const indexes = new Map<unknown, number>()
        for (const op of ops) indexes.set(yield* n.spawn(op), indexes.size)
        for (let task = yield* n.next(); task !== null; task = yield* n.next()) {
          if (task.state === 'cancelled') throw new TaskCancelledError(String(task), { cause: task.error })
          // A failure is the nursery's: it is cancelled already, and the body with it.
          if (n.cancelled) yield* checkpoint()
          yield* asOperation(body(task.result as T, indexes.get(task) as number))
        }
      },
      { completions: true },
    )
  })
}
