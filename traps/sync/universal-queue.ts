/**
 * Universal queue: between tasks of any kernel, host code and, through a link, other threads.
 *
 * The rules are those of `Queue`: no waiter overtakes another, and an item is at every moment in
 * exactly one place.
 */
import { ClosedError } from '../../kernel/protocol/errors.js'
import { Fifo, WaiterQueue } from '../../kernel/protocol/fifo.js'
import { checkLimit } from '../../kernel/protocol/operands.js'
import { type NameOptions, titleOf } from './atomic.js'
import { type LinkPort, linkTo } from './link.js'
import { type Begin, Universal, type Waiter } from './universal.js'

/** A waiter for room. */
interface Putter<T> extends Waiter<void> {
  readonly item: T
}

/** The figures of a universal queue. */
export interface UniversalQueueStatistics {
  /** Items that are in it. */
  readonly size: number
  /** How many items it has room for; Infinity: no limit. */
  readonly capacity: number
  /** How many wait to get an item. */
  readonly getting: number
  /** How many wait to put one. */
  readonly putting: number
  /** Whether it was shut down. */
  readonly closed: boolean
}

/**
 * A queue between tasks of any kernel, host code and, through a link, other threads.
 *
 * @example
 * import { run, UniversalQueue } from 'drupe'
 *
 * const queue = new UniversalQueue<string>(10)
 * const consumer = run(function* () {
 *   return yield* queue.get()
 * })
 * await queue.put('from host code')
 * console.log(await consumer) // => from host code
 * @see https://curio.readthedocs.io/en/latest/reference.html#UniversalQueue
 */
export class UniversalQueue<T> {
  /** How many items it takes before `put` waits. */
  readonly capacity: number
  private readonly title: string
  private readonly items = new Fifo<T>()
  private readonly getters = new WaiterQueue<Waiter<T>>()
  private readonly putters = new WaiterQueue<Putter<T>>()
  private isClosed = false

  /**
   * @param capacity How many items it takes; default: no limit.
   * @param options `name`: what it is called in messages.
   * @throws RangeError if `capacity` is neither a whole number from 1 on nor Infinity.
   */
  constructor(capacity = Number.POSITIVE_INFINITY, options?: NameOptions) {
    this.capacity = checkLimit('make a queue', 'capacity', capacity, 1)
    this.title = titleOf('universal queue', options)
  }

  /** How many items are in it. */
  get size(): number {
    return this.items.size
  }

  /** Whether it takes no more items. */
  get closed(): boolean {
    return this.isClosed
  }

  /**
   * Puts an item in; waits while the queue is full. It is an operation: without `await` or `yield*`
   * nothing is put. If a task is cancelled while it waits, the item is not put.
   *
   * @param item The item.
   * @throws ClosedError if the queue is or was shut down.
   */
  put(item: T): Universal<void> {
    const begin: Begin<void> = (resolve, reject) => {
      if (!this.tryPut(item)) return this.putters.join({ item, resolve, reject })
      resolve(undefined)
      return undefined
    }
    return new Universal(begin, false, () => this.remove(item))
  }

  /**
   * Takes the next item out; waits until there is one. Without `await` or `yield*` nothing is
   * taken. If a task is cancelled while it waits, it has taken nothing: an item that it was just
   * given is the next one again.
   *
   * @throws ClosedError if the queue was shut down and is empty.
   */
  get(): Universal<T> {
    const begin: Begin<T> = (resolve, reject) => {
      if (!this.hasItem()) return this.getters.join({ resolve, reject })
      resolve(this.give())
      return undefined
    }
    return new Universal(begin, false, (item) => this.putBack(item as T))
  }

  /**
   * Puts an item in if there is room, from anywhere in this thread; returns whether it did.
   *
   * @param item The item.
   * @throws ClosedError if the queue was shut down.
   */
  tryPut(item: T): boolean {
    if (this.isClosed) throw this.closedError('put an item into')
    const getter = this.getters.take()
    if (getter !== undefined) getter.resolve(item)
    else if (this.items.size < this.capacity) this.items.add(item)
    else return false
    return true
  }

  /**
   * Takes the next item out if there is one, from anywhere in this thread; else returns undefined.
   *
   * @throws ClosedError if the queue was shut down and is empty.
   */
  tryGet(): T | undefined {
    return this.hasItem() ? this.give() : undefined
  }

  /**
   * Takes no more items, from anywhere in this thread; what is in it can still be got. All that
   * wait get a ClosedError.
   */
  shutdown(): void {
    this.isClosed = true
    for (let one = this.putters.take(); one !== undefined; one = this.putters.take()) {
      one.reject(this.closedError('put an item into'))
    }
    for (let one = this.getters.take(); one !== undefined; one = this.getters.take()) {
      one.reject(this.closedError('get an item from'))
    }
  }

  /** Returns the current figures. */
  statistics(): UniversalQueueStatistics {
    const { items, capacity, getters, putters, closed } = this
    return { size: items.size, capacity, getting: getters.size, putting: putters.size, closed }
  }

  /**
   * Makes a link for another thread: a MessagePort to be transferred, of which `linkedQueue` makes
   * a queue there. Items are copied as `postMessage` does it. Messages go through the host's event
   * loop: while a blocking run has this thread, the other one waits. An item that was sent to a
   * thread which ends before it has it is the next again.
   */
  link(): LinkPort {
    return linkTo({
      calls: { put: (item) => this.put(item as T), get: () => this.get() },
      casts: { shutdown: () => this.shutdown() },
      putBack: (item) => void this.putBack(item as T),
    })
  }

  /**
   * The waiter that was given an item never saw it, since its thread ended or its task was
   * cancelled: the item is the next one again.
   */
  private putBack(item: T): true {
    const getter = this.getters.take()
    if (getter !== undefined) getter.resolve(item)
    else this.items.putBack(item)
    return true
  }

  /**
   * A task that put an item is cancelled before it ran: the item is taken out again, unless it was
   * got.
   */
  private remove(item: T): boolean {
    if (!this.items.remove(item)) return false
    this.fill()
    return true
  }

  private hasItem(): boolean {
    if (this.items.size > 0) return true
    if (this.isClosed) throw this.closedError('get an item from')
    return false
  }

  private give(): T {
    const item = this.items.take()
    this.fill()
    return item
  }

  /** Room goes to the first of those that wait for it. */
  private fill(): void {
    const putter = this.items.size < this.capacity ? this.putters.take() : undefined
    if (putter === undefined) return
    this.items.add(putter.item)
    putter.resolve()
  }

  private closedError(action: string): ClosedError {
    const full = this.items.size >= this.capacity ? `; it was full (${this.capacity})` : ''
    return new ClosedError(`${action} the ${this.title}`, `it has been shut down${full}`)
  }
}
