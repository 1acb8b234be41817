/**
 * Universal result: a value that comes later, for tasks of any kernel and for host code.
 *
 * It is a promise that a blocking run can wait for, too, and it is settled from anywhere in this
 * thread.
 */
import { KernelStateError } from '../../kernel/protocol/errors.js'
import { WaiterQueue } from '../../kernel/protocol/fifo.js'
import { type NameOptions, titleOf } from './atomic.js'
import { Universal, type Waiter } from './universal.js'

/**
 * A value that is set once, by a task or by host code, and waited for by both.
 *
 * @example
 * import { run, UniversalResult } from 'drupe'
 *
 * const answer = new UniversalResult<number>()
 * setTimeout(() => answer.set(42), 1)
 * console.log(await run(() => answer.join()), await answer.join()) // => 42 42
 * @see https://curio.readthedocs.io/en/latest/reference.html#UniversalResult
 */
export class UniversalResult<T = void> {
  private readonly title: string
  private state: 'pending' | 'done' | 'failed' = 'pending'
  private value: unknown = undefined
  private readonly waiters = new WaiterQueue<Waiter<T>>()

  /**
   * Makes a result that is pending.
   *
   * @param options `name`: what it is called in messages.
   */
  constructor(options?: NameOptions) {
    this.title = titleOf('universal result', options)
  }

  /** Whether it is settled. */
  get done(): boolean {
    return this.state !== 'pending'
  }

  /**
   * Waits until it is settled and returns the value. If a task is cancelled while it waits, it
   * waits no longer.
   *
   * @throws what was given to `fail`, the same object.
   */
  join(): Universal<T> {
    return new Universal<T>((resolve, reject) => {
      if (this.state === 'pending') return this.waiters.join({ resolve, reject })
      if (this.state === 'done') resolve(this.value as T)
      else reject(this.value)
      return undefined
    })
  }

  /**
   * Settles it with a value, from anywhere in this thread.
   *
   * @param value The value.
   * @throws KernelStateError if it is settled already.
   */
  set(value: T): void {
    this.settle('done', value)
    for (let one = this.waiters.take(); one !== undefined; one = this.waiters.take()) one.resolve(value)
  }

  /**
   * Settles it with an error, which all that wait get, from anywhere in this thread.
   *
   * @param error The error.
   * @throws KernelStateError if it is settled already.
   */
  fail(error: unknown): void {
    this.settle('failed', error)
    for (let one = this.waiters.take(); one !== undefined; one = this.waiters.take()) one.reject(error)
  }

  private settle(state: 'done' | 'failed', value: unknown): void {
    if (this.state !== 'pending') throw new KernelStateError(`settle the ${this.title}`, `it is ${this.state} already`)
    this.state = state
    this.value = value
  }
}
