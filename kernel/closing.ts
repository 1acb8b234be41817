/**
 * The end of a kernel: all tasks are cancelled, and waited for until the grace and a little more
 * are over.
 *
 * `close` waits as a guest, `closeSync` takes the thread, and each may find the other's work half
 * done. So there is one state, one time after which tasks are given up, and one outcome for all
 * callers.
 */
import { KernelStateError } from './protocol/errors.js'
import { clearTimeout, setTimeout } from './protocol/host-functions.js'
import { PARK, SUSPEND } from './protocol/trap.js'
import { withdraw } from './schedule/abort.js'
import { cancelScope } from './schedule/cancel.js'
import { waiting } from './schedule/deadlock.js'
import type { Loop } from './schedule/loop.js'
import { type Guest, runBlocking } from './schedule/runners.js'
import { keep } from './shapes.js'
import { whereabouts } from './task/whereabouts.js'
import { showWaits } from './watch/traceback.js'

/** Milliseconds beyond the grace after which tasks are given up. */
const GIVE_UP_AFTER_MS = 1000

/** What is known of the end of one kernel. */
export class Closing {
  state: 'open' | 'closing' | 'closed' = 'open'
  private promise: Promise<void> | null = null
  /** The time after which tasks are given up. */
  private giveUpAt = 0
  /** The outcome, if tasks would not leave. */
  private failure: KernelStateError | null = null

  /** `guest` is the kernel's, once it is one; `attach` makes it one. */
  constructor(
    private readonly loop: Loop,
    private readonly guest: () => Guest | null,
    private readonly attach: () => Guest,
  ) {}

  close(): Promise<void> {
    this.promise ??= this.shutDown()
    return this.promise
  }

  closeSync(): void {
    if (this.state === 'closed') return
    if (this.loop.turning) throw new KernelStateError('close', 'this kernel is running')
    if (this.state === 'closing') {
      // Not in a `try`: if the thread cannot be taken, the close that is under way goes on.
      this.waitForAll()
      this.end()
      return
    }
    this.begin()
    this.promise = Promise.resolve()
    try {
      this.waitForAll()
    } finally {
      this.end()
    }
  }

  private async shutDown(): Promise<void> {
    // Before the cancel, which asks the host for a turn.
    const guest = this.loop.live > 0 ? this.attach() : null
    this.begin()
    if (guest !== null) {
      const { loop, giveUpAt } = this
      await new Promise<void>((resolve) => {
        const host = setTimeout(resolve, Math.min(giveUpAt - loop.driver.now() + 100, 0x7fffffff))
        guest.afterTurn = () => {
          if (loop.live > 0 && loop.driver.now() < giveUpAt) return
          clearTimeout(host)
          resolve()
        }
      })
    }
    this.end()
  }

  private waitForAll(): void {
    const { loop } = this
    if (loop.live > 0) runBlocking(loop, () => loop.live === 0, this.giveUpAt)
  }

  private begin(): void {
    const { loop } = this
    this.state = 'closing'
    cancelScope(loop, loop.root, 'the kernel is closing', false)
    this.giveUpAt = loop.driver.now() + loop.grace + GIVE_UP_AFTER_MS
  }

  /** Once: a `closeSync` may have brought to its end what `close` began. */
  private end(): void {
    const { loop } = this
    const guest = this.guest()
    if (this.state !== 'closed') {
      this.state = 'closed'
      loop.timers.remove(loop.root)
      // Before the driver closes, which ends waits: the error says what each task waits for.
      this.failure = loop.live > 0 ? giveUp(loop) : null
      guest?.close()
      loop.tracker?.unclosed.end()
      loop.driver.close()
      keep(loop.driver)
      if (this.failure !== null) for (const callback of loop.endCallbacks.values()) callback(this.failure)
      loop.endCallbacks.clear()
      guest?.afterTurn()
    }
    if (this.failure !== null) throw this.failure
  }
}

function giveUp(loop: Loop): KernelStateError {
  const left = waiting(loop.root)
  const where = left.map(whereabouts).join('; ') || 'running'
  const error = new KernelStateError('close', `${loop.live} task(s) would not leave: ${where}`)
  showWaits(error, left)
  // Tasks of other kernels may wait in the same queues, and a wake must not go to a task that is
  // dead; host code may hold the process for one that waits for it.
  for (const task of left) if (task.trap?.code === PARK || task.trap?.code === SUSPEND) withdraw(loop, task)
  return error
}
