/**
 * Flows: operators over a source of values, as a chain.
 *
 * Every stage pulls from the one before it, so a slow reader slows the source, and no stage has a
 * task of its own. What makes that possible is the rule for cursors: a `next` that is cancelled
 * leaves its value to the following one. So a stage with time in it is a `next` with a limit, and
 * what it holds already is in the stage. Only `merge` has tasks, during its `next`.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { BusyError } from '../../kernel/protocol/errors.js'
import { checkCount, checkFunction, checkTime } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { clock } from '../raw/time.js'
import { type Cursor, checkSource, openSource, type Source } from '../scope/each.js'
import { moveOn } from '../scope/scope.js'
import { MergeCursor } from './merge.js'

/** The figures of a stage, of all its readers together. */
export interface StageStatistics {
  /** `map`, `filter`, …; `source` for the first. */
  readonly name: string
  /** Values that it gave to the next stage. */
  readonly given: number
}

type Step<T> = IteratorResult<T, unknown>
const OVER: Step<never> = { done: true, value: undefined }
const one = <T>(value: T): Step<T> => ({ done: false, value })
const LATE: unique symbol = Symbol('late')

/**
 * Makes a flow of a source, to be read with `each` or `subscribe`.
 *
 * @param source An async iterable, or a `Source`.
 * @throws TypeError if it is neither.
 * @example
 * import { each, flow, run } from 'drupe'
 *
 * async function* count() {
 *   for (let n = 1; ; n++) yield n
 * }
 * const even = flow(count()).filter((n) => n % 2 === 0).map((n) => n * 10).take(3)
 * await run(() => each(even, function* (n) {
 *   console.log(n)
 * }))
 * // => 20
 * // => 40
 * // => 60
 */
export function flow<T>(source: AsyncIterable<T> | Source<T>): Flow<T> {
  checkSource('make a flow', source)
  return new Flow('source', () => openSource(source), null)
}

/** A source with operators; made by `flow()`. */
export class Flow<T> implements Source<T> {
  private given = 0

  /** @internal */
  constructor(
    private readonly name: string,
    private readonly begin: () => Cursor<T>,
    private readonly before: Flow<unknown> | null,
  ) {}

  /** Begins to read it; one task at a time. It is a plain call and no trap. */
  open(): Cursor<T> {
    return new StageCursor(this.begin(), () => this.given++)
  }

  /**
   * Gives what a function makes of each value.
   *
   * @param fn Gets a value, and returns another one at once.
   */
  map<R>(fn: (value: T) => R): Flow<R> {
    checkFunction('map', 'fn', fn)
    return this.stage('map', function* (from) {
      const step = yield* from.next()
      return step.done ? OVER : one(fn(step.value))
    })
  }

  /**
   * Gives the values that a function says yes to.
   *
   * @param test Gets a value, and returns whether it stays.
   */
  filter(test: (value: T) => boolean): Flow<T> {
    checkFunction('filter', 'test', test)
    return this.stage('filter', function* (from) {
      for (;;) {
        const step = yield* from.next()
        if (step.done || test(step.value)) return step
      }
    })
  }

  /**
   * Gives the first values, and closes the source when it is asked for one more.
   *
   * @param count How many; 0 or more.
   */
  take(count: number): Flow<T> {
    checkCount('take', 'count', count, 0)
    return this.fresh('take', () => {
      let left = count
      return function* (from) {
        if (left === 0) {
          yield* from.close()
          return OVER
        }
        const step = yield* from.next()
        left--
        return step
      }
    })
  }

  /**
   * Gives lists of values: so many, or those that came in time after the first of them. An error of
   * the source leaves at once; what was gathered by then is in the list that the next read gives.
   *
   * @param count Values in a list at most; 1 or more.
   * @param ms Milliseconds after the first value. Default: no limit.
   */
  buffer(count: number, ms = Number.POSITIVE_INFINITY): Flow<readonly T[]> {
    checkCount('buffer', 'count', count, 1)
    checkTime('buffer', 'ms', ms)
    return this.fresh<readonly T[]>('buffer', () => {
      let held: T[] = []
      let until = Number.POSITIVE_INFINITY
      return function* (from) {
        while (held.length < count) {
          const left = held.length === 0 ? Number.POSITIVE_INFINITY : Math.max(0, until - (yield* clock()))
          const step = yield* moveOn(left, from.next(), LATE)
          if (step === LATE) break
          if (step.done) {
            if (held.length === 0) return OVER
            break
          }
          held.push(step.value)
          if (held.length === 1) until = (yield* clock()) + ms
        }
        const list = held
        held = []
        return one(list)
      }
    })
  }

  /**
   * Gives a value when no other one has come for a time; those before it are dropped.
   *
   * @param ms Milliseconds without a value.
   */
  debounce(ms: number): Flow<T> {
    checkTime('debounce', 'ms', ms)
    return this.fresh('debounce', () => {
      let held: Step<T> | null = null
      let until = 0
      return function* (from) {
        for (;;) {
          const left: number = held === null ? Number.POSITIVE_INFINITY : Math.max(0, until - (yield* clock()))
          const step: Step<T> | typeof LATE = yield* moveOn(left, from.next(), LATE)
          if (step === LATE || step.done) {
            const last: Step<T> = held ?? OVER
            held = null
            return last
          }
          held = step
          until = (yield* clock()) + ms
        }
      }
    })
  }

  /**
   * Gives a value, and drops those that come within a time after it.
   *
   * @param ms Milliseconds from one value to the next.
   */
  throttle(ms: number): Flow<T> {
    checkTime('throttle', 'ms', ms)
    return this.fresh('throttle', () => {
      let open = Number.NEGATIVE_INFINITY
      return function* (from) {
        for (;;) {
          const step = yield* from.next()
          if (step.done) return step
          const now = yield* clock()
          if (now < open) continue
          open = now + ms
          return step
        }
      }
    })
  }

  /**
   * Gives the values of this one and of another one as they come, until both have ended.
   *
   * @param source An async iterable, or a `Source`.
   */
  merge<U>(source: AsyncIterable<U> | Source<U>): Flow<T | U> {
    checkSource('merge', source)
    return new Flow<T | U>('merge', () => new MergeCursor<T | U>([this.open(), openSource(source)]), this)
  }

  /** Returns the current figures, stage by stage from the source on. */
  statistics(): readonly StageStatistics[] {
    return [...(this.before?.statistics() ?? []), { name: this.name, given: this.given }]
  }

  private stage<R>(name: string, next: (from: Cursor<T>) => Operation<Step<R>>): Flow<R> {
    return this.fresh(name, () => next)
  }

  /** With a state for each reader. */
  private fresh<R>(name: string, make: () => (from: Cursor<T>) => Operation<Step<R>>): Flow<R> {
    const begin = (): Cursor<R> => {
      const from = this.open()
      const next = make()
      return { next: () => next(from), close: () => from.close() }
    }
    return new Flow(name, begin, this)
  }
}

/** Counts, and sees to it that one task at a time reads. */
class StageCursor<T> implements Cursor<T> {
  private busy = false

  constructor(
    private readonly inner: Cursor<T>,
    private readonly count: () => void,
  ) {}

  next(): Operation<Step<T>> {
    return tracked('next', this.step())
  }

  close(): Operation<void> {
    return this.inner.close()
  }

  private *step(): Operation<Step<T>> {
    if (this.busy) throw new BusyError('read the flow', 'another task is reading it')
    this.busy = true
    try {
      const step = yield* this.inner.next()
      if (!step.done) this.count()
      return step
    } finally {
      this.busy = false
    }
  }
}
