/**
 * Broadcast: every subscriber gets every item.
 *
 * Each subscription has a buffer of its own. What happens when one of them is full, because its
 * reader is slow, is the question that every broadcast has to answer, so it is asked when one is
 * made: wait for the slowest, drop its oldest item, drop the new one for it, or close its
 * subscription. An item is published to all or, if the publisher is cancelled while it waits, to
 * none.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { checkLimit, checkOptions, checkWord, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { WAIT, WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { atomically } from '../raw/call.js'
import { type NameOptions, titleOf, waitWith } from './atomic.js'
import { type SlowPolicy, Subscription } from './subscription.js'

/** How a subscription behaves when its reader is slow. */
export interface SubscribeOptions {
  /** How many items it keeps for its reader. Default: 16. */
  readonly capacity?: number | undefined
  /**
   * What a full one means: `'wait'` (default): publishing waits for it. `'dropOldest'`,
   * `'dropNewest'`: it misses items, and counts them. `'close'`: it is closed; its reader gets what
   * is in it, and then a BrokenError.
   */
  readonly slow?: SlowPolicy | undefined
}

/** How a broadcast behaves; what it says about subscriptions is their default. */
export interface BroadcastOptions extends NameOptions, SubscribeOptions {}

const SLOW: readonly SlowPolicy[] = ['wait', 'dropOldest', 'dropNewest', 'close']

/** The figures of a broadcast. */
export interface BroadcastStatistics {
  /** Subscriptions that are open. */
  readonly subscribers: number
  /** Tasks that wait to publish. */
  readonly publishing: number
  /** Whether it takes no more items. */
  readonly closed: boolean
}

/**
 * Makes a broadcast.
 *
 * @param options `name`, and the defaults of its subscriptions.
 * @throws RangeError if `capacity` is neither a whole number from 1 on nor Infinity.
 * @example
 * import { broadcast, run } from 'drupe'
 *
 * await run(function* () {
 *   const news = broadcast<string>({ capacity: 2, slow: 'dropOldest' })
 *   const reader = news.subscribe()
 *   for (const item of ['one', 'two', 'three']) yield* news.publish(item)
 *   console.log(yield* reader.receive(), yield* reader.receive(), reader.missed) // => two three 1
 * })
 */
export function broadcast<T>(options?: BroadcastOptions): Broadcast<T> {
  return new Broadcast(options)
}

/** Where items are published; made by `broadcast()`. */
export class Broadcast<T> {
  private readonly title: string
  private readonly defaults: Required<{ [K in keyof SubscribeOptions]: NonNullable<SubscribeOptions[K]> }>
  private readonly subscriptions = new Set<Subscription<T>>()
  private readonly publishers: WaitQueue
  private isClosed = false
  /** The subscription that held publishing up at the last check, and those behind it. */
  private suspect: Subscription<T> | null = null
  private scan: Iterator<Subscription<T>, undefined> | null = null

  /** @internal */
  constructor(options?: BroadcastOptions) {
    this.title = titleOf('broadcast', options)
    this.defaults = {
      capacity: checkLimit('make a broadcast', 'capacity', options?.capacity ?? 16, 1),
      slow: checkWord('make a broadcast', 'slow', options?.slow ?? 'wait', SLOW),
    }
    this.publishers = new WaitQueue(`publish to the ${this.title}`, (_task, { detail }, resumer) =>
      this.spread(detail as T, resumer) ? undefined : WAIT,
    )
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.isClosed
  }

