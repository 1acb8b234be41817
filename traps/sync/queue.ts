/**
 * Queues: items on their way from tasks that have them to tasks that need them.
 *
 * While tasks wait to get, an item goes to the first of them and is never in the queue; while tasks
 * wait to put, room goes to the first of them. So no task overtakes another, and an item is at
 * every moment in exactly one place: with the task that puts it, in the queue, or with the task
 * that gets it. A cancelled put has put nothing, and a cancelled get has taken nothing. That holds
 * for a task, too, that was given its item or its room and has not run since.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, KernelStateError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { checkLimit, checkOptions, checkSwitch, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { failAll, type NameOptions, titleOf, waitIn, waitWith, wakeAll } from './atomic.js'
import type { Items } from './items.js'

/** The figures of a queue. */
export interface QueueStatistics {
  /** Items that are in it. */
  readonly size: number
  /** How many items it has room for; Infinity: no limit. */
  readonly capacity: number
  /** Items that were put and for which `taskDone` was not called yet. */
  readonly unfinished: number
  /** Tasks that wait to get an item. */
  readonly getting: number
  /** Tasks that wait to put one. */
  readonly putting: number
  /** Whether it was shut down. */
  readonly closed: boolean
}

/**
 * A queue, first in, first out.
 *
 * @example
 * import { Queue, run, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const jobs = new Queue<number>(2)
 *   const done: number[] = []
 *   yield* spawn(function* () {
 *     for (;;) {
 *       done.push(yield* jobs.get())
 *       yield* jobs.taskDone()
 *     }
 *   }, { daemon: true })
 *   for (const job of [1, 2, 3]) yield* jobs.put(job)
 *   yield* jobs.join()
 *   console.log(done) // => [ 1, 2, 3 ]
 * })
 * @see https://docs.python.org/3/library/asyncio-queue.html
 */
export class Queue<T> {
  /** How many items it takes before `put` waits. */
  readonly capacity: number
  private readonly title: string
  private readonly items: Items<T>
  private unfinished = 0
  /** Why it takes no more. */
  private closing: string | null = null
  private readonly getters: WaitQueue
  private readonly putters: WaitQueue
  private readonly joiners: WaitQueue

  /**
   * @param capacity How many items it takes; default: no limit.
   * @param options `name`: what it is called in messages.
   * @throws RangeError if `capacity` is neither a whole number from 1 on nor Infinity.
   */
  constructor(capacity = Number.POSITIVE_INFINITY, options?: NameOptions) {
    this.capacity = checkLimit('make a queue', 'capacity', capacity, 1)
    this.title = titleOf('queue', options)
    this.items = this.makeItems(options)
    this.getters = new WaitQueue(
      `get from the ${this.title}`,
      (_task, _trap, resumer) => (this.hasItem() ? this.give(resumer) : WAIT),
      (_task, _trap, item, resumer) => this.putBack(item as T, resumer),
    )
    this.putters = new WaitQueue(
      `put into the ${this.title}`,
      (_task, { detail }, resumer) => (this.take(detail as T, resumer) ? undefined : WAIT),
      (_task, { detail }, _nothing, resumer) => this.remove(detail as T, resumer),
    )
    this.joiners = new WaitQueue(`join the ${this.title}`, () => (this.unfinished === 0 ? undefined : WAIT))
  }

  /** @internal */
  protected makeItems(_options: NameOptions | undefined): Items<T> {
    return new Fifo()
  }

  /** How many items are in it. */
  get size(): number {
    return this.items.size
  }

  /** Whether it takes no more items. */
  get closed(): boolean {
    return this.closing !== null
  }

  /**
   * Puts an item in; waits while the queue is full. If the task is cancelled while it waits, the
   * item is not put.
   *
   * @param options `timeout` in milliseconds.
   * @param item The item.
   * @throws Cancelled if a scope around the task is cancelled, also when there is room.
   * @throws TimeoutError if there was no room within `timeout`.
   * @throws ClosedError if the queue is or was shut down; the item was not put.
   */
  put(item: T, options?: WaitOptions): Trap<void> {
    return waitWith('put', this.putters, item, options)
  }

  /**
   * Puts an item in if there is room; returns whether it did. Does not wait, and is no cancellation
   * point.
   *
   * @param item The item.
   * @throws ClosedError if the queue was shut down.
   */
  tryPut(item: T): Trap<boolean> {
    return tracked(
      'tryPut',
      atomically<boolean>((_task, _trap, resumer) => this.take(item, resumer), this),
    )
  }

  /**
   * Takes the next item out; waits until there is one. If the task is cancelled while it waits, it
   * has taken nothing: an item that it was just given is the next one again.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled, also when there is an item.
   * @throws TimeoutError if there was none within `timeout`.
   * @throws ClosedError if the queue was shut down and is empty.
   */
  get(options?: WaitOptions): Trap<T> {
    return waitIn('get', this.getters, options)
  }

