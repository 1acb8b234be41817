/**
 * Event: a flag that tasks can wait for.
 *
 * Setting it wakes all tasks that wait, and until it is cleared no task waits.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { Task } from '../../kernel/protocol/handles.js'
import type { WaitOptions } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { type NameOptions, titleOf, waitIn, wakeAll } from './atomic.js'

/** The figures of an event. */
export interface EventStatistics {
  /** Whether it is set. */
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

  /**
   * Makes an event that is not set.
   *
   * @param options `name`: what it is called in messages.
   */
  constructor(options?: NameOptions) {
    this.waiters = new WaitQueue(`wait for the ${titleOf('event', options)}`, () => (this.flag ? undefined : WAIT))
  }

  /** Whether it is set. */
  get isSet(): boolean {
    return this.flag
  }

  /**
   * Waits until the event is set; not at all if it is. A task that was woken stays so, even if the
   * event is cleared before it runs.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   * @throws TimeoutError if it was not set within `timeout`.
   */
  wait(options?: WaitOptions): Trap<void> {
    return waitIn('wait', this.waiters, options)
  }

  /** Sets it and wakes all tasks that wait. Does not wait. */
  set(): Trap<void> {
    this.setting ??= atomically(Event.set, this)
    return tracked('set', this.setting)
  }

  /** Clears it: tasks wait from now on. It is a plain call and no trap. */
  clear(): void {
    this.flag = false
  }

  /** Returns the current figures. */
  statistics(): EventStatistics {
    return { isSet: this.flag, waiting: this.waiters.length }
  }

  private static set(this: void, _task: Task, { detail }: Trap<unknown>, resumer: Resumer): void {
    const event = detail as Event
    event.flag = true
    wakeAll(resumer, event.waiters, undefined)
  }
}
