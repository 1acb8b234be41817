/**
 * Where queues keep their items: in the order of arrival (`Fifo`), the last one first, or the least
 * one first.
 *
 * Three shapes of one small contract: the queue above them knows about waiting, and nothing about
 * order.
 */

export interface Items<T> {
  readonly size: number
  add(item: T): void
  /** Takes the next one. The caller knows that there is one. */
  take(): T
  /** Puts back what was taken: it is the next again. */
  putBack(item: T): void
  /** Takes out one that was added, of equal ones the last; false if it is not there any more. */
  remove(item: T): boolean
  clear(): void
}

/** Last in, first out. */
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

  putBack(item: T): void {
    this.stack.push(item)
  }

  remove(item: T): boolean {
    const at = this.stack.lastIndexOf(item)
    if (at >= 0) this.stack.splice(at, 1)
    return at >= 0
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
 * The least first; equal ones in the order of arrival. A binary heap.
 *
 * The comparison is the user's and may throw. So each step first compares and then moves: one that
 * fails has moved nothing.
 */
export class Heap<T> implements Items<T> {
  private readonly heap: Ranked<T>[] = []
  private order = 0
  /** What was put back comes before its equals. */
  private before = 0

  constructor(private readonly compare: (a: T, b: T) => number) {}

  get size(): number {
    return this.heap.length
  }

  add(item: T): void {
    this.rise({ item, order: this.order++ })
  }

  putBack(item: T): void {
    const entry = { item, order: --this.before }
    try {
      this.rise(entry)
    } catch {
      // It cannot be compared any more. It must not be lost; where it stands does not matter then.
      this.heap.push(entry)
    }
  }

  remove(item: T): boolean {
    const { heap } = this
    let found = -1
    heap.forEach((entry, at) => {
      if (entry.item === item && entry.order > (heap[found]?.order ?? Number.NEGATIVE_INFINITY)) found = at
    })
    if (found < 0) return false
    // In order it is a heap again, whatever was taken out.
    const rest = heap.filter((_, at) => at !== found).sort((a, b) => (this.isBefore(a, b) ? -1 : 1))
    heap.splice(0, heap.length, ...rest)
    return true
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

  /**
   * Where on the way down from the top an entry belongs, among the first `count`, when the first
   * one is gone.
   */
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
