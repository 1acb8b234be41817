/**
 * Channels: a way for items with two ends that are closed separately.
 *
 * `channel()` makes one sender and one receiver; each can be cloned, so that every task has an end
 * of its own and closes it when it is done. When the last sender is closed, receivers get what is
 * left and then `null`: the end needs no agreement on a special item, and no counting. When the
 * last receiver is closed, sending is an error: nobody would ever look. Without capacity (the
 * default) a send returns when a receiver has its item.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { checkLimit, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import { type Op, type Operation, PARK, Trap } from '../../kernel/protocol/trap.js'
import { WAIT } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import { during, eachOf, type NameOptions, titleOf, waitWith } from './atomic.js'
import { type ChannelStatistics, failThose, type Letter, Pipe } from './pipe.js'

export type { ChannelStatistics } from './pipe.js'

/**
 * Makes a channel, and returns its first sender and its first receiver.
 *
 * @param capacity How many items it keeps; 0, the default: none, a sender waits for a receiver;
 * Infinity: no limit.
 * @param options `name`: what it is called in messages.
 * @throws RangeError if `capacity` is neither a whole number from 0 on nor Infinity.
 * @example
 * import { channel, run, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const [sender, receiver] = channel<number>()
 *   yield* spawn(() => sender.with(function* () {
 *     for (const n of [1, 2, 3]) yield* sender.send(n)
 *   }))
 *   let sum = 0
 *   yield* receiver.each(function* (n) {
 *     sum += n
 *   })
 *   console.log(sum) // => 6
 * })
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.open_memory_channel
 */
export function channel<T>(capacity = 0, options?: NameOptions): [Sender<T>, Receiver<T>] {
  const pipe = new Pipe<T>(checkLimit('make a channel', 'capacity', capacity, 0), titleOf('channel', options))
  return [new Sender(pipe), new Receiver(pipe)]
}

/** What both ends of a channel have in common. */
abstract class End<T> {
  private isClosed = false
  /** @internal */
  protected readonly pipe: Pipe<T>

  /** @internal */
  constructor(pipe: Pipe<T>) {
    this.pipe = pipe
  }

  /** Whether this end is closed. */
  get closed(): boolean {
    return this.isClosed
  }

  /**
   * Closes this end. After the last sender, receivers get what is left, and then null. After the
   * last receiver, what is in the channel is dropped. Does not wait; a second call does nothing.
   */
  close(): Trap<void> {
    const step = (_task: Task, _trap: Trap<unknown>, resumer: Resumer): void => {
      if (this.isClosed) return
      this.isClosed = true
      this.leave(resumer)
    }
    return tracked('close', atomically<void>(step, this))
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  /**
   * Runs an operation and closes this end after it, whatever happens.
   *
   * @param op The operation, or a function that returns one.
   */
  with<R>(op: Op<R>): Operation<R> {
    return during(null, op, () => this.close())
  }

  /** Returns the current figures. */
  statistics(): ChannelStatistics {
    return this.pipe.statistics()
  }

  /** @internal */
  protected assertOpen(what: string): void {
    if (this.isClosed) throw new ClosedError(`clone a ${what} of the ${this.pipe.title}`, 'it is closed')
  }

  /** @internal */
  protected abstract leave(resumer: Resumer): void
}

/** The end of a channel where items go in. */
export class Sender<T> extends End<T> {
  /** @internal */
  constructor(pipe: Pipe<T>) {
    super(pipe)
    pipe.senders++
  }

  /**
   * Sends an item; waits until there is room, or without capacity until a receiver takes it. If the
   * task is cancelled while it waits, the item is not sent.
   *
   * @param options `timeout` in milliseconds.
   * @param item The item.
   * @throws Cancelled if a scope around the task is cancelled, also when it need not wait.
   * @throws TimeoutError if there was no room within `timeout`.
   * @throws ClosedError if this sender is closed, before or meanwhile.
   * @throws BrokenError if every receiver is closed, before or meanwhile.
   */
  send(item: T, options?: WaitOptions): Trap<void> {
    const letter: Letter<T> = { end: this, item }
    return waitWith('send', this.pipe.sending, letter, options)
  }

