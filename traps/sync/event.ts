/**
 * Event: a flag that tasks can wait for.
 *
 * Setting it lets everybody go who waits, and everybody who comes later, until it is cleared.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { Task } from '../../kernel/protocol/handles.js'
import type { WaitOptions } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { type NameOptions, titleOf, waitIn, wakeAll } from './atomic.js'

/** What an event has in hand. */
export interface EventStatistics {
  readonly isSet: boolean
  /** Tasks that wait for it. */
  readonly waiting: number
}

/**
 * A flag that tasks can wait for.
 *
 * @example
 * import { Event, run, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const ready = new Event()
 *   const waiter = yield* spawn(function* () {
 *     yield* ready.wait()
 *     return 'on my way'
 *   })
 *   yield* ready.set()
 *   console.log(yield* waiter.join()) // => on my way
 * })
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.Event
 */
export class Event {
  private flag = false
  private readonly waiters: WaitQueue
  private setting: Trap<void> | null = null

  constructor(options?: NameOptions) {
    this.waiters = new WaitQueue(`wait for the ${titleOf('event', options)}`, () => (this.flag ? undefined : WAIT))
  }

  /** Is it set? */
  get isSet(): boolean {
    return this.flag
  }

  /**
   * Waits until the event is set; not at all if it is. A task that was let go is let go, even if the event is cleared
   * before it runs.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   * @throws TimeoutError if it was not set within `timeout`.
   */
  wait(options?: WaitOptions): Trap<void> {
    return waitIn('wait', this.waiters, options)
  }

  /** Sets it and lets all go that wait. Does not wait. */
  set(): Trap<void> {
    this.setting ??= atomically(Event.set, this)
    return tracked('set', this.setting)
  }

  /** Clears it: who comes from now on waits. A plain call, no trap. */
  clear(): void {
    this.flag = false
  }

  /** What is in hand right now. */
  statistics(): EventStatistics {
    return { isSet: this.flag, waiting: this.waiters.length }
  }

  private static set(this: void, _task: Task, { detail }: Trap<unknown>, resumer: Resumer): void {
    const event = detail as Event
    event.flag = true
    wakeAll(resumer, event.waiters, undefined)
  }
}
