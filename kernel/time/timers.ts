/**
 * Timers: everything that has a time, in the order of its time.
 *
 * There are two structures, each for what it does best. A timer that is later than all in the
 * *ordered* ring is appended to it: constant time, and the common case. Any other goes into the
 * *heap*. The next timer is the earlier of the two fronts. Removing a timer needs no search, and
 * costs next to nothing for one that was set last: a timeout that did not run out. Equal times fire
 * in the order in which they were set.
 */
import { TimerHeap } from './heap.js'
import { OrderedTimers, slotOf } from './ordered.js'

/** What can be given a time: `timerIndex` is −1 without one, and otherwise says where it is. */
export interface Timed {
  /** @internal */
  timerIndex: number
}

export class Timers<T extends Timed> {
  private readonly ordered = new OrderedTimers<T>()
  private readonly heap = new TimerHeap<T>()
  private sequence = 0

  get size(): number {
    return this.ordered.size + this.heap.size
  }

  /** The earliest time, or Infinity. */
  get next(): number {
    const { ordered, heap } = this
    if (this.size === 0) return Number.POSITIVE_INFINITY
    return this.orderedIsFirst() ? ordered.firstTime : heap.firstTime
  }

  /** Gives an entry a time, instead of the one that it may have. */
  set(entry: T, at: number): void {
    if (entry.timerIndex !== -1) this.remove(entry)
    if (this.ordered.accepts(at)) this.ordered.append(entry, at, this.sequence++)
    else this.heap.add(entry, at, this.sequence++)
  }

  /** Takes an entry's time away, if it has one. */
  remove(entry: T): void {
    const index = entry.timerIndex
    if (index >= 0) this.heap.removeAt(index)
    else if (slotOf(index) >= 0) this.ordered.remove(entry)
  }

  /** Takes out the earliest entry if its time has come. */
  due(now: number): T | null {
    if (this.size === 0) return null
    const { ordered, heap } = this
    if (this.orderedIsFirst()) return ordered.firstTime <= now ? ordered.take() : null
    return heap.firstTime <= now ? heap.take() : null
  }

  private orderedIsFirst(): boolean {
    const { ordered, heap } = this
    if (ordered.size === 0) return false
    if (heap.size === 0) return true
    if (ordered.firstTime !== heap.firstTime) return ordered.firstTime < heap.firstTime
    return ordered.firstOrder < heap.firstOrder
  }
}
