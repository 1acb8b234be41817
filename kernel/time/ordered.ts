/**
 * Timers that were set in the order of their times; the fast half of the timers (timers.ts).
 *
 * Most timers of a program have one of few durations, so most new ones are later than all before
 * them. Those need no heap: they are appended to a ring and taken from its front. A removed timer
 * leaves a hole. Holes at either end go at once; a full ring that is mostly holes is packed and not
 * enlarged.
 */
import type { Timed } from './timers.js'

/** Entries here have a `timerIndex` of −2 or less, those of the heap one of 0 or more. */
export const slotOf = (timerIndex: number): number => -2 - timerIndex

export class OrderedTimers<T extends Timed> {
  /** How many entries there are, without the holes. */
  size = 0
  private times = new Float64Array(64)
  private order = new Float64Array(64)
  private entries: (T | null)[] = new Array<T | null>(64).fill(null)
  private mask = 63
  /**
   * Counters; the slot is what the mask leaves of them. The slots at `head` and before `tail` are
   * never holes.
   */
  private head = 0
  private tail = 0

  /** The earliest time; only if there is an entry. */
  get firstTime(): number {
    return this.times[this.head & this.mask] as number
  }

  get firstOrder(): number {
    return this.order[this.head & this.mask] as number
  }

  /** Can a timer with this time be appended? */
  accepts(at: number): boolean {
    return this.size === 0 || at >= (this.times[(this.tail - 1) & this.mask] as number)
  }

  append(entry: T, at: number, order: number): void {
    if (this.tail - this.head > this.mask) this.makeRoom()
    const slot = this.tail++ & this.mask
    this.times[slot] = at
    this.order[slot] = order
    this.entries[slot] = entry
    entry.timerIndex = -2 - slot
    this.size++
  }

  take(): T {
    const entry = this.entries[this.head & this.mask] as T
    this.remove(entry)
    return entry
  }

  remove(entry: T): void {
    this.entries[slotOf(entry.timerIndex)] = null
    entry.timerIndex = -1
    if (--this.size === 0) {
      this.head = this.tail = 0
      return
    }
    while (this.entries[this.head & this.mask] === null) this.head++
    while (this.entries[(this.tail - 1) & this.mask] === null) this.tail--
  }

  /**
   * Packs the ring, or doubles it if it is more than half full; entries that keep their slot are
   * not touched.
   */
  private makeRoom(): void {
    const { times, order, entries, mask, head, tail } = this
    const length = this.size > entries.length / 2 ? entries.length * 2 : entries.length
    this.times = new Float64Array(length)
    this.order = new Float64Array(length)
    this.entries = new Array<T | null>(length).fill(null)
    this.mask = length - 1
    this.tail = head
    for (let i = head; i < tail; i++) {
      const from = i & mask
      const entry = entries[from] as T | null
      if (entry === null) continue
      const to = this.tail++ & this.mask
      this.times[to] = times[from] as number
      this.order[to] = order[from] as number
      this.entries[to] = entry
      if (entry.timerIndex !== -2 - to) entry.timerIndex = -2 - to
    }
  }
}
