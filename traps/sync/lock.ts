/**
 * Locks: one task at a time, first come, first served.
 *
 * A lock that is released while others wait is never free in between: it goes to the task that has
 * waited for longest, which owns it before it runs. So a task that comes later cannot take it. A
 * task that is cancelled after it was given the lock, and before it ran, passes it on to the next
 * one.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError, KernelStateError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import type { WaitOptions } from '../../kernel/protocol/operands.js'
import type { Owned, Resumer, Scheduler } from '../../kernel/protocol/scheduler.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { during, failAll, type NameOptions, titleOf, waitIn, waitWith } from './atomic.js'

/** The figures of a lock. */
export interface LockStatistics {
  /** Whether a task holds it. */
  readonly locked: boolean
  /** The task that holds it. */
  readonly owner: Task | null
  /** How many times over; more than 1 only for an RLock. */
  readonly depth: number
  /** Tasks that wait for it. */
  readonly waiting: number
}

/**
 * A lock that one task can hold at a time. The task that took it releases it.
 *
 * @example
 * import { Lock, nursery, run, sleep } from 'drupe'
 *
 * await run(function* () {
 *   const lock = new Lock()
 *   const log: string[] = []
 *   yield* nursery(function* (n) {
 *     for (const name of ['a', 'b']) {
 *       yield* n.spawn(() => lock.with(function* () {
 *         log.push(`${name} in`)
 *         yield* sleep(1)
 *         log.push(`${name} out`)
 *       }))
 *     }
 *   })
 *   console.log(log.join(', ')) // => a in, a out, b in, b out
 * })
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.Lock
 */
export class Lock {
  /** @internal */
  readonly title: string
  private holder: Task | null = null
  private depth = 0
  private readonly waiters: WaitQueue
  /** It is among the things that its holder owns, for the tasks that wait. */
  private followed = false
  /** @internal */
  nextOwned: Owned | null = null
  private releasing: Trap<void> | null = null
  private trying: Trap<boolean> | null = null

  /**
   * Makes a lock that is free.
   *
   * @param options `name`: what it is called in messages.
   */
  constructor(options?: NameOptions) {
    this.title = titleOf(this.kind, options)
    this.waiters = new WaitQueue(
      `acquire the ${this.title}`,
      (task, trap, resumer) => {
        if (this.take(task, trap.detail)) return undefined
        if (!this.followed) this.follow(true, resumer)
        return WAIT
      },
      (_task, _trap, _nothing, resumer) => this.putBack(resumer),
    )
  }

  /** @internal */
  protected get kind(): string {
    return 'lock'
  }

  /** Whether a task holds it. */
  get locked(): boolean {
    return this.holder !== null
  }

  /** The task that holds it; null if it is free. */
  get owner(): Task | null {
    return this.holder
  }

  /**
   * Takes the lock; waits until it is free and all tasks that came before have had it. If the task
   * is cancelled while it waits, it has not taken the lock: if it was just given it, the next one
   * gets it.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled, also when the lock is free.
   * @throws TimeoutError if it did not get the lock within `timeout`.
   * @throws KernelStateError if the task holds it already.
   * @throws BrokenError if the task that holds it has ended, or ends meanwhile.
   */
  acquire(options?: WaitOptions): Trap<void> {
    return waitIn('acquire', this.waiters, options)
  }

  /**
   * Takes the lock if it is free; returns whether it was. Does not wait, and is no cancellation
   * point.
   *
   * @throws KernelStateError if the task holds it already.
   * @throws BrokenError if the task that holds it has ended.
   */
  tryAcquire(): Trap<boolean> {
    this.trying ??= atomically(Lock.try, this)
    return tracked('tryAcquire', this.trying)
  }

  /**
   * Releases the lock; it goes straight to the task that has waited for longest. Does not wait.
   *
   * @throws KernelStateError if the task does not hold it.
   */
  release(): Trap<void> {
    this.releasing ??= atomically(Lock.free, this)
    return tracked('release', this.releasing)
  }