  /**
   * Sends an item if it need not wait; returns whether it did. It is no cancellation point.
   *
   * @param item The item.
   * @throws ClosedError if this sender is closed.
   * @throws BrokenError if every receiver is closed.
   */
  trySend(item: T): Trap<boolean> {
    return tracked(
      'trySend',
      atomically<boolean>((_task, _trap, resumer) => this.pipe.put(this, item, resumer), this),
    )
  }

  /**
   * Makes another sender of this channel. It is a plain call and no trap.
   *
   * @throws ClosedError if this one is closed.
   */
  clone(): Sender<T> {
    this.assertOpen('sender')
    return new Sender(this.pipe)
  }

  /** @internal */
  protected override leave(resumer: Resumer): void {
    const { pipe } = this
    pipe.senders--
    const error = (): ClosedError => new ClosedError(`send to the ${pipe.title}`, 'this sender was closed meanwhile')
    failThose(resumer, pipe.sending, (detail) => (detail as Letter<T>).end === this, error)
    if (pipe.senders === 0) pipe.end(resumer)
  }
}

/** The end of a channel where items come out. */
export class Receiver<T> extends End<T> {
  private taking: Trap<T | null> | null = null

  /** @internal */
  constructor(pipe: Pipe<T>) {
    super(pipe)
    pipe.receivers++
  }

  /**
   * Receives the next item; waits until there is one. Null is the end: every sender is closed and
   * nothing is left. If the task is cancelled while it waits, it has received nothing: an item that
   * it was just given is the next one again.
   *
   * @param options `timeout` in milliseconds.
   * @throws Cancelled if a scope around the task is cancelled, also when there is an item.
   * @throws TimeoutError if there was none within `timeout`.
   * @throws ClosedError if this receiver is closed, before or meanwhile.
   */
  receive(options?: WaitOptions): Trap<T | null> {
    if (options !== undefined) return waitWith('receive', this.pipe.receiving, this, options)
    this.taking ??= new Trap(PARK, this.pipe.receiving, this, Number.POSITIVE_INFINITY)
    return tracked('receive', this.taking)
  }

  /**
   * Receives the next item if it need not wait: null at the end, undefined if there is nothing yet.
   * It is no cancellation point.
   *
   * @throws ClosedError if this receiver is closed.
   */
  tryReceive(): Trap<T | null | undefined> {
    const step = (_task: Task, _trap: Trap<unknown>, resumer: Resumer): T | null | undefined => {
      const item = this.pipe.get(this, resumer)
      return item === WAIT ? undefined : item
    }
    return tracked('tryReceive', atomically(step, this))
  }

  /**
   * Runs an operation for each item until the end of the channel.
   *
   * @param body Gets an item, and returns the operation.
   * @throws what `receive` throws, or the operation.
   */
  each(body: (item: T) => Operation<unknown>): Operation<void> {
    return eachOf(() => this.receive(), body)
  }

  /**
   * Makes another receiver of this channel; each item goes to one of them. It is a plain call and
   * no trap.
   *
   * @throws ClosedError if this one is closed.
   */
  clone(): Receiver<T> {
    this.assertOpen('receiver')
    return new Receiver(this.pipe)
  }

  /** @internal */
  protected override leave(resumer: Resumer): void {
    const { pipe } = this
    pipe.receivers--
    const error = (): ClosedError =>
      new ClosedError(`receive from the ${pipe.title}`, 'this receiver was closed meanwhile')
    failThose(resumer, pipe.receiving, (detail) => detail === this, error)
    if (pipe.receivers > 0) return
    failThose(
      resumer,
      pipe.sending,
      () => true,
      () => pipe.broken(),
    )
    pipe.items.clear()
  }
}
