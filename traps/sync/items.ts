/**
 * Where queues keep their items: in the order of arrival, the last one first, or the least one first.
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

/** @internal First in, first out: a ring whose size is a power of two. */
export class Fifo<T> implements Items<T> {
  private ring: (T | undefined)[] = new Array<T | undefined>(8).fill(undefined)
  private head = 0
  private count = 0

  get size(): number {
    return this.count
  }

  add(item: T): void {
    if (this.count === this.ring.length) this.grow()
    this.ring[(this.head + this.count++) & (this.ring.length - 1)] = item
  }

  /** Puts one back in front of all others. */
  addFirst(item: T): void {
    if (this.count === this.ring.length) this.grow()
    this.head = (this.head - 1) & (this.ring.length - 1)
    this.ring[this.head] = item
    this.count++
  }

  take(): T {
    const item = this.ring[this.head] as T
    // What was taken must not be held here.
    this.ring[this.head] = undefined
    this.head = (this.head + 1) & (this.ring.length - 1)
    this.count--
    return item
  }

  clear(): void {
    this.ring = new Array<T | undefined>(8).fill(undefined)
    this.head = this.count = 0
  }

  private grow(): void {
    const { ring, head, count } = this
    const next = new Array<T | undefined>(ring.length * 2).fill(undefined)
    for (let i = 0; i < count; i++) next[i] = ring[(head + i) & (ring.length - 1)]
    this.ring = next
    this.head = 0
  }
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

/** @internal The least first; equal ones in the order of arrival. A binary heap. */
export class Heap<T> implements Items<T> {
  private readonly heap: Ranked<T>[] = []
  private order = 0

  constructor(private readonly compare: (a: T, b: T) => number) {}

  get size(): number {
    return this.heap.length
  }

  add(item: T): void {
    const { heap } = this
    const entry = { item, order: this.order++ }
    let at = heap.length
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above] as Ranked<T>
      if (!this.isBefore(entry, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = entry
  }

  take(): T {
    const { heap } = this
    const first = heap[0] as Ranked<T>
    const last = heap.pop() as Ranked<T>
    if (heap.length > 0) this.sink(last)
    return first.item
  }

  clear(): void {
    this.heap.length = 0
  }

  private sink(entry: Ranked<T>): void {
    const { heap } = this
    let at = 0
    for (;;) {
      let below = at * 2 + 1
      const left = heap[below]
      const right = heap[below + 1]
      if (left === undefined) break
      if (right !== undefined && this.isBefore(right, left)) below++
      const least = heap[below] as Ranked<T>
      if (!this.isBefore(least, entry)) break
      heap[at] = least
      at = below
    }
    heap[at] = entry
  }

  private isBefore(a: Ranked<T>, b: Ranked<T>): boolean {
    const order = this.compare(a.item, b.item)
    return order === 0 ? a.order < b.order : order < 0
  }
}
