/**
 * A heap of things with a time; the general half of the timers (timers.ts).
 *
 * Four children to a node, in three parallel arrays (time, sequence, entry): the times are in one
 * flat Float64Array, so a comparison touches no object, and four siblings share a cache line. An
 * entry knows its place (`timerIndex`), so that removing it is no search. Equal times come out in
 * the order of their sequence numbers.
 */
import type { Timed } from './timers.js'

export class TimerHeap<T extends Timed> {
  /** How many entries there are. */
  size = 0
  private times = new Float64Array(64)
  private order = new Float64Array(64)
  private entries: (T | null)[] = new Array<T | null>(64).fill(null)

  /** The earliest time; only of a heap that is not empty. */
  get firstTime(): number {
    return this.times[0] as number
  }

  get firstOrder(): number {
    return this.order[0] as number
  }

  add(entry: T, at: number, order: number): void {
    if (this.size === this.entries.length) this.grow()
    this.up(this.size++, entry, at, order)
  }

  take(): T {
    const entry = this.entries[0] as T
    this.removeAt(0)
    return entry
  }

  removeAt(index: number): void {
    const entry = this.entries[index] as T
    entry.timerIndex = -1
    const last = --this.size
    const moved = this.entries[last] as T
    this.entries[last] = null
    if (index === last) return
    const at = this.times[last] as number
    const order = this.order[last] as number
    if (index > 0 && this.before(at, order, (index - 1) >> 2)) this.up(index, moved, at, order)
    else this.down(index, moved, at, order)
  }

  private before(at: number, order: number, index: number): boolean {
    const other = this.times[index] as number
    return at < other || (at === other && order < (this.order[index] as number))
  }

  private place(index: number, entry: T, at: number, order: number): void {
    this.times[index] = at
    this.order[index] = order
    this.entries[index] = entry
    entry.timerIndex = index
  }

  private move(from: number, to: number): void {
    this.place(to, this.entries[from] as T, this.times[from] as number, this.order[from] as number)
  }

  private up(from: number, entry: T, at: number, order: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 2
      if (!this.before(at, order, parent)) break
      this.move(parent, index)
      index = parent
    }
    this.place(index, entry, at, order)
  }

  private down(from: number, entry: T, at: number, order: number): void {
    let index = from
    for (;;) {
      const first = index * 4 + 1
      if (first >= this.size) break
      const end = Math.min(first + 4, this.size)
      let least = first
      for (let child = first + 1; child < end; child++) {
        if (this.before(this.times[child] as number, this.order[child] as number, least)) least = child
      }
      if (this.before(at, order, least)) break
      this.move(least, index)
      index = least
    }
    this.place(index, entry, at, order)
  }

  private grow(): void {
    const size = this.entries.length * 2
    this.times = enlarged(this.times, size)
    this.order = enlarged(this.order, size)
    while (this.entries.length < size) this.entries.push(null)
  }
}

function enlarged(array: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const next = new Float64Array(size)
  next.set(array)
  return next
}
