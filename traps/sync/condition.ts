/**
 * Condition: a task that holds a lock waits until another one says that something has changed.
 *
 * Waiting releases the lock and parks in one trap, so no notification is missed in between.
 * Whatever ends the wait, the lock is taken again before it returns or throws, and a cancel cannot
 * interrupt that. A task that was notified and is cancelled before it ran passes the notification
 * on to the next one.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import {
  checkFunction,
  checkInstance,
  checkLimit,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { shield } from '../scope/scope.js'
import { type NameOptions, titleOf, waitWith } from './atomic.js'
import { Lock, type LockStatistics } from './lock.js'

/** The figures of a condition. */
export interface ConditionStatistics {
  /** Tasks that wait for a notification. */
  readonly waiting: number
  /** Those of its lock. */
  readonly lock: LockStatistics
}

/**
 * A lock, and a place to wait for news about what it protects.
 *
 * @example
 * import { Condition, run, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const changed = new Condition()
 *   const items: string[] = []
 *   const taker = yield* spawn(() => changed.with(function* () {
 *     yield* changed.waitFor(() => items.length > 0)
 *     return items.pop()
 *   }))
 *   yield* changed.with(function* () {
 *     items.push('apple')
 *     yield* changed.notify()
 *   })
 *   console.log(yield* taker.join()) // => apple
 * })
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.Condition
 */
export class Condition {
  /** The lock; an RLock works as well, and is released altogether while its owner waits. */
  readonly lock: Lock
  private readonly title: string
  private readonly waiters: WaitQueue

  /**
   * Makes a condition.
   *
   * @param lock Default: a new one.
   * @param options `name`: what it is called in messages.
   */
  constructor(lock: Lock = new Lock(), options?: NameOptions) {
    this.lock = checkInstance('make a condition', 'lock', lock, Lock)
    this.title = titleOf('condition', options)
    this.waiters = new WaitQueue(
      `wait for the ${this.title}`,
      (task, trap, resumer) => {
        const ticket = trap.detail as Ticket
        ticket.depth = lock.letGo(task, `wait for the ${this.title}`, resumer)
        return WAIT
      },
      (_task, _trap, _nothing, resumer) => {
        const next = this.waiters.head
        if (next !== null) resumer.wake(next, undefined)
        return true
      },
    )
  }

  /**
   * Takes the lock; see `Lock.acquire`.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  acquire(options?: WaitOptions): Trap<void> {
    return this.lock.acquire(options)
  }

  /** Takes the lock if it is free; see `Lock.tryAcquire`. */
  tryAcquire(): Trap<boolean> {
    return this.lock.tryAcquire()
  }

  /** Gives the lock back; see `Lock.release`. */
  release(): Trap<void> {
    return this.lock.release()
  }

  /**
   * Runs an operation while holding the lock; see `Lock.with`.
   *
   * @param op The operation, or a function that returns one.
   */
  with<T>(op: Op<T>): Operation<T> {
    return this.lock.with(op)
  }

  /**
   * Releases the lock, waits until it is notified, and takes the lock again. If the task is
   * cancelled while it waits, or `timeout` is over, it takes the lock again all the same, and then
   * throws.
   *
   * @param options `timeout` in milliseconds, for the notification; taking the lock again is not
   * limited.
   * @throws Cancelled if a scope around the task is cancelled.
   * @throws TimeoutError if it was not notified within `timeout`.
   * @throws KernelStateError if the task does not hold the lock.
   */
  wait(options?: WaitOptions): Operation<void> {
    timeoutOf('wait', options)
    return tracked('wait', this.waiting(options))
  }

  /**
   * Waits until a predicate holds, and returns what it returned. It is called at first, and after
   * each notification.
   *
   * @param predicate Returns something truthy if the task need not wait.
   * @param options `timeout` in milliseconds, for each notification.
   * @throws what `wait` throws, or the predicate.
   */
  waitFor<T>(predicate: () => T, options?: WaitOptions): Operation<T> {
    timeoutOf('wait', options)
    return tracked('waitFor', this.waitingFor(checkFunction('wait', 'predicate', predicate), options))
  }

  /**
   * Wakes the tasks that have waited for longest; returns how many there were. Does not wait.
   *
   * @param count How many at most.
   * @throws KernelStateError if the task does not hold the lock.
   * @throws RangeError if `count` is no whole number from 0 on.
   */
  notify(count = 1): Trap<number> {
    checkLimit('notify', 'count', count, 0)
    return tracked(
      'notify',
      atomically((task, _, resumer) => {
        this.lock.assertHeldBy(task, `notify the ${this.title}`)
        let woken = 0
        for (let next = this.waiters.head; next !== null && woken < count; next = this.waiters.head) {
          resumer.wake(next, undefined)
          woken++
        }
        return woken
      }, this),
    )
  }

  /** Wakes all tasks that wait; returns how many there were. Does not wait. */
  notifyAll(): Trap<number> {
    return this.notify(Number.POSITIVE_INFINITY)
  }

  /** Returns the current figures. */
  statistics(): ConditionStatistics {
    return { waiting: this.waiters.length, lock: this.lock.statistics() }
  }

  private *waiting(options: WaitOptions | undefined): Operation<void> {
    const ticket: Ticket = { depth: 0 }
    try {
      yield* waitWith<void>('wait', this.waiters, ticket, options)
    } finally {
      // 0: the lock was never released.
      if (ticket.depth > 0) yield* shield(this.lock.retake(ticket.depth))
    }
  }

  private *waitingFor<T>(predicate: () => T, options: WaitOptions | undefined): Operation<T> {
    for (;;) {
      const answer = predicate()
      if (answer) return answer
      yield* this.waiting(options)
    }
  }
}

/** How many times over the lock was held. */
interface Ticket {
  depth: number
}
