/**
 * Timers: everything that has a time, in the order of its time.
 *
 * A four-way heap in three parallel arrays (time, sequence, entry). The times sit in one flat Float64Array, so a comparison
 * touches no object; four children share a cache line. An entry knows its place (`timerIndex`), so that cancelling is a
 * removal and not a search, and costs next to nothing for the timer that was set last: the common case, a timeout that did
 * not expire. Equal times fire in the order in which they were set.
 */

/** @internal What can be given to the heap: it has at most one timer, and `timerIndex` is −1 without one. */
export interface Timed {
  timerIndex: number
}

/** @internal */
export class Timers<T extends Timed> {
  private times = new Float64Array(64)
  private order = new Float64Array(64)
  private entries: (T | null)[] = new Array<T | null>(64).fill(null)
  private count = 0
  private sequence = 0

  get size(): number {
    return this.count
  }

  /** The earliest time, or Infinity. */
  get next(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.times[0] as number)
  }

  set(entry: T, at: number): void {
    if (entry.timerIndex >= 0) this.remove(entry)
    if (this.count === this.entries.length) this.grow()
    this.up(this.count++, entry, at, this.sequence++)
  }

  remove(entry: T): void {
    const index = entry.timerIndex
    if (index < 0) return
    entry.timerIndex = -1
    const last = --this.count
    const moved = this.entries[last] as T
    this.entries[last] = null
    if (index === last) return
    const at = this.times[last] as number
    const order = this.order[last] as number
    if (index > 0 && this.before(at, order, (index - 1) >> 2)) this.up(index, moved, at, order)
    else this.down(index, moved, at, order)
  }

  /** Takes out the earliest entry if its time has come. */
  due(now: number): T | null {
    if (this.count === 0 || (this.times[0] as number) > now) return null
    const entry = this.entries[0] as T
    this.remove(entry)
    return entry
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

  private up(from: number, entry: T, at: number, order: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 2
      if (!this.before(at, order, parent)) break
      this.place(index, this.entries[parent] as T, this.times[parent] as number, this.order[parent] as number)
      index = parent
    }
    this.place(index, entry, at, order)
  }

  private down(from: number, entry: T, at: number, order: number): void {
    const { times, count } = this
    let index = from
    for (;;) {
      const first = index * 4 + 1
      if (first >= count) break
      const end = Math.min(first + 4, count)
      let least = first
      for (let child = first + 1; child < end; child++) {
        const time = times[child] as number
        if (this.before(time, this.order[child] as number, least)) least = child
      }
      if (this.before(at, order, least)) break
      this.place(index, this.entries[least] as T, times[least] as number, this.order[least] as number)
      index = least
    }
    this.place(index, entry, at, order)
  }

  private grow(): void {
    const size = this.entries.length * 2
    const times = new Float64Array(size)
    times.set(this.times)
    const order = new Float64Array(size)
    order.set(this.order)
    this.times = times
    this.order = order
    for (let i = this.count; i < size; i++) this.entries.push(null)
  }
}
