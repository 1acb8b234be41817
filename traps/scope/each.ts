/**
 * Sequences of the host inside tasks: async iterables, and whatever else gives one value after the
 * other.
 *
 * A `Source` is opened to a `Cursor`, a cursor has `next` and `close`, and both are operations.
 * `each` opens and closes it around a body; `subscribe` opens one that is closed with the block.
 * The next value is asked for when the body is done with the last, so a fast source waits for a
 * slow task.
 */

import { operation, tracked } from '../../kernel/protocol/debug.js'
import { WaiterQueue } from '../../kernel/protocol/fifo.js'
import { checkBody, wrong } from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import { suppress } from '../../kernel/protocol/suppressed.js'
import type { Operation, Trap } from '../../kernel/protocol/trap.js'
import { STAYS } from '../../kernel/protocol/wait-queue.js'
import { suspendFor } from '../raw/call.js'
import { until } from '../raw/promise.js'
import { namedResource } from './resource.js'

/** A place in a sequence of values. */
export interface Cursor<T> {
  /**
   * Waits for the next value, and returns it in the shape of an iterator's `next`. If the task is
   * cancelled while it waits, the value is left to the next call.
   */
  next(): Operation<IteratorResult<T, unknown>>
  /** Closes the source. A second call does nothing. */
  close(): Operation<void>
}

/** A sequence of values that can be opened. */
export interface Source<T> {
  /** Begins to read it. */
  open(): Cursor<T>
}

/**
 * Runs a body for each value, one after the other, until the source ends or the body returns
 * something other than `undefined`; that is returned. Then, and when the body fails, the source is
 * closed (`return()` of its iterator).
 *
 * If the task is cancelled while it waits, the source is closed, and that is awaited within the
 * grace: an async generator gets to its `finally` when the promise that it awaits is settled.
 *
 * @param source An async iterable, or a `Source`.
 * @param body Gets a value, and returns the operation to run for it.
 * @throws what the source or the body throws; Cancelled if a scope around the task is cancelled.
 * @throws TypeError if the source is neither an async iterable nor a `Source`.
 * @example
 * import { each, run, sleep } from 'drupe'
 *
 * async function* lines() {
 *   try {
 *     for (const line of ['one', 'two', 'three']) yield line
 *   } finally {
 *     console.log('closed')
 *   }
 * }
 * await run(function* () {
 *   const found = yield* each(lines(), function* (line) {
 *     yield* sleep(1)
 *     if (line.startsWith('t')) return line
 *   })
 *   // => closed
 *   console.log(found) // => two
 * })
 */
export function each<T, R = void>(
  source: AsyncIterable<T> | Source<T>,
  body: (value: T) => Operation<R>,
): Operation<Exclude<R, void> | undefined> {
  checkBody('read each', 'body', body)
  checkSource('read each', source)
  return operation('each', function* () {
    const cursor = openSource(source)
    let found: Exclude<R, void> | undefined
    try {
      while (found === undefined) {
        const step = yield* cursor.next()
        if (step.done) return undefined
        found = (yield* asOperation(body(step.value))) as typeof found
      }
    } catch (error) {
      try {
        yield* cursor.close()
      } catch (later) {
        suppress(error, later)
      }
      throw error
    }
    yield* cursor.close()
    return found
  })
}

/**
 * Opens a source for reading at one's own pace, with `yield* cursor.next()`; it is closed when the
 * innermost nursery of the task ends, like every resource, or with `yield* cursor.close()` before.
 *
 * @param source An async iterable, or a `Source`.
 * @throws TypeError if the source is neither an async iterable nor a `Source`.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, subscribe } from 'drupe'
 *
 * async function* count() {
 *   for (let n = 1; ; n++) yield n
 * }
 * await run(function* () {
 *   const numbers = yield* subscribe(count())
 *   console.log((yield* numbers.next()).value, (yield* numbers.next()).value) // => 1 2
 * })
 */
export function subscribe<T>(source: AsyncIterable<T> | Source<T>): Operation<Cursor<T>> {
  checkSource('subscribe', source)
  return namedResource<Cursor<T>>('subscribe', function* (provide) {
    const cursor = openSource(source)
    try {
      yield* provide(cursor)
    } finally {
      yield* cursor.close()
    }
  })
}

/** Opens whatever is a source. */
export function openSource<T>(source: AsyncIterable<T> | Source<T>): Cursor<T> {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return new AsyncCursor(source[Symbol.asyncIterator]())
  }
  return (source as Source<T>).open()
}

/** An async iterable, or a `Source`. */
export function checkSource<S>(action: string, source: S): S {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source || ('open' in source && typeof source.open === 'function')) return source
  }
  const advice = Array.isArray(source) ? 'for arrays there is "for … of"' : ''
  throw wrong(action, 'source', 'an async iterable or a Source', source, '', advice)
}

/**
 * Reads an async iterator. Its next value is asked for by the first reader and kept here until one
 * takes it: a wait that is called off leaves the value to the next one. All that a value costs
 * beside its promise is made once.
 */
class AsyncCursor<T> implements Cursor<T> {
  private over = false
  private asked = false
  /** What was asked for, if it is there. */
  private answer: IteratorResult<T, unknown> | null = null
  private failure: { readonly error: unknown } | null = null
  private readonly waiting = new WaiterQueue<() => void>()
  private answered: Trap<void> | null = null
  private readonly fulfilled: (answer: IteratorResult<T, unknown>) => void
  private readonly rejected: (error: unknown) => void

  constructor(private readonly iterator: AsyncIterator<T, unknown>) {
    this.fulfilled = (answer) => {
      // Like `for await`. Without it a null would be no answer, and a number one that never ends.
      if (typeof answer === 'object' && answer !== null) this.answer = answer
      else this.failure = { error: wrong('read each', "what the iterator's next() gives", 'an object', answer, '') }
      this.wake()
    }
    this.rejected = (error) => {
      this.failure = { error }
      this.wake()
    }
  }

  next(): Operation<IteratorResult<T, unknown>> {
    return tracked('next', this.step())
  }

  private *step(): Operation<IteratorResult<T, unknown>> {
    for (;;) {
      if (this.over) return { done: true, value: undefined }
      if (!this.asked) this.ask()
      this.answered ??= suspendFor(this.wait, STAYS)
      // Also if it is there: taking it is a cancellation point.
      yield* this.answered
      if (this.isThere) return this.take()
    }
  }

  *close(): Operation<void> {
    if (this.over) return
    this.over = true
    const closing = this.iterator.return?.()
    if (closing !== undefined) yield* until(Promise.resolve(closing))
  }

  private get isThere(): boolean {
    return this.answer !== null || this.failure !== null
  }

  private readonly wait = (resolve: () => void): (() => void) | void => {
    if (this.asked && !this.isThere) return this.waiting.join(resolve)
    resolve()
    return undefined
  }

  private ask(): void {
    const promise = Promise.resolve(this.iterator.next())
    this.asked = true
    promise.then(this.fulfilled, this.rejected)
  }

  private take(): IteratorResult<T, unknown> {
    const { answer, failure } = this
    this.answer = this.failure = null
    this.asked = false
    if (failure !== null) throw failure.error
    if (answer?.done) this.over = true
    return answer as IteratorResult<T, unknown>
  }

  /** Wakes all of them: one that finds no answer any more asks for the next. */
  private wake(): void {
    for (let wake = this.waiting.take(); wake !== undefined; wake = this.waiting.take()) wake()
  }
}
