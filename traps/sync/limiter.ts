/**
 * Capacity limiter: so many at a time, and it knows which.
 *
 * Like a semaphore whose permits have owners: a borrower has one token or none, so none is returned
 * twice, and the total can be changed while it is in use. A borrower is a task, or any object that
 * a task acts for (a thread, a connection). A task that ends keeps its token, unlike a lock: one
 * that waits can still get another's.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { KernelStateError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { checkLimit, checkOptions, type WaitOptions, wrong } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { during, type NameOptions, titleOf, waitWith } from './atomic.js'

/** For whom a token is borrowed or returned. */
export interface BorrowOptions {
  /** Default: the task itself. */
  readonly onBehalfOf?: object | undefined
}

/** The figures of a capacity limiter. */
export interface LimiterStatistics {
  /** Tokens that are lent. */
  readonly borrowed: number
  /** Tokens that there are; Infinity for no limit. */
  readonly total: number
  /** The borrowers that have one, in the order in which they got them. */
  readonly borrowers: readonly object[]
  /** Tasks that wait for one. */
  readonly waiting: number
}

/**
 * Lends a number of tokens, one to each borrower.
 *
 * @example
 * import { CapacityLimiter, run } from 'drupe'
 *
 * await run(function* () {
 *   const limiter = new CapacityLimiter(1)
 *   const connection = { id: 7 }
 *   yield* limiter.acquire({ onBehalfOf: connection })
 *   console.log(limiter.available, yield* limiter.tryAcquire()) // => 0 false
 *   yield* limiter.setTotal(2)
 *   console.log(yield* limiter.tryAcquire()) // => true
 *   yield* limiter.release()
 *   yield* limiter.release({ onBehalfOf: connection })
 * })
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.CapacityLimiter
 */
export class CapacityLimiter {
  private readonly title: string
  private limit: number
  private readonly borrowers = new Set<object>()
  private readonly waiters: WaitQueue

  /**
   * @param total How many tokens there are; 0 or more, Infinity for no limit.
   * @param options `name`: what it is called in messages.
   * @throws RangeError if `total` is neither a whole number from 0 on nor Infinity.
   */
  constructor(total: number, options?: NameOptions) {
    this.title = titleOf('limiter', options)
    this.limit = checkLimit('make a limiter', 'total', total, 0)
    this.waiters = new WaitQueue(
      `acquire the ${this.title}`,
      (task, { detail }) => (this.lend(task, (detail as object) ?? task) ? undefined : WAIT),
      (task, { detail }, _nothing, resumer) => {
        this.returnToken(task, (detail as object) ?? task, resumer)
        return true
      },
    )
  }

  /** How many tokens there are. */
  get total(): number {
    return this.limit
  }

  /** How many are lent; for a while more than `total`, after that was lowered. */
  get borrowed(): number {
    return this.borrowers.size
  }

  /** How many are left; 0 also while more are lent than there are. */
  get available(): number {
    return Math.max(0, this.limit - this.borrowers.size)
  }

  /**
   * Borrows a token; waits until one is left and all tasks that came before have theirs. If the
   * task is cancelled while it waits, it has borrowed none: a token that it was just given goes to
   * the next one.
   *
   * @param options `timeout` in milliseconds; `onBehalfOf`: the borrower.
   * @throws Cancelled if a scope around the task is cancelled, also when a token is left.
   * @throws TimeoutError if it did not get one within `timeout`.
   * @throws KernelStateError if the borrower has a token.
   */
  acquire(options?: WaitOptions & BorrowOptions): Trap<void> {
    return waitWith('acquire', this.waiters, borrowerOf('acquire', options) ?? null, options)
  }

  /**
   * Borrows a token if one is left; returns whether it did. Does not wait, and is no cancellation
   * point.
   *
   * @param options `onBehalfOf`: the borrower.
   * @throws KernelStateError if the borrower has a token.
   */
  tryAcquire(options?: BorrowOptions): Trap<boolean> {
    const borrower = borrowerOf('acquire', options)
    return tracked(
      'tryAcquire',
      atomically((task) => this.lend(task, borrower ?? task), this),
    )
  }

  /**
   * Returns a token; it goes straight to the task that has waited for longest. Does not wait.
   *
   * @param options `onBehalfOf`: the borrower.
   * @throws KernelStateError if the borrower has none.
   */
  release(options?: BorrowOptions): Trap<void> {
    const borrower = borrowerOf('release', options)
    return tracked(
      'release',
      atomically((task, _, resumer) => this.returnToken(task, borrower ?? task, resumer), this),
    )
  }

  /**
   * Changes how many there are; tasks that wait get what is added. A borrower keeps the token that
   * it has. Does not wait.
   *
   * @param total 0 or more; Infinity for no limit.
   */
  setTotal(total: number): Trap<void> {
    checkLimit('set the total', 'total', total, 0)
    const change = (_task: Task, _trap: Trap<unknown>, resumer: Resumer): void => {
      this.limit = total
      this.serve(resumer)
    }
    return tracked('setTotal', atomically(change, this))
  }

  /**
   * Runs an operation with a token, and returns it whatever happens.
   *
   * @param op The operation, or a function that returns one.
   * @param options `timeout` in milliseconds, for the token; `onBehalfOf`: the borrower.
   * @throws what `acquire` throws, or the operation.
   */
  with<T>(op: Op<T>, options?: WaitOptions & BorrowOptions): Operation<T> {
    return during(this.acquire(options), op, () => this.release(options))
  }

  /** Returns the current figures. */
  statistics(): LimiterStatistics {
    const { borrowers, limit, waiters } = this
    return { borrowed: borrowers.size, total: limit, borrowers: [...borrowers], waiting: waiters.length }
  }

  private lend(task: Task, borrower: object): boolean {
    if (this.borrowers.has(borrower)) throw this.twice(task, borrower)
    if (this.borrowers.size >= this.limit) return false
    this.borrowers.add(borrower)
    return true
  }

  private returnToken(task: Task, borrower: object, resumer: Resumer): void {
    if (!this.borrowers.delete(borrower)) {
      throw new KernelStateError(`release the ${this.title}`, `${borrowing(task, borrower)} has no token of it`)
    }
    this.serve(resumer)
  }

  private serve(resumer: Resumer): void {
    for (let next = this.waiters.head; next !== null; next = this.waiters.head) {
      if (this.borrowers.size >= this.limit) return
      const borrower = ((next.trap as Trap).detail as object) ?? next
      // Two tasks may wait on behalf of one borrower.
      if (this.borrowers.has(borrower)) {
        resumer.fail(next, this.twice(next, borrower))
      } else {
        resumer.wake(next, undefined)
        this.borrowers.add(borrower)
      }
    }
  }

  private twice(task: Task, borrower: object): KernelStateError {
    return new KernelStateError(`acquire the ${this.title}`, `${borrowing(task, borrower)} has a token of it already`)
  }
}

/** The borrower, if it is not the task itself. */
function borrowerOf(action: string, options: BorrowOptions | undefined): object | undefined {
  checkOptions(action, 'options', options)
  const borrower = options?.onBehalfOf
  if (borrower === undefined || (typeof borrower === 'object' && borrower !== null)) return borrower
  throw wrong(action, 'onBehalfOf', 'an object', borrower, '')
}

/** The borrower, for messages: a task, or what it acts for. */
function borrowing(task: Task, borrower: object): string {
  return borrower === task ? String(task) : `what ${String(task)} acts for`
}
