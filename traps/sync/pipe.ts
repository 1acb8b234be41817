/**
 * The inside of a channel: its items, the tasks that wait at either end, and how many ends are
 * open.
 *
 * The ends (channel.ts) only say through which of them something comes or goes. Tasks wait in two
 * queues for the whole channel, first come, first served, whichever sender or receiver they use.
 * The end that they use is in their trap, so that closing one can pick out its own.
 */
import { BrokenError, ClosedError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Task } from '../../kernel/protocol/handles.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { wakeAll } from './atomic.js'

/** What a channel has in hand; the same at each of its ends. */
export interface ChannelStatistics {
  /** Items that lie in it. */
  readonly buffered: number
  /** How many items it has room for. */
  readonly capacity: number
  /** Senders, clones included, that are not closed. */
  readonly openSenders: number
  /** Receivers, clones included, that are not closed. */
  readonly openReceivers: number
  /** Tasks that wait to send. */
  readonly sending: number
  /** Tasks that wait to receive. */
  readonly receiving: number
}

/** One end, as far as its pipe knows it. */
export interface End {
  readonly closed: boolean
}

/** What the trap of a send carries. */
export interface Letter<T> {
  readonly end: End
  readonly item: T
}

/** What all ends share. */
export class Pipe<T> {
  readonly items = new Fifo<T>()
  senders = 0
  receivers = 0
  /** A receiver was given the end, so that it receives no more. */
  private endDelivered = false
  readonly sending: WaitQueue
  readonly receiving: WaitQueue

  constructor(
    readonly capacity: number,
    readonly title: string,
  ) {
    this.sending = new WaitQueue(
      `send to the ${title}`,
      (_task, { detail }, resumer) => {
        const { end, item } = detail as Letter<T>
        return this.put(end, item, resumer) ? undefined : WAIT
      },
      (_task, { detail }, _nothing, resumer) => this.remove((detail as Letter<T>).item, resumer),
    )
    this.receiving = new WaitQueue(
      `receive from the ${title}`,
      (_task, { detail }, resumer) => this.get(detail as End, resumer),
      (_task, _trap, item, resumer) => this.putBack(item as T | null, resumer),
    )
  }

  put(end: End, item: T, resumer: Resumer): boolean {
    if (end.closed) throw new ClosedError(`send to the ${this.title}`, 'this sender is closed')
    if (this.receivers === 0) throw this.broken()
    const receiver = this.receiving.head
    if (receiver !== null) resumer.wake(receiver, item)
    else if (this.items.size < this.capacity) this.items.add(item)
    else return false
    return true
  }

  /** The next item; null at the end; WAIT if nothing is there yet. */
  get(end: End, resumer: Resumer): T | null | typeof WAIT {
    if (end.closed) throw new ClosedError(`receive from the ${this.title}`, 'this receiver is closed')
    // At most one more than there is room for, which is taken out at once.
    if (this.items.size <= this.capacity) this.admit(resumer)
    if (this.items.size > 0) return this.items.take()
    if (this.senders > 0) return WAIT
    this.endDelivered = true
    return null
  }

  /** The last sender has gone: the tasks that wait get the end. */
  end(resumer: Resumer): void {
    if (wakeAll(resumer, this.receiving, null) > 0) this.endDelivered = true
  }

  /** The first of those that wait to send does. */
  private admit(resumer: Resumer): void {
    const sender = this.sending.head
    if (sender === null) return
    const { item } = (sender.trap as Trap).detail as Letter<T>
    resumer.wake(sender, undefined)
    this.items.add(item)
  }

  /** A task that was given an item is cancelled before it ran: the item is the next one again. */
  private putBack(item: T | null, resumer: Resumer): boolean {
    // The end comes again by itself. A receiver that has had it receives no more, so an item that
    // was given stays given.
    if (this.endDelivered) return item === null
    const receiver = this.receiving.head
    if (receiver !== null) resumer.wake(receiver, item)
    else if (this.receivers > 0) this.items.putBack(item as T)
    return true
  }

  /**
   * A task that sent an item is cancelled before it ran: the item is taken out again, unless it was
   * received.
   */
  private remove(item: T, resumer: Resumer): boolean {
    if (!this.items.remove(item)) return false
    if (this.items.size < this.capacity) this.admit(resumer)
    return true
  }

  broken(): BrokenError {
    return new BrokenError(`send to the ${this.title}`, 'every receiver is closed, so nobody would get the item')
  }

  statistics(): ChannelStatistics {
    return {
      buffered: this.items.size,
      capacity: this.capacity,
      openSenders: this.senders,
      openReceivers: this.receivers,
      sending: this.sending.length,
      receiving: this.receiving.length,
    }
  }
}

/** Fails the tasks in a queue that wait there through one end of the channel. */
export function failThose(
  resumer: Resumer,
  queue: WaitQueue,
  through: (detail: unknown) => boolean,
  error: () => unknown,
): void {
  for (let task: Task | null = queue.head; task !== null; ) {
    const next: Task | null = task.next
    if (through((task.trap as Trap).detail)) resumer.fail(task, error())
    task = next
  }
}
