/**
 * The virtual driver: a clock that only moves when all tasks wait.
 *
 * To sleep is to jump to the next alarm, so a test that sleeps for a week takes no time and always
 * the same steps. Nothing outside could wake it, so a wait without an alarm returns at once, and
 * the blocking runner reports the deadlock.
 */

import { setTimeout } from '../protocol/host-functions.js'
import { checkTime } from '../protocol/operands.js'
import type { Attachment, Driver } from './contract.js'
import { TimersOnlyDriver } from './timers-only.js'

/**
 * A driver for tests, on virtual time.
 *
 * @example
 * import { Kernel, sleep } from 'drupe'
 * import { VirtualDriver } from 'drupe/testing'
 *
 * const driver = new VirtualDriver()
 * const kernel = new Kernel({ driver })
 * kernel.runSync(() => sleep(3_600_000))
 * console.log(driver.now()) // => 3600000
 * kernel.closeSync()
 */
export class VirtualDriver extends TimersOnlyDriver implements Driver {
  readonly name: string = 'virtual'
  private time = 0
  private turn: (() => void) | null = null
  private scheduled = false

  now(): number {
    return this.time
  }

  /**
   * Moves the clock forward and runs nothing; timers in between are due at the next poll.
   *
   * @param ms Milliseconds, 0 or more.
   */
  advance(ms: number): void {
    this.time += checkTime('advance the clock', 'ms', ms)
  }

  poll(wait: boolean): void {
    if (wait && this.alarm !== Number.POSITIVE_INFINITY && this.alarm > this.time) this.time = this.alarm
  }

  /** In guest mode the host's other work comes first, then the clock jumps. */
  override arm(at: number): void {
    super.arm(at)
    if (at !== Number.POSITIVE_INFINITY) this.schedule()
  }

  attach(turn: () => void): Attachment {
    this.turn = turn
    return { schedule: () => this.schedule(), ref: () => {}, unref: () => {}, close: () => this.close() }
  }

  close(): void {
    this.turn = null
  }

  private schedule(): void {
    if (this.turn === null || this.scheduled) return
    this.scheduled = true
    setTimeout(() => {
      this.scheduled = false
      if (this.turn === null) return
      this.poll(true)
      this.turn()
    }, 0)
  }
}
