/**
 * Promises inside tasks.
 *
 * A promise cannot forget a callback. So each promise is given one callback, at the moment when it
 * is passed to `until` (from then on its rejection counts as handled), and has one queue of waiters
 * that can be left. A promise that lives as long as the program keeps nothing of a wait that was
 * called off. A thenable, with a `then` of its own, may only begin when that is called, and may do
 * so each time. It is called when a task waits, and what a cancel leaves with it is empty.
 */
import { WaiterQueue } from '../../kernel/protocol/fifo.js'
import { checkPromise } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { suspend } from './call.js'

/**
 * Waits for a promise and returns its value. Needs the host's event loop, so it does not work in a
 * blocking run. If the task is cancelled while it waits, it waits no longer; the promise goes on,
 * unless it came from a function that was given an AbortSignal and listens to it.
 *
 * A promise that is given to `until` is never an unhandled rejection, whether or not a task comes
 * to wait for it. One that lives for long may be waited for any number of times: nothing of a wait
 * that was called off stays with it.
 *
 * @param promise A promise, or a function that makes one and is given an AbortSignal.
 * @throws what the promise rejects with.
 * @throws TypeError if it is no promise, or the function returns none.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, until } from 'drupe'
 * import { readFile } from 'node:fs/promises'
 *
 * await run(function* () {
 *   const text = yield* until((signal) => readFile('package.json', { encoding: 'utf8', signal }))
 *   console.log(JSON.parse(text).name) // => drupe
 * })
 */
export function until<T>(promise: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>)): Operation<T> {
  if (typeof promise !== 'function') {
    const wait = follow(checkPromise('wait until it is settled', 'promise', promise))
    return suspend<T>((resolve, reject) => wait({ resolve, reject }))
  }
  return suspend<T>((resolve, reject) => {
    const controller = new AbortController()
    const leave = follow(
      checkPromise('wait until it is settled', 'what the function returns', promise(controller.signal)),
    )({ resolve, reject })
    return () => {
      leave?.()
      controller.abort()
    }
  })
}

interface Waiter<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** Begins to wait; returns what stops it. */
type Wait<T> = (waiter: Waiter<T>) => (() => void) | void

const { then } = Promise.prototype

/** From this call on a rejection of the promise is handled. */
function follow<T>(promise: PromiseLike<T>): Wait<T> {
  if (promise instanceof Promise && promise.then === then) return outcomeOf(promise).wait
  observe(promise)
  return (waiter) => void promise.then(waiter.resolve, waiter.reject)
}

/**
 * Marks a promise of another realm, or of a class of its own, without beginning what it may begin
 * in its own `then`.
 */
function observe(promise: PromiseLike<unknown>): void {
  try {
    then.call(promise as Promise<unknown>, ignore, ignore)
  } catch {
    // It only looks like a promise; rejections of those are not counted.
  }
}

function ignore(): void {}

const outcomes = new WeakMap<Promise<unknown>, Outcome<unknown>>()

function outcomeOf<T>(promise: Promise<T>): Outcome<T> {
  let outcome = outcomes.get(promise) as Outcome<T> | undefined
  if (outcome === undefined) {
    outcome = new Outcome(promise)
    outcomes.set(promise, outcome)
  }
  return outcome
}

/** How one promise ends, and the waiters for that. */
class Outcome<T> {
  private state: 'pending' | 'fulfilled' | 'rejected' = 'pending'
  private value: unknown = undefined
  private readonly waiters = new WaiterQueue<Waiter<T>>()

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => this.settle('fulfilled', value),
      (error: unknown) => this.settle('rejected', error),
    )
  }

  readonly wait: Wait<T> = (waiter) => {
    if (this.state === 'pending') return this.waiters.join(waiter)
    this.tell(waiter)
    return undefined
  }

  private settle(state: 'fulfilled' | 'rejected', value: unknown): void {
    this.state = state
    this.value = value
    for (let one = this.waiters.take(); one !== undefined; one = this.waiters.take()) this.tell(one)
  }

  private tell(waiter: Waiter<T>): void {
    if (this.state === 'fulfilled') waiter.resolve(this.value as T)
    else waiter.reject(this.value)
  }
}
