/**
 * Wakers: another thread notifies, and a task goes on.
 *
 * Notifications are counted in shared memory, and wake the driver by its token.
 * Because of the count none is lost, however the two threads race, and many notifications at once
 * are one wake-up. What a notification means is up to the program: its data travels by other ways
 * (a MessagePort, shared memory).
 */

import type { WakeToken } from './driver/contract.js'
import { tracked } from './protocol/debug.js'
import { BusyError } from './protocol/errors.js'
import type { Undo } from './protocol/scheduler.js'
import { type Operation, SUSPEND, SUSPEND_ANYWHERE, Trap } from './protocol/trap.js'
import type { KernelState } from './schedule/state.js'
import { CALLER, checkTask } from './task/owner.js'

/** What another thread needs to notify; survives `postMessage` and `workerData`. */
export interface WakerToken {
  /** The driver's own. */
  readonly wake: WakeToken
  /** How many there were; shared by the threads. */
  readonly notifications: SharedArrayBuffer
}

/** A place where a task waits for notifications from other threads; made by `kernel.waker()`. */
export class Waker {
  /** Give this to the other thread, which calls `notify(token)` of `drupe/lowlevel` with it. */
  readonly token: WakerToken
  private readonly notifications: Int32Array
  private returned = 0
  private resolve: ((value: unknown) => void) | null = null

  /** @internal */
  constructor(
    private readonly state: KernelState,
    wake: WakeToken,
  ) {
    this.token = { wake, notifications: new SharedArrayBuffer(4) }
    this.notifications = new Int32Array(this.token.notifications)
  }

  /**
   * Waits for notifications that no earlier wait returned, and returns how many there were. If the
   * task is cancelled while it waits, they are kept for the next wait.
   *
   * @throws BusyError if another task is waiting here.
   * @throws KernelStateError in a task of another kernel.
   */
  wait(): Operation<number> {
    return tracked('wait', this.waitOperation())
  }

  private *waitOperation(): Operation<number> {
    checkTask(this.state.root, 'wait at this waker in', yield* CALLER)
    const begin = (resolve: (value: unknown) => void): (() => void) => this.begin(resolve)
    return yield* new Trap<number>(SUSPEND, begin, this, SUSPEND_ANYWHERE)
  }

  /** @internal No task has seen them: the next wait has them. */
  readonly undo: Undo = (_task, _trap, notifications) => {
    this.returned -= notifications as number
    this.poll()
    return true
  }

  private begin(resolve: (value: unknown) => void): () => void {
    if (this.resolve !== null) throw new BusyError('wait for notifications', 'another task is waiting at this waker')
    this.resolve = resolve
    this.state.wakers.add(this)
    this.poll()
    return () => this.end()
  }

  private end(): void {
    this.resolve = null
    this.state.wakers.delete(this)
  }

  /** @internal The loop calls this after each poll of the driver. */
  poll(): void {
    const notifications = Atomics.load(this.notifications, 0)
    if (notifications === this.returned || this.resolve === null) return
    const news = notifications - this.returned
    this.returned = notifications
    const { resolve } = this
    this.end()
    resolve(news)
  }
}
