/**
 * Result: a value that comes later, from a task that is not a child.
 *
 * It is settled once: with a value, with an error, or by a cancel, which says that it is not wanted
 * any more. It is read with the same words as a task.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { KernelStateError, TaskCancelledError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import type { WaitOptions } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { type NameOptions, titleOf, waitWith } from './atomic.js'

/** Where a result is in its life. */
export type ResultState = 'pending' | 'done' | 'failed' | 'cancelled'

/** The figures of a result. */
export interface ResultStatistics {
  /** How far it is. */
  readonly state: ResultState
  /** Tasks that wait for it. */
  readonly waiting: number
}

/** What the trap of `wait` carries: it wants the end only. */
const END = 'end'

/**
 * A value that comes later; others call it a future or a deferred.
 *
 * @example
 * import { Result, run, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const answer = new Result<number>()
 *   const asker = yield* spawn(function* () {
 *     return (yield* answer.join()) + 1
 *   })
 *   yield* answer.set(41)
 *   console.log(yield* asker.join(), answer.result) // => 42 41
 * })
 * @see https://curio.readthedocs.io/en/latest/reference.html#Result
 */
export class Result<T = void> {
  private readonly title: string
  private phase: ResultState = 'pending'
  private value: unknown = undefined
  private readonly waiters: WaitQueue

  /**
   * Makes a result that is pending.
   *
   * @param options `name`: what it is called in messages.
   */
  constructor(options?: NameOptions) {
    this.title = titleOf('result', options)
    this.waiters = new WaitQueue(`wait for the ${this.title}`, (_task, { detail }) => {
      if (this.phase === 'pending') return WAIT
      if (detail === END) return undefined
      if (this.phase !== 'done') throw this.failure()
      return this.value
    })
  }

  /** Where it is in its life. */
  get state(): ResultState {
    return this.phase
  }

  /** Whether it is settled, in whichever way. */
  get done(): boolean {
    return this.phase !== 'pending'
  }

  /** Whether it was cancelled. */
  get cancelled(): boolean {
    return this.phase === 'cancelled'
  }

  /** The value; undefined unless its state is `done`. */
  get result(): T | undefined {
    return this.phase === 'done' ? (this.value as T) : undefined
  }

  /** What it failed with, or the reason of its cancel; undefined in the other states. */
  get error(): unknown {
    return this.phase === 'failed' || this.phase === 'cancelled' ? this.value : undefined
  }

  /**
   * Waits until it is settled and returns the value. Cancelling the waiter leaves the result alone.
   *
   * @param options `timeout` in milliseconds.
   * @throws what was given to `fail`, the same object.
   * @throws TaskCancelledError if the result was cancelled.
   * @throws Cancelled if a scope around the task is cancelled.
   * @throws TimeoutError if it was not settled within `timeout`.
   */
  join(options?: WaitOptions): Trap<T> {
    return waitWith('join', this.waiters, null, options)
  }

  /**
   * Waits until it is settled, in whichever way.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   * @throws TimeoutError if it was not settled within `timeout`.
   */
  wait(options?: WaitOptions): Trap<void> {
    return waitWith('wait', this.waiters, END, options)
  }

  /**
   * Settles it with a value; returns false if it was cancelled before. Does not wait.
   *
   * @param value The value.
   * @throws KernelStateError if it has a value or an error already.
   */
  set(value: T): Trap<boolean> {
    return tracked('set', atomically(this.settling('done', value), this))
  }

  /**
   * Settles it with an error, which every joiner gets; returns false if it was cancelled before.
   * Does not wait.
   *
   * @param error The error.
   * @throws KernelStateError if it has a value or an error already.
   */
  fail(error: unknown): Trap<boolean> {
    return tracked('fail', atomically(this.settling('failed', error), this))
  }

  /**
   * Says that it is not wanted any more; returns whether it was pending. Does not wait.
   *
   * @param reason The `cause` of the TaskCancelledError that joiners get.
   */
  cancel(reason?: unknown): Trap<boolean> {
    const step = (_task: Task, _trap: Trap<unknown>, resumer: Resumer): boolean => {
      if (this.phase !== 'pending') return false
      this.settle('cancelled', reason, resumer)
      return true
    }
    return tracked('cancel', atomically(step, this))
  }

  /** Returns the current figures. */
  statistics(): ResultStatistics {
    return { state: this.phase, waiting: this.waiters.length }
  }

  private settling(phase: ResultState, value: unknown): (task: Task, trap: Trap<unknown>, resumer: Resumer) => boolean {
    return (task, _trap, resumer) => {
      if (this.phase === 'cancelled') return false
      if (this.phase !== 'pending') {
        throw new KernelStateError(`settle the ${this.title}`, `${String(task)} is not the first; it is ${this.phase}`)
      }
      this.settle(phase, value, resumer)
      return true
    }
  }

  private settle(phase: ResultState, value: unknown, resumer: Resumer): void {
    this.phase = phase
    this.value = value
    for (let task = this.waiters.head; task !== null; task = this.waiters.head) {
      const end = (task.trap as Trap).detail === END
      if (end) resumer.wake(task, undefined)
      else if (phase === 'done') resumer.wake(task, value)
      else resumer.fail(task, this.failure())
    }
  }

  private failure(): unknown {
    return this.phase === 'cancelled' ? new TaskCancelledError(`the ${this.title}`, { cause: this.value }) : this.value
  }
}
