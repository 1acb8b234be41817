/**
 * Queues with another order: the least item first, or the last one first. Waiting is that of
 * `Queue`, unchanged.
 */
import { checkFunction } from '../../kernel/protocol/operands.js'
import type { NameOptions } from './atomic.js'
import { Heap, type Items, Lifo } from './items.js'
import { Queue } from './queue.js'

/** How a priority queue orders its items. */
export interface PriorityOptions<T> extends NameOptions {
  /** Negative if `a` comes before `b`, as for `Array.sort`. Default: by `<`. */
  readonly compare?: ((a: T, b: T) => number) | undefined
}

/**
 * A queue whose least item comes first; equal ones in the order in which they were put.
 *
 * @example
 * import { PriorityQueue, run } from 'drupe'
 *
 * await run(function* () {
 *   const queue = new PriorityQueue<{ due: number }>(10, { compare: (a, b) => a.due - b.due })
 *   for (const due of [3, 1, 2]) yield* queue.put({ due })
 *   console.log((yield* queue.get()).due) // => 1
 * })
 * @see https://docs.python.org/3/library/asyncio-queue.html#priority-queue
 */
export class PriorityQueue<T> extends Queue<T> {
  /**
   * @param capacity How many items it takes; default: no limit.
   * @param options `name`, and `compare`: the order of the items.
   * @throws RangeError if `capacity` is neither a whole number from 1 on nor Infinity.
   */
  constructor(capacity = Number.POSITIVE_INFINITY, options?: PriorityOptions<T>) {
    super(capacity, options)
    if (options?.compare !== undefined) checkFunction('make a queue', 'compare', options.compare)
  }

  /** @internal */
  protected override makeItems(options: PriorityOptions<T> | undefined): Items<T> {
    return new Heap(options?.compare ?? byValue)
  }
}

function byValue<T>(a: T, b: T): number {
  return a < b ? -1 : b < a ? 1 : 0
}

/**
 * A queue whose last item comes first: a stack.
 *
 * @example
 * import { LifoQueue, run } from 'drupe'
 *
 * await run(function* () {
 *   const stack = new LifoQueue<number>()
 *   for (const n of [1, 2, 3]) yield* stack.put(n)
 *   console.log(yield* stack.get(), yield* stack.get()) // => 3 2
 * })
 * @see https://docs.python.org/3/library/asyncio-queue.html#lifo-queue
 */
export class LifoQueue<T> extends Queue<T> {
  /** @internal */
  protected override makeItems(_options: NameOptions | undefined): Items<T> {
    return new Lifo()
  }
}
