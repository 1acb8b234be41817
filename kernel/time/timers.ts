/**
 * Timers: everything that has a time, in the order of its time.
 *
 * Two structures, each for what it does best. A timer that is later than all in the *run* is appended to it: constant time,
 * and the common case. Any other goes into the *heap*. The next timer is the earlier of the two fronts. Cancelling is a
 * removal and not a search, and costs next to nothing for a timer set last: a timeout that did not run out. Equal times
 * fire in the order in which they were set.
 */
import { TimerHeap } from './heap.js'
import { slotOf, TimerRun } from './ordered.js'

/** What can be given a time: `timerIndex` is −1 without one, and otherwise says where it is. */
export interface Timed {
  /** @internal */
  timerIndex: number
}

export class Timers<T extends Timed> {
  private readonly run = new TimerRun<T>()
  private readonly heap = new TimerHeap<T>()
  private sequence = 0

  get size(): number {
    return this.run.size + this.heap.size
  }

  /** The earliest time, or Infinity. */
  get next(): number {
    const { run, heap } = this
    if (this.size === 0) return Number.POSITIVE_INFINITY
    return this.runIsFirst() ? run.firstTime : heap.firstTime
  }

  /** Gives an entry a time, instead of the one that it may have. */
  set(entry: T, at: number): void {
    if (entry.timerIndex !== -1) this.remove(entry)
    if (this.run.accepts(at)) this.run.append(entry, at, this.sequence++)
    else this.heap.add(entry, at, this.sequence++)
  }

  /** Takes an entry's time away, if it has one. */
  remove(entry: T): void {
    const index = entry.timerIndex
    if (index >= 0) this.heap.removeAt(index)
    else if (slotOf(index) >= 0) this.run.remove(entry)
  }

  /** Takes out the earliest entry if its time has come. */
  due(now: number): T | null {
    if (this.size === 0) return null
    const { run, heap } = this
    if (this.runIsFirst()) return run.firstTime <= now ? run.take() : null
    return heap.firstTime <= now ? heap.take() : null
  }

  private runIsFirst(): boolean {
    const { run, heap } = this
    if (run.size === 0) return false
    if (heap.size === 0) return true
    if (run.firstTime !== heap.firstTime) return run.firstTime < heap.firstTime
    return run.firstOrder < heap.firstOrder
  }
}
