/**
 * Rate limiter: so many tokens in so many milliseconds, and a burst of them at once.
 *
 * The bucket is one number, the time at which it would be full again; taking tokens moves that time
 * on. So nothing runs while nobody waits, and nothing is lost to rounding: the time that a task
 * sleeps until is the one that is compared afterwards. The task that has waited for longest sleeps,
 * the others wait for its place.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { checkCount, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { pass } from '../raw/call.js'
import { checkPeriod } from '../raw/interval.js'
import { clock, sleepUntil } from '../raw/time.js'
import { within } from '../scope/scope.js'
import { type NameOptions, titleOf } from './atomic.js'
import { Semaphore } from './semaphore.js'

/** How a rate limiter behaves. */
export interface RateOptions extends NameOptions {
  /** Tokens that there are at most, to be taken at once. Default: those of one period. */
  readonly burst?: number | undefined
}

/** The figures of a rate limiter. */
export interface RateStatistics {
  /** Tokens that were taken. */
  readonly taken: number
  /** How often `tryAcquire` returned false. */
  readonly refused: number
  /** Tasks that wait for tokens. */
  readonly waiting: number
  /** Tokens that there are at most. */
  readonly burst: number
}

/**
 * Lets so many through in a time: a token bucket, full at first. It counts on the kernel's clock,
 * so it is for the tasks of one kernel.
 *
 * @example
 * import { clock, RateLimiter } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const limiter = new RateLimiter(10, 1000, { burst: 2 })
 *   for (let i = 0; i < 4; i++) yield* limiter.acquire()
 *   console.log(yield* clock()) // => 200
 *   console.log(yield* limiter.tryAcquire()) // => false
 * })
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export class RateLimiter {
  private readonly title: string
  private readonly burst: number
  /** Milliseconds that a token takes. */
  private readonly cost: number
  private fullAt = Number.NEGATIVE_INFINITY
  private readonly turn = new Semaphore(1)
  private taken = 0
  private refused = 0
  private waiting = 0

  /**
   * @param count Tokens that come in a period; 1 or more.
   * @param ms The period in milliseconds, more than 0.
   * @param options `burst`: tokens that there are at most; `name`: for messages.
   * @throws RangeError if one of them is out of range.
   */
  constructor(count: number, ms: number, options?: RateOptions) {
    this.title = titleOf('rate limiter', options)
    checkCount('make a rate limiter', 'count', count, 1)
    this.cost = checkPeriod('make a rate limiter', 'ms', ms) / count
    this.burst = checkCount('make a rate limiter', 'burst', options?.burst ?? count, 1)
  }

  /**
   * Takes tokens; waits until they are there and all tasks that came before have theirs. If the
   * task is cancelled while it waits, it has taken none.
   *
   * @param tokens How many; from 1 to the burst. Default: 1.
   * @param options `timeout` in milliseconds.
   * @throws RangeError if there are never so many.
   * @throws TimeoutError if it did not get them within `timeout`.
   * @throws Cancelled if a scope around the task is cancelled, also when they are there.
   */
  acquire(tokens = 1, options?: WaitOptions): Operation<void> {
    checkCount('acquire', 'tokens', tokens, 1, this.burst)
    return tracked('acquire', this.acquireOperation(tokens, timeoutOf('acquire', options)))
  }

  /**
   * Takes tokens if they are there and no task waits; returns whether it did. Does not wait, and is
   * no cancellation point.
   *
   * @param tokens How many; from 1 to the burst. Default: 1.
   * @throws RangeError if there are never so many.
   */
  tryAcquire(tokens = 1): Operation<boolean> {
    checkCount('acquire', 'tokens', tokens, 1, this.burst)
    return tracked('tryAcquire', this.tryOperation(tokens))
  }

  /** Returns the current figures. */
  statistics(): RateStatistics {
    const { taken, refused, waiting, burst } = this
    return { taken, refused, waiting, burst }
  }

  private *acquireOperation(tokens: number, ms: number): Operation<void> {
    yield* pass()
    const now = yield* clock()
    if (this.waiting === 0 && this.take(tokens, now)) return
    this.waiting++
    try {
      yield* within(
        `acquire the ${this.title}`,
        ms,
        this.turn.with(() => this.wait(tokens)),
      )
    } finally {
      this.waiting--
    }
  }

  private *wait(tokens: number): Operation<void> {
    for (let now = yield* clock(); !this.take(tokens, now); now = yield* clock()) {
      yield* sleepUntil(this.readyAt(tokens, now))
    }
  }

  private *tryOperation(tokens: number): Operation<boolean> {
    const now = yield* clock()
    if (this.waiting === 0 && this.take(tokens, now)) return true
    this.refused++
    return false
  }

  private take(tokens: number, now: number): boolean {
    if (this.readyAt(tokens, now) > now) return false
    this.fullAt = Math.max(this.fullAt, now) + tokens * this.cost
    this.taken += tokens
    return true
  }

  private readyAt(tokens: number, now: number): number {
    return Math.max(this.fullAt, now) - (this.burst - tokens) * this.cost
  }
}
