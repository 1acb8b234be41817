/**
 * First come, first served: a ring, and a queue of waiters that can be left in the middle.
 *
 * All queues but those of tasks (wait-queue.ts) are one of the two, because both take constant
 * time, whatever their length. An array's `shift()` moves all that is left once there are some ten
 * thousand. A Set finds its first element behind all that were deleted before it.
 */

/** First in, first out: a ring whose size is a power of two. */
export class Fifo<T> {
  private ring: (T | undefined)[] = new Array<T | undefined>(8).fill(undefined)
  private head = 0
  private count = 0

  get size(): number {
    return this.count
  }

  /** The next item, which stays; undefined if there is none. */
  get first(): T | undefined {
    return this.ring[this.head]
  }

  /** Puts another item in the place of the next. The caller knows that there is one. */
  set first(item: T) {
    this.ring[this.head] = item
  }

  add(item: T): void {
    if (this.count === this.ring.length) this.grow()
    this.ring[(this.head + this.count++) & (this.ring.length - 1)] = item
  }

  /** Puts an item back in front of all others. */
  putBack(item: T): void {
    if (this.count === this.ring.length) this.grow()
    this.head = (this.head - 1) & (this.ring.length - 1)
    this.ring[this.head] = item
    this.count++
  }

  /** Takes out the last item that is the same; false if there is none. */
  remove(item: T): boolean {
    const { ring, head } = this
    const mask = ring.length - 1
    // From the end: what is taken out again has mostly just come.
    let at = this.count - 1
    while (at >= 0 && ring[(head + at) & mask] !== item) at--
    if (at < 0) return false
    for (this.count--; at < this.count; at++) ring[(head + at) & mask] = ring[(head + at + 1) & mask]
    ring[(head + at) & mask] = undefined
    return true
  }

  /** Takes out the next item. The caller knows that there is one. */
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

  /** All items, in their order. */
  *[Symbol.iterator](): Iterator<T, undefined> {
    for (let i = 0; i < this.count; i++) yield this.ring[(this.head + i) & (this.ring.length - 1)] as T
  }

  private grow(): void {
    const { ring, head, count } = this
    const next = new Array<T | undefined>(ring.length * 2).fill(undefined)
    for (let i = 0; i < count; i++) next[i] = ring[(head + i) & (ring.length - 1)]
    this.ring = next
    this.head = 0
  }
}

/** A place in the queue. The queue's own end is one too, so that no place is a special case. */
interface Place<W> {
  previous: Place<W>
  next: Place<W>
  /** Undefined at the queue's end, and in a place that was left. */
  waiter: W | undefined
}

/** Waiters in the order in which they came. Each can leave, from wherever it is. */
export class WaiterQueue<W extends object> {
  private readonly end: Place<W>
  private count = 0

  constructor() {
    const end = { waiter: undefined } as Place<W>
    end.previous = end.next = end
    this.end = end
  }

  get size(): number {
    return this.count
  }

  /**
   * Joins the queue. The function that it returns leaves it, and holds nothing any more afterwards.
   */
  join(waiter: W): () => void {
    const { end } = this
    const place: Place<W> = { previous: end.previous, next: end, waiter }
    place.previous.next = place
    end.previous = place
    this.count++
    return () => this.leave(place)
  }

  /** Takes out the first waiter; undefined if there is none. */
  take(): W | undefined {
    const place = this.end.next
    const { waiter } = place
    this.leave(place)
    return waiter
  }

  private leave(place: Place<W>): void {
    if (place.waiter === undefined) return
    place.waiter = undefined
    place.previous.next = place.next
    place.next.previous = place.previous
    place.previous = place.next = place
    this.count--
  }
}
