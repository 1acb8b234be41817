/**
 * Subscription: one reader's share of a broadcast, with a buffer and a rule for when it is full.
 *
 * If a reader waits, an item goes straight to it; the buffer is for readers that are busy.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError, ClosedError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Task } from '../../kernel/protocol/handles.js'
import type { WaitOptions } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import { during, eachOf, failAll, waitIn, wakeAll } from './atomic.js'

/** What is done about a reader that is too slow. */
export type SlowPolicy = 'wait' | 'dropOldest' | 'dropNewest' | 'close'

/** The figures of a subscription. */
export interface SubscriptionStatistics {
  /** Items that its reader has not taken yet. */
  readonly buffered: number
  /** How many items it has room for. */
  readonly capacity: number
  /** Items that it did not get, or lost again, because it was full. */
  readonly missed: number
  /** Tasks that wait to receive. */
  readonly receiving: number
  /** Whether it gets no more items. */
  readonly closed: boolean
}

/** What it tells its broadcast. */
export interface Broadcaster {
  /** There is room again where there was none. */
  room(resumer: Resumer): void
  /** It is closed from this side. */
  left(resumer: Resumer): void
}

/** Why nothing more comes. */
const OPEN = 0
/** The broadcast was closed. */
const OVER = 1
/** The reader was too slow. */
const LATE = 2
/** The reader closed it. */
const SHUT = 3

/** A reader's end of a broadcast; made by `subscribe()`. */
export class Subscription<T> {
  private readonly items = new Fifo<T>()
  private readonly readers: WaitQueue
  private phase = OPEN
  private lost = 0
  /** A reader was given the end, so that it receives no more. */
  private endDelivered = false

  /** @internal */
  constructor(
    private readonly title: string,
    private readonly capacity: number,
    private readonly slow: SlowPolicy,
    private readonly broadcaster: Broadcaster,
  ) {
    this.readers = new WaitQueue(
      `receive from the ${title}`,
      (_task, _trap, resumer) => this.take(resumer),
      (_task, _trap, item, resumer) => this.putBack(item as T | null, resumer),
    )
  }

  /** Whether it gets no more items. */
  get closed(): boolean {
    return this.phase !== OPEN
  }

  /** How many items it did not get, or lost again, because it was full. */
  get missed(): number {
    return this.lost
  }

  /**
   * Receives the next item; waits until there is one. Null is the end: the broadcast is closed and
   * nothing is left. If the task is cancelled while it waits, it has received nothing: an item that
   * it was just given is the next one again.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled, also when there is an item.
   * @throws TimeoutError if there was none within `timeout`.
   * @throws ClosedError if this subscription is closed, before or meanwhile.
   * @throws BrokenError if it was closed for being slow, and nothing is left.
   */
  receive(options?: WaitOptions): Trap<T | null> {
    return waitIn('receive', this.readers, options)
  }

  /**
   * Receives the next item if there is one: null at the end, undefined if there is nothing yet. It
   * is no cancellation point.
   *
   * @throws what `receive` throws about the subscription.
   */
  tryReceive(): Trap<T | null | undefined> {
    const step = (_task: Task, _trap: Trap<unknown>, resumer: Resumer): T | null | undefined => {
      const item = this.take(resumer)
      return item === WAIT ? undefined : item
    }
    return tracked('tryReceive', atomically(step, this))
  }

  /**
   * Runs an operation for each item until the end.
   *
   * @param body Gets an item, and returns the operation.
   * @throws what `receive` throws, or the operation.
   */
  each(body: (item: T) => Operation<unknown>): Operation<void> {
    return eachOf(() => this.receive(), body)
  }

  /**
   * Ends the subscription and drops what is in it; publishing waits for it no longer. Does not
   * wait; a second call does nothing.
   */
  close(): Trap<void> {
    const step = (closer: Task, _trap: Trap<unknown>, resumer: Resumer): void => {
      if (this.phase === SHUT) return
      this.phase = SHUT
      this.items.clear()
      const why = `${String(closer)} closed the subscription meanwhile`
      failAll(resumer, this.readers, () => new ClosedError(`receive from the ${this.title}`, why))
      this.broadcaster.left(resumer)
    }
    return tracked('close', atomically<void>(step, this))
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  /**
   * Runs an operation and closes the subscription after it, whatever happens.
   *
   * @param op The operation, or a function that returns one.
   */
  with<R>(op: Op<R>): Operation<R> {
    return during(null, op, () => this.close())
  }

  /** Returns the current figures. */
  statistics(): SubscriptionStatistics {
    const { items, capacity, lost, readers, closed } = this
    return { buffered: items.size, capacity, missed: lost, receiving: readers.length, closed }
  }

  /** @internal Whether publishing has to wait for it. */
  get holdsUp(): boolean {
    return this.slow === 'wait' && this.items.size >= this.capacity
  }

  /** @internal An item for it; false if that closed it. */
  offer(item: T, resumer: Resumer): boolean {
    const reader = this.readers.head
    if (reader !== null) {
      resumer.wake(reader, item)
      return true
    }
    if (this.items.size >= this.capacity) {
      this.lost++
      if (this.slow === 'dropNewest') return true
      if (this.slow === 'close') {
        this.phase = LATE
        return false
      }
      this.items.take()
    }
    this.items.add(item)
    return true
  }

  /** @internal The broadcast is closed. */
  end(resumer: Resumer): void {
    this.phase = OVER
    if (wakeAll(resumer, this.readers, null) > 0) this.endDelivered = true
  }

  private take(resumer: Resumer): T | null | typeof WAIT {
    if (this.phase === SHUT) throw new ClosedError(`receive from the ${this.title}`, 'this subscription is closed')
    if (this.items.size > 0) {
      const held = this.holdsUp
      const item = this.items.take()
      if (held) this.broadcaster.room(resumer)
      return item
    }
    if (this.phase === OVER) {
      this.endDelivered = true
      return null
    }
    if (this.phase === LATE) {
      const why = `the reader was too slow; more than ${this.capacity} items were waiting`
      throw new BrokenError(`receive from the ${this.title}`, why)
    }
    return WAIT
  }

  /** A task that was given an item is cancelled before it ran: the item is the next one again. */
  private putBack(item: T | null, resumer: Resumer): boolean {
    // The end comes again by itself. A reader that has had it receives no more, so an item that was
    // given stays given.
    if (this.endDelivered) return item === null
    const reader = this.readers.head
    if (reader !== null) resumer.wake(reader, item)
    else if (this.phase !== SHUT) this.items.putBack(item as T)
    return true
  }
}
