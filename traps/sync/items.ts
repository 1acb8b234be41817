/**
 * Where queues keep their items: in the order of arrival (`Fifo`), the last one first, or the least one first.
 *
 * Three shapes of one small contract, so that the queue above them says everything about waiting and nothing about
 * order.
 */

/** @internal */
export interface Items<T> {
  readonly size: number
  add(item: T): void
  /** The next one. The caller knows that there is one. */
  take(): T
  clear(): void
}

/** @internal Last in, first out. */
export class Lifo<T> implements Items<T> {
  private readonly stack: T[] = []

  get size(): number {
    return this.stack.length
  }

  add(item: T): void {
    this.stack.push(item)
  }

  take(): T {
    return this.stack.pop() as T
  }

  clear(): void {
    this.stack.length = 0
  }
}

interface Ranked<T> {
  readonly item: T
  readonly order: number
}

/**
 * @internal The least first; equal ones in the order of arrival. A binary heap.
 *
 * The comparison is the user's and may throw. So each step first compares and then moves: one that
 * fails has moved nothing.
 */
export class Heap<T> implements Items<T> {
  private readonly heap: Ranked<T>[] = []
  private order = 0

  constructor(private readonly compare: (a: T, b: T) => number) {}

  get size(): number {
    return this.heap.length
  }

  add(item: T): void {
    this.rise({ item, order: this.order++ })
  }

  take(): T {
    const { heap } = this
    const first = heap[0] as Ranked<T>
    const last = heap.length - 1
    let entry = heap[last] as Ranked<T>
    // Those above the place of the last one move up by one, the first one out.
    for (let at = this.placeOf(entry, last); ; at = (at - 1) >> 1) {
      const above = heap[at] as Ranked<T>
      heap[at] = entry
      entry = above
      if (at === 0) break
    }
    heap.length = last
    return first.item
  }

  clear(): void {
    this.heap.length = 0
  }

  /** Puts an entry where it belongs on the way up from the end. */
  private rise(entry: Ranked<T>): void {
    const { heap } = this
    let place = heap.length
    while (place > 0) {
      const above = (place - 1) >> 1
      if (!this.isBefore(entry, heap[above] as Ranked<T>)) break
      place = above
    }
    for (let at = heap.length; at > place; at = (at - 1) >> 1) heap[at] = heap[(at - 1) >> 1] as Ranked<T>
    heap[place] = entry
  }

  /** Where on the way down from the top an entry belongs, among the first `count`, when the first one is gone. */
  private placeOf(entry: Ranked<T>, count: number): number {
    const { heap } = this
    let at = 0
    for (let below = 1; below < count; below = at * 2 + 1) {
      if (below + 1 < count && this.isBefore(heap[below + 1] as Ranked<T>, heap[below] as Ranked<T>)) below++
      if (!this.isBefore(heap[below] as Ranked<T>, entry)) break
      at = below
    }
    return at
  }

  private isBefore(a: Ranked<T>, b: Ranked<T>): boolean {
    const order = this.compare(a.item, b.item)
    return order === 0 ? a.order < b.order : order < 0
  }
}
