/**
 * Universal event: set and waited for by tasks of any kernel, by host code and, through a link, by
 * other threads.
 */
import { WaiterQueue } from '../../kernel/protocol/fifo.js'
import { type LinkPort, linkTo } from './link.js'
import { Universal, type Waiter } from './universal.js'

/**
 * An event that tasks of any kernel, host code and, through a link, other threads set and wait for.
 *
 * @example
 * import { run, UniversalEvent } from 'drupe'
 *
 * const ready = new UniversalEvent()
 * setTimeout(() => ready.set(), 1) // host code sets it
 * await Promise.all([
 *   run(() => ready.wait()), // a task waits
 *   ready.wait(), // host code waits
 * ])
 * console.log(ready.isSet) // => true
 * @see https://curio.readthedocs.io/en/latest/reference.html#UniversalEvent
 */
export class UniversalEvent {
  private flag = false
  private readonly waiters = new WaiterQueue<Waiter<void>>()
  private readonly watchers = new Set<(isSet: boolean) => void>()

  /** Whether it is set. */
  get isSet(): boolean {
    return this.flag
  }

  /**
   * Waits until it is set; not at all if it is. If a task is cancelled while it waits, it waits no
   * longer.
   */
  wait(): Universal<void> {
    return new Universal<void>((resolve, reject) => {
      if (!this.flag) return this.waiters.join({ resolve, reject })
      resolve()
      return undefined
    })
  }

  /** Sets it, from anywhere in this thread; all that wait go on. */
  set(): void {
    this.change(true)
    for (let one = this.waiters.take(); one !== undefined; one = this.waiters.take()) one.resolve()
  }

  /** Clears it: tasks and host code wait from now on. */
  clear(): void {
    this.change(false)
  }

  /** Returns the current figures. */
  statistics(): { readonly isSet: boolean; readonly waiting: number } {
    return { isSet: this.flag, waiting: this.waiters.size }
  }

  /**
   * Makes a link for another thread: a MessagePort to be transferred, of which `linkedEvent` makes
   * an event there. Messages go through the host's event loop: while a blocking run has this
   * thread, the other one waits.
   */
  link(): LinkPort {
    return linkTo({
      calls: { wait: () => this.wait() },
      casts: { set: () => this.set(), clear: () => this.clear() },
      news: (tell) => {
        tell(this.flag)
        this.watchers.add(tell)
        return () => this.watchers.delete(tell)
      },
    })
  }

  private change(flag: boolean): void {
    if (this.flag === flag) return
    this.flag = flag
    for (const tell of this.watchers) tell(flag)
  }
}
