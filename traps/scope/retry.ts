/**
 * Trying again: an operation that may fail is run until it succeeds, so many times, so long.
 *
 * A `Cancelled` of a scope around it is no failure of an attempt, so it is never tried again and
 * never noted: it leaves at once, also between two attempts. An attempt that makes it another error
 * is the last one. What leaves in the end is the last error, unchanged; the ones
 * before it are in `suppressed(error)`.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import {
  checkBody,
  checkFunction,
  checkLimit,
  checkOptions,
  checkShare,
  checkTime,
} from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import { suppress } from '../../kernel/protocol/suppressed.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { randomSource } from '../raw/random.js'
import { checkSchedule, delaysOf, exponential, jittered, type Schedule } from '../raw/schedule.js'
import { sleep } from '../raw/time.js'
import { isCalledOff, isLeaving } from './place.js'
import { within } from './scope.js'

/** How often, how long and after what an operation is tried again. */
export interface RetryOptions {
  /** Attempts at most, the first included; 1 or more, or Infinity. Default: 3. */
  readonly times?: number | undefined
  /** The delays between attempts; its end is the end of them. Default: `exponential()`. */
  readonly backoff?: Schedule | undefined
  /** Which part of a delay may be taken off at random, from 0 to 1. Default: 0. */
  readonly jitter?: number | undefined
  /** Milliseconds for one attempt; one that takes longer has failed. Default: no limit. */
  readonly timeout?: number | undefined
  /** Milliseconds for all attempts and the delays between them. Default: no limit. */
  readonly within?: number | undefined
  /** Whether to try again after this error of this attempt, counted from 1. Default: always. */
  readonly while?: ((error: unknown, attempt: number) => boolean) | undefined
}

const ACTION = 'retry'
/** An endless retry would keep them for ever. */
const ERRORS_KEPT = 100

/**
 * Runs an operation until it succeeds, and returns its result. If the task is cancelled during an
 * attempt or between two, there is no other one.
 *
 * @param op Makes the operation for an attempt; gets its number, counted from 1.
 * @param options How often, how long and after what errors.
 * @throws the last error when no attempt is left, or `while` returned false; `suppressed(error)`
 * lists the errors of the attempts before, the latest 100 at most.
 * @throws TimeoutError when `within` is over, or the last attempt took longer than `timeout`.
 * @throws Cancelled if a scope around the task is cancelled.
 * @throws TypeError or RangeError if an option is wrong.
 * @example
 * import { clock, exponential, retry } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const result = yield* retry(function* (attempt) {
 *     if (attempt < 3) throw new Error('not yet')
 *     return `attempt ${attempt}`
 *   }, { times: 5, backoff: exponential({ first: 10 }) })
 *   console.log(result, yield* clock()) // => attempt 3 30
 * })
 */
export function retry<T>(op: (attempt: number) => Operation<T>, options?: RetryOptions): Operation<T> {
  checkBody(ACTION, 'op', op)
  checkOptions(ACTION, 'options', options)
  const { times = 3, backoff = exponential(), jitter = 0 } = options ?? {}
  checkLimit(ACTION, 'times', times, 1)
  checkSchedule(ACTION, 'backoff', backoff)
  checkShare(ACTION, 'jitter', jitter)
  checkTime(ACTION, 'timeout', options?.timeout ?? 0)
  checkTime(ACTION, 'within', options?.within ?? 0)
  if (options?.while !== undefined) checkFunction(ACTION, 'while', options.while)
  const schedule = jitter === 0 ? backoff : jittered(backoff, jitter)
  return tracked('retry', retryOperation(op, times, schedule, options ?? {}))
}

function* retryOperation<T>(
  op: (attempt: number) => Operation<T>,
  times: number,
  schedule: Schedule,
  options: RetryOptions,
): Operation<T> {
  const errors = new Fifo<unknown>()
  try {
    return yield* within(
      ACTION,
      options.within ?? Number.POSITIVE_INFINITY,
      attempts(op, times, schedule, options, errors),
    )
  } catch (error) {
    if (yield* isLeaving(error)) throw error
    for (const earlier of errors) if (earlier !== error) suppress(error, earlier)
    throw error
  }
}

function* attempts<T>(
  op: (attempt: number) => Operation<T>,
  times: number,
  schedule: Schedule,
  options: RetryOptions,
  errors: Fifo<unknown>,
): Operation<T> {
  const delays = delaysOf(schedule, yield* randomSource())
  try {
    for (let attempt = 1; ; attempt++) {
      let failure: unknown
      try {
        return yield* within(
          `finish attempt ${attempt}`,
          options.timeout ?? Number.POSITIVE_INFINITY,
          once(op, attempt),
        )
      } catch (error) {
        if ((yield* isLeaving(error)) || (yield* isCalledOff())) throw error
        if (errors.size > ERRORS_KEPT) errors.take()
        errors.add(error)
        failure = error
        if (attempt >= times || options.while?.(error, attempt) === false) throw error
      }
      const delay = delays.next()
      if (delay.done) throw failure
      yield* sleep(delay.value)
    }
  } finally {
    delays.return(undefined)
  }
}

/** The call is a part of the attempt: what a plain function throws is its error, too. */
function* once<T>(op: (attempt: number) => Operation<T>, attempt: number): Operation<T> {
  return yield* asOperation(op(attempt))
}
