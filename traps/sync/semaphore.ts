/**
 * Semaphores: a number of permits that tasks take and give back, not necessarily the same ones.
 *
 * A permit that is released while tasks wait goes to the one that has waited for longest and is
 * never in the count.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { KernelStateError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { checkCount, checkLimit, checkOptions, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { during, type NameOptions, titleOf, waitIn } from './atomic.js'

/** How a semaphore behaves. */
export interface SemaphoreOptions extends NameOptions {
  /** More permits than this it never has; giving back one more is an error. Default: no limit. */
  readonly max?: number | undefined
}

/** The figures of a semaphore. */
export interface SemaphoreStatistics {
  /** Permits that are there. */
  readonly value: number
  /** Infinity for no limit. */
  readonly max: number
  /** Tasks that wait for one. */
  readonly waiting: number
}

/**
 * A number of permits. To limit how many tasks do something at once, a `CapacityLimiter` is the
 * better tool: it knows the borrowers.
 *
 * @example
 * import { Semaphore, nursery, run, sleep } from 'drupe'
 *
 * await run(function* () {
 *   const permits = new Semaphore(2)
 *   let inside = 0
 *   let most = 0
 *   yield* nursery(function* (n) {
 *     for (let i = 0; i < 5; i++) {
 *       yield* n.spawn(() => permits.with(function* () {
 *         most = Math.max(most, ++inside)
 *         yield* sleep(1)
 *         inside--
 *       }))
 *     }
 *   })
 *   console.log(most) // => 2
 * })
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.Semaphore
 */
export class Semaphore {
  private readonly title: string
  private readonly max: number
  private permits: number
  private readonly waiters: WaitQueue
  private releasing: Trap<void> | null = null
  private trying: Trap<boolean> | null = null

  /**
   * @param value How many permits there are at first; 0 or more.
   * @param options `name`, and `max`: how many there may be.
   * @throws RangeError if `value` or `max` is no whole number from 0 on, or `max` is less than
   * `value`.
   */
  constructor(value: number, options?: SemaphoreOptions) {
    this.title = titleOf('semaphore', options)
    this.permits = checkCount('make a semaphore', 'value', value, 0)
    this.max = checkLimit('make a semaphore', 'max', options?.max ?? Number.POSITIVE_INFINITY, value)
    this.waiters = new WaitQueue(
      `acquire the ${this.title}`,
      () => {
        if (this.permits === 0) return WAIT
        this.permits--
        return undefined
      },
      (_task, _trap, _nothing, resumer) => this.putBack(resumer),
    )
  }

  /** How many permits are there. */
  get value(): number {
    return this.permits
  }

  /**
   * Takes a permit; waits until there is one. If the task is cancelled while it waits, it has taken
   * none: a permit that it was just given goes to the next one.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled, also when there is a permit.
   * @throws TimeoutError if it did not get one within `timeout`.
   */
  acquire(options?: WaitOptions): Trap<void> {
    return waitIn('acquire', this.waiters, options)
  }

  /**
   * Takes a permit if there is one; returns whether it did. Does not wait, and is no cancellation
   * point.
   */
  tryAcquire(): Trap<boolean> {
    this.trying ??= atomically(Semaphore.try, this)
    return tracked('tryAcquire', this.trying)
  }

  /**
   * Gives a permit back; it goes straight to the task that has waited for longest. Any task may.
   * Does not wait.
   *
   * @throws KernelStateError if there are `max` already.
   */
  release(): Trap<void> {
    this.releasing ??= atomically(Semaphore.give, this)
    return tracked('release', this.releasing)
  }

  /**
   * Runs an operation with a permit, and gives it back whatever happens.
   *
   * @param op The operation, or a function that returns one.
   * @throws what `acquire` throws, or the operation.
   */
  with<T>(op: Op<T>): Operation<T> {
    return during(this.acquire(), op, () => this.release())
  }

  /** Returns the current figures. */
  statistics(): SemaphoreStatistics {
    return { value: this.permits, max: this.max, waiting: this.waiters.length }
  }

  private putBack(resumer: Resumer): true {
    const next = this.waiters.head
    if (next !== null) resumer.wake(next, undefined)
    else this.permits++
    return true
  }

  private static try(this: void, _task: Task, { detail }: Trap<unknown>): boolean {
    const semaphore = detail as Semaphore
    if (semaphore.permits === 0) return false
    semaphore.permits--
    return true
  }

  private static give(this: void, task: Task, { detail }: Trap<unknown>, resumer: Resumer): void {
    const semaphore = detail as Semaphore
    if (semaphore.waiters.head === null && semaphore.permits === semaphore.max) {
      throw new KernelStateError(
        `release the ${semaphore.title}`,
        `${String(task)} gives a permit too many; it has all its ${semaphore.max}`,
      )
    }
    semaphore.putBack(resumer)
  }
}

/**
 * A semaphore that never has more permits than it had at first: giving back one too many is an
 * error, not a leak.
 *
 * @example
 * import { BoundedSemaphore, run } from 'drupe'
 *
 * await run(function* () {
 *   const permits = new BoundedSemaphore(1)
 *   yield* permits.acquire()
 *   yield* permits.release()
 *   try {
 *     yield* permits.release()
 *   } catch (error) {
 *     console.log((error as Error).name) // => KernelStateError
 *   }
 * })
 * @see https://docs.python.org/3/library/asyncio-sync.html#boundedsemaphore
 */
export class BoundedSemaphore extends Semaphore {
  /**
   * @param value How many permits there are; 0 or more.
   * @param options `name`: what it is called in messages.
   * @throws RangeError if `value` is no whole number from 0 on.
   */
  constructor(value: number, options?: NameOptions) {
    super(
      value,
      options === undefined ? { max: value } : { ...checkOptions('make a semaphore', 'options', options), max: value },
    )
  }
}
