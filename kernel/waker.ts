/**
 * Wakers: another thread knocks, a task hears it.
 *
 * The knocks are counted in shared memory, and the driver is poked through its wake-up descriptor; the count makes sure
 * that none is lost, however the two race, and that many knocks at once are one wake-up. What the knock means is up to
 * those who share the waker: the data travels by other ways (a MessagePort, shared memory).
 */

import { watched } from './protocol/debug.js'
import { BusyError } from './protocol/errors.js'
import { type Operation, SUSPEND, Trap } from './protocol/trap.js'
import type { Undo } from './protocol/wait-queue.js'
import type { Loop } from './schedule/loop.js'
import { CALLER, checkTask } from './task/owner.js'

/** What another thread needs to knock; survives `postMessage` and `workerData`. */
export interface WakerToken {
  readonly fd: number
  readonly knocks: SharedArrayBuffer
}

/** A place where a task waits for knocks from other threads; made by `kernel.waker()`. */
export class Waker {
  /** Give this to the other thread, which calls `knock(token)` of `drupe/lowlevel` with it. */
  readonly token: WakerToken
  private readonly knocks: Int32Array
  private heard = 0
  private resolve: ((value: unknown) => void) | null = null

  /** @internal */
  constructor(
    private readonly loop: Loop,
    fd: number,
  ) {
    this.token = { fd, knocks: new SharedArrayBuffer(4) }
    this.knocks = new Int32Array(this.token.knocks)
  }

  /**
   * Waits for knocks that no earlier wait returned; how many there were. If the task is cancelled while it waits, they are
   * kept for the next wait.
   *
   * @throws BusyError if another task is waiting here.
   * @throws KernelStateError in a task of another kernel.
   */
  wait(): Operation<number> {
    return watched('wait', this.waitOperation())
  }

  private *waitOperation(): Operation<number> {
    checkTask(this.loop.root, 'wait at this waker in', yield* CALLER)
    const begin = (resolve: (value: unknown) => void): (() => void) => this.begin(resolve)
    return yield* new Trap<number>(SUSPEND, begin, this, 0)
  }

  /** @internal They were returned to nobody: the next wait has them. */
  readonly undo: Undo = (_task, _trap, knocks) => {
    this.heard -= knocks as number
    this.look()
    return true
  }

  private begin(resolve: (value: unknown) => void): () => void {
    if (this.resolve !== null) throw new BusyError('wait for knocks', 'another task is waiting at this waker')
    this.resolve = resolve
    this.loop.wakers.add(this)
    this.look()
    return () => this.end()
  }

  private end(): void {
    this.resolve = null
    this.loop.wakers.delete(this)
  }

  /** @internal The loop looks after each poll. */
  look(): void {
    const knocks = Atomics.load(this.knocks, 0)
    if (knocks === this.heard || this.resolve === null) return
    const news = knocks - this.heard
    this.heard = knocks
    const { resolve } = this
    this.end()
    resolve(news)
  }
}
