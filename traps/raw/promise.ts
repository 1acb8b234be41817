/**
 * Promises inside tasks.
 *
 * A promise cannot be told to forget who waits for it. So each is asked once, at the moment when it is handed over (from then
 * on its rejection counts as seen), and has one list of waiters that can be left: a promise that lives as long as the
 * program holds nothing of a wait that was called off. What has a `then` of its own is another matter: it may only begin
 * when that is called, and may do so each time. It is asked when a task waits, and what a cancel leaves with it is empty.
 */
import { WaiterQueue } from '../../kernel/protocol/fifo.js'
import { checkPromise } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { suspend } from './call.js'

/**
 * Waits for a promise. Cancelled, the task stops waiting; the promise goes on, unless it came from a function that was
 * given an AbortSignal and listens to it. Needs the host's event loop, so it does not work in a blocking run.
 *
 * A promise that is given to `until` is never an unhandled rejection, whether or not a task comes to wait for it. One that
 * lives for long may be waited for any number of times; nothing of the waits that were called off stays with it.
 *
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

/** Begins to wait; what comes back stops it. */
type Wait<T> = (waiter: Waiter<T>) => (() => void) | void

const { then } = Promise.prototype

/** From this call on a rejection of the promise is seen. */
function follow<T>(promise: PromiseLike<T>): Wait<T> {
  if (promise instanceof Promise && promise.then === then) return outcomeOf(promise).wait
  observe(promise)
  return (waiter) => void promise.then(waiter.resolve, waiter.reject)
}

/** Marks a promise of another realm, or of a class of its own, without beginning what it may begin in its own `then`. */
function observe(promise: PromiseLike<unknown>): void {
  try {
    then.call(promise as Promise<unknown>, ignore, ignore)
  } catch {
    // It only looks like a promise, and nobody counts the rejections of those.
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

/** How one promise ends, and who waits for that. */
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
