/**
 * Barrier: no task goes on before so many are there.
 *
 * A task that is cancelled while it waits is not counted any more; the others wait for another one.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError } from '../../kernel/protocol/errors.js'
import { checkCount, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { failAll, type NameOptions, titleOf, waitIn } from './atomic.js'

/** The figures of a barrier. */
export interface BarrierStatistics {
  /** How many have to come. */
  readonly parties: number
  /** How many are there. */
  readonly waiting: number
  /** Whether it was aborted. */
  readonly broken: boolean
}

/**
 * A place where tasks wait for each other; used again and again.
 *
 * @example
 * import { Barrier, nursery, run, sleep } from 'drupe'
 *
 * await run(function* () {
 *   const start = new Barrier(3)
 *   const log: string[] = []
 *   yield* nursery(function* (n) {
 *     for (const ms of [1, 2, 3]) {
 *       yield* n.spawn(function* () {
 *         yield* sleep(ms)
 *         log.push('ready')
 *         yield* start.wait()
 *         log.push('go')
 *       })
 *     }
 *   })
 *   console.log(log.join(' ')) // => ready ready ready go go go
 * })
 * @see https://docs.python.org/3/library/asyncio-sync.html#barrier
 */
export class Barrier {
  /** How many have to come. */
  readonly parties: number
  private readonly title: string
  private readonly waiters: WaitQueue
  private aborted = false

  /**
   * @param parties How many tasks have to come; 1 or more.
   * @param options `name`: what it is called in messages.
   * @throws RangeError if `parties` is no whole number from 1 on.
   */
  constructor(parties: number, options?: NameOptions) {
    this.parties = checkCount('make a barrier', 'parties', parties, 1)
    this.title = titleOf('barrier', options)
    this.waiters = new WaitQueue(`wait at the ${this.title}`, (_task, _trap, resumer) => {
      if (this.aborted) throw this.broke()
      const place = this.waiters.length
      if (place + 1 < this.parties) return WAIT
      let i = 0
      for (let task = this.waiters.head; task !== null; task = this.waiters.head) resumer.wake(task, i++)
      return place
    })
  }

  /** Whether it was aborted. */
  get broken(): boolean {
    return this.aborted
  }

  /**
   * Waits until all are there, and returns the place in the order of arrival, from 0. If the task
   * is cancelled while it waits, it is not counted any more.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   * @throws TimeoutError if they were not all there within `timeout`.
   * @throws BrokenError if the barrier is aborted.
   */
  wait(options?: WaitOptions): Trap<number> {
    return waitIn('wait', this.waiters, options)
  }

  /**
   * Throws a BrokenError into all that wait, and into all that come, until `reset`. Does not wait.
   */
  abort(): Trap<void> {
    return tracked(
      'abort',
      atomically((_task, _trap, resumer) => {
        this.aborted = true
        failAll(resumer, this.waiters, () => this.broke())
      }, this),
    )
  }

  /**
   * Makes it new after an abort; tasks that wait at a barrier that is whole are left alone. It is a
   * plain call and no trap.
   */
  reset(): void {
    this.aborted = false
  }

  /** Returns the current figures. */
  statistics(): BarrierStatistics {
    return { parties: this.parties, waiting: this.waiters.length, broken: this.aborted }
  }

  private broke(): BrokenError {
    return new BrokenError(`wait at the ${this.title}`, 'it was aborted')
  }
}