  /**
   * Runs an operation while holding the lock, and releases it whatever happens.
   *
   * @param op The operation, or a function that returns one.
   * @throws what `acquire` throws, or the operation.
   */
  with<T>(op: Op<T>): Operation<T> {
    return during(this.acquire(), op, () => this.release())
  }

  /** Returns the current figures. */
  statistics(): LockStatistics {
    return { locked: this.locked, owner: this.holder, depth: this.depth, waiting: this.waiters.length }
  }

  /** @internal The holder asks for it once more. */
  protected again(task: Task): void {
    throw new KernelStateError(
      `acquire the ${this.title}`,
      `${String(task)} holds it already and would wait for itself`,
    )
  }

  /** @internal Takes it as it was before `letGo`; for conditions. */
  retake(depth: number): Trap<void> {
    return waitWith('retake', this.waiters, depth, undefined)
  }

  /** @internal The task releases it altogether; returns how many times over it had it. */
  letGo(task: Task, action: string, resumer: Resumer): number {
    const { depth } = this
    this.assertHeldBy(task, action)
    this.handOn(resumer)
    return depth
  }

  /** @internal */
  assertHeldBy(task: Task, action: string): void {
    if (this.holder === task) return
    const who = this.holder === null ? 'nobody does' : `${String(this.holder)} does`
    throw new KernelStateError(action, `${String(task)} does not hold the ${this.title}; ${who}`)
  }

  private take(task: Task, depth: unknown): boolean {
    const { holder } = this
    if (holder === null) {
      this.holder = task
      this.depth = (depth as number | null) ?? 1
      return true
    }
    if (holder === task) {
      this.again(task)
      this.depth++
      return true
    }
    // It will never be released.
    if (holder.idle) throw this.broken()
    return false
  }

  /** @internal Its holder has ended: the tasks that wait for it fail. */
  ownerEnded(resumer: Resumer): void {
    this.followed = false
    failAll(resumer, this.waiters, () => this.broken())
  }

  /** Only while a task waits: a lock that no other task wants costs no more for it. */
  private follow(on: boolean, resumer: Resumer): void {
    this.followed = on
    const scheduler = resumer as Scheduler
    if (on) scheduler.own(this.holder as Task, this)
    else scheduler.disown(this.holder as Task, this)
  }

  private broken(): BrokenError {
    return new BrokenError(`acquire the ${this.title}`, `${String(this.holder)} ended without releasing it`)
  }

  private handOn(resumer: Resumer): void {
    if (this.followed) this.follow(false, resumer)
    const next = this.waiters.head
    const depth = next === null ? 0 : ((next.trap as Trap).detail as number | null)
    if (next !== null) resumer.wake(next, undefined)
    this.holder = next
    this.depth = depth ?? 1
    if (this.waiters.length > 0) this.follow(true, resumer)
  }

  /** Its holder has it once less. */
  private putBack(resumer: Resumer): true {
    if (this.depth > 1) this.depth--
    else this.handOn(resumer)
    return true
  }

  private static try(this: void, task: Task, { detail }: Trap<unknown>): boolean {
    return (detail as Lock).take(task, null)
  }

  private static free(this: void, task: Task, { detail }: Trap<unknown>, resumer: Resumer): void {
    const lock = detail as Lock
    if (lock.holder !== task) lock.assertHeldBy(task, `release the ${lock.title}`)
    lock.putBack(resumer)
  }
}

/**
 * A lock that its owner may take again; it is free when it was released as many times.
 *
 * @example
 * import { RLock, run } from 'drupe'
 *
 * await run(function* () {
 *   const lock = new RLock()
 *   yield* lock.acquire()
 *   yield* lock.acquire()
 *   yield* lock.release()
 *   console.log(lock.locked) // => true
 *   yield* lock.release()
 *   console.log(lock.locked) // => false
 * })
 * @see https://curio.readthedocs.io/en/latest/reference.html#RLock
 */
export class RLock extends Lock {
  /** @internal */
  protected override get kind(): string {
    return 'rlock'
  }

  /** @internal */
  protected override again(_task: Task): void {}
}