  /**
   * Makes a subscription, which gets every item that is published from now on. It is a plain call
   * and no trap.
   *
   * @param options How this subscription behaves. Default: as the broadcast says.
   * @throws ClosedError if the broadcast is closed.
   * @throws RangeError if `capacity` is neither a whole number from 1 on nor Infinity.
   */
  subscribe(options?: SubscribeOptions): Subscription<T> {
    if (this.isClosed) throw new ClosedError(`subscribe to the ${this.title}`)
    checkOptions('subscribe', 'options', options)
    const slow = checkWord('subscribe', 'slow', options?.slow ?? this.defaults.slow, SLOW)
    const capacity = checkLimit('subscribe', 'capacity', options?.capacity ?? this.defaults.capacity, 1)
    const subscription: Subscription<T> = new Subscription<T>(this.title, capacity, slow, {
      room: (resumer) => this.proceed(resumer),
      left: (resumer) => {
        this.subscriptions.delete(subscription)
        this.proceed(resumer)
      },
    })
    this.subscriptions.add(subscription)
    return subscription
  }

  /**
   * Gives an item to every subscription; waits while one of those with the policy `'wait'` is full.
   * Without subscriptions the item is dropped. If the task is cancelled while it waits, no
   * subscription gets the item.
   *
   * @param options `timeout` in milliseconds.
   * @param item The item.
   * @throws Cancelled if a scope around the task is cancelled, also when it need not wait.
   * @throws TimeoutError if the slowest reader took longer than `timeout`.
   * @throws ClosedError if the broadcast is closed, before or meanwhile.
   */
  publish(item: T, options?: WaitOptions): Trap<void> {
    return waitWith('publish', this.publishers, item, options)
  }

  /**
   * Gives an item to every subscription if it need not wait; returns whether it did. It is no
   * cancellation point.
   *
   * @param item The item.
   * @throws ClosedError if the broadcast is closed.
   */
  tryPublish(item: T): Trap<boolean> {
    return tracked(
      'tryPublish',
      atomically<boolean>((_task, _trap, resumer) => this.spread(item, resumer), this),
    )
  }

  /**
   * Closes it: readers get what is in their subscriptions, and then null. Does not wait; twice is
   * no error.
   */
  close(): Trap<void> {
    const step = (closer: Task, _trap: Trap<unknown>, resumer: Resumer): void => {
      this.isClosed = true
      const why = `${String(closer)} closed it meanwhile`
      for (let task = this.publishers.head; task !== null; task = this.publishers.head) {
        resumer.fail(task, new ClosedError(`publish to the ${this.title}`, why))
      }
      for (const subscription of this.subscriptions) subscription.end(resumer)
      this.subscriptions.clear()
    }
    return tracked('close', atomically<void>(step, this))
  }

  /** Returns the current figures. */
  statistics(): BroadcastStatistics {
    return { subscribers: this.subscriptions.size, publishing: this.publishers.length, closed: this.isClosed }
  }

  private spread(item: T, resumer: Resumer): boolean {
    if (this.isClosed) throw new ClosedError(`publish to the ${this.title}`)
    if (this.isHeldUp()) return false
    this.deliver(item, resumer)
    return true
  }

  private isHeldUp(): boolean {
    // It goes on where it stopped: only what is published fills a subscription, and nothing is
    // published while one holds it up.
    const scan = this.scan ?? this.subscriptions.values()
    let suspect = this.scan === null ? null : this.suspect
    if (suspect === null || !this.subscriptions.has(suspect)) suspect = scan.next().value ?? null
    while (suspect !== null && !suspect.holdsUp) suspect = scan.next().value ?? null
    const begun = this.scan
    this.suspect = suspect
    this.scan = suspect === null ? null : scan
    // At the end once more from the beginning, which is once for each item.
    return suspect !== null || (begun !== null && this.isHeldUp())
  }

  private deliver(item: T, resumer: Resumer): void {
    for (const subscription of this.subscriptions) {
      if (!subscription.offer(item, resumer)) this.subscriptions.delete(subscription)
    }
  }

  /** A reader has made room, or left: the publishers that waited for it go on. */
  private proceed(resumer: Resumer): void {
    for (let task = this.publishers.head; task !== null; task = this.publishers.head) {
      if (this.isHeldUp()) return
      const item = (task.trap as Trap).detail as T
      resumer.wake(task, undefined)
      this.deliver(item, resumer)
    }
  }
}