  /**
   * Takes the next item out if there is one, else undefined. Does not wait, and is no cancellation
   * point.
   *
   * @throws ClosedError if the queue was shut down and is empty.
   */
  tryGet(): Trap<T | undefined> {
    return tracked(
      'tryGet',
      atomically<T | undefined>((_task, _trap, resumer) => (this.hasItem() ? this.give(resumer) : undefined), this),
    )
  }

  /**
   * Says that the work on one item is done. Does not wait.
   *
   * @throws KernelStateError if it is said more often than items were put.
   */
  taskDone(): Trap<void> {
    return tracked(
      'taskDone',
      atomically((task, _trap, resumer) => {
        if (this.unfinished === 0) {
          throw new KernelStateError(`call taskDone of the ${this.title}`, `${String(task)} calls it once too often`)
        }
        this.finish(1, resumer)
      }, this),
    )
  }

  /**
   * Waits until the work on all items is done; not at all if there are none.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   * @throws TimeoutError if it was not done within `timeout`.
   */
  join(options?: WaitOptions): Trap<void> {
    return waitIn('join', this.joiners, options)
  }

  /**
   * Takes no more items; what is in it can still be got. Tasks that wait to put fail, and so do
   * tasks that wait to get, as nothing will come. Does not wait; shutting down again is no error.
   *
   * @param options `immediate`: throws away what is in it, as if it had been got and done; how many
   * these were is returned.
   */
  shutdown(options?: { readonly immediate?: boolean }): Trap<number> {
    checkOptions('shut down', 'options', options)
    checkSwitch('shut down', 'immediate', options?.immediate)
    const step = (task: Task, _trap: Trap<unknown>, resumer: Resumer): number => {
      this.closing ??= `${String(task)} has shut it down`
      failAll(resumer, this.putters, (putter) => this.closedError(`put ${String(putter)}'s item into`))
      // No task waits to get while there are items.
      failAll(resumer, this.getters, (getter) => this.closedError(`get an item for ${String(getter)} from`))
      if (!options?.immediate) return 0
      const dropped = this.items.size
      this.items.clear()
      this.finish(dropped, resumer)
      return dropped
    }
    return tracked('shutdown', atomically<number>(step, this))
  }

  /** Returns the current figures. */
  statistics(): QueueStatistics {
    const { items, capacity, unfinished, getters, putters, closed } = this
    return { size: items.size, capacity, unfinished, getting: getters.length, putting: putters.length, closed }
  }

  /** An item comes in, if it can. */
  private take(item: T, resumer: Resumer): boolean {
    if (this.closing !== null) throw this.closedError('put an item into')
    const getter = this.getters.head
    if (getter !== null) resumer.wake(getter, item)
    else if (this.items.size < this.capacity) this.items.add(item)
    else return false
    this.unfinished++
    return true
  }

  private hasItem(): boolean {
    if (this.items.size > 0) return true
    if (this.closing !== null) throw this.closedError('get an item from')
    return false
  }

  /** An item goes out, and the first of those that wait for room gets it. */
  private give(resumer: Resumer): T {
    const item = this.items.take()
    this.fill(resumer)
    return item
  }

  /** Room goes to those that wait for it. */
  private fill(resumer: Resumer): void {
    for (let putter = this.putters.head; putter !== null; putter = this.putters.head) {
      if (this.items.size >= this.capacity) return
      try {
        this.items.add((putter.trap as Trap).detail as T)
      } catch (error) {
        // Its item cannot be compared: that is its own failure, and the room is for the next one.
        resumer.fail(putter, error)
        continue
      }
      resumer.wake(putter, undefined)
      this.unfinished++
    }
  }

  /** A task that was given an item is cancelled before it ran: the item is the next one again. */
  private putBack(item: T, resumer: Resumer): boolean {
    const getter = this.getters.head
    if (getter !== null) resumer.wake(getter, item)
    else this.items.putBack(item)
    return true
  }

  /**
   * A task that put an item is cancelled before it ran: the item is taken out again, unless it was
   * got.
   */
  private remove(item: T, resumer: Resumer): boolean {
    if (!this.items.remove(item)) return false
    this.finish(1, resumer)
    this.fill(resumer)
    return true
  }

  private finish(count: number, resumer: Resumer): void {
    this.unfinished -= count
    if (this.unfinished === 0) wakeAll(resumer, this.joiners, undefined)
  }

  private closedError(action: string): ClosedError {
    const full = this.items.size >= this.capacity ? `; it was full (${this.capacity})` : ''
    return new ClosedError(`${action} the ${this.title}`, `${this.closing}${full}`)
  }
}
