/**
 * Ticks: doing something again and again without drifting, every so many milliseconds or after the
 * delays of a schedule.
 *
 * The ticks are on a grid that starts when the first one is asked for. Work between two of them
 * takes nothing away from the grid; what happens when it takes longer than the time to the next
 * tick is the `late` policy.
 */
import { operation, tracked } from '../../kernel/protocol/debug.js'
import { checkBody, checkOptions, checkTime, checkWord, wrong } from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import { type Operation, SLEEP_UNTIL, Trap } from '../../kernel/protocol/trap.js'
import { STAYS } from '../../kernel/protocol/wait-queue.js'
import { randomSource } from './random.js'
import { checkSchedule, delaysOf, type Schedule } from './schedule.js'
import { clock } from './time.js'

/** What happens to ticks that came while the task was busy. */
export interface TickerOptions {
  /**
   * `'skip'` (default): they are one tick, and the next one is on the grid again. `'burst'`: each
   * is made up for, at once.
   */
  readonly late?: 'skip' | 'burst' | undefined
}

/**
 * Makes a ticker with a period in milliseconds, or with a schedule: its delays are the times from
 * one tick to the next, so ticks are on a grid whatever the work between them takes. A delay of 0
 * is a tick of its own, also with `'skip'`. Where the schedule ends there are no more ticks.
 *
 * @param every The period in milliseconds, more than 0; or a schedule, such as `exponential()`.
 * @param options `late`: what becomes of ticks that were missed.
 * @throws RangeError if a period is not more than 0, or not finite; TypeError if it is neither.
 * @example
 * import { clock, sleep, ticker } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const ticks = ticker(50)
 *   for (let i = 0; i < 3; i++) {
 *     yield* ticks.next()
 *     yield* sleep(30) // takes nothing away from the next period
 *   }
 *   console.log(yield* clock()) // => 180
 * })
 * @see https://pkg.go.dev/time#Ticker
 */
export function ticker(every: number | Schedule, options?: TickerOptions): Ticker {
  return new Ticker(every, options)
}

/**
 * Ticks on a grid; made by `ticker()`. One task at a time.
 *
 * @example
 * import { ticker } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const ticks = ticker(60_000)
 *   console.log(ticks.ms, yield* ticks.next()) // => 60000 1
 * })
 */
export class Ticker {
  /** The period in milliseconds; null if a schedule says when. */
  readonly ms: number | null
  private readonly schedule: Schedule | null
  private readonly late: 'skip' | 'burst'
  /** Of the schedule; null before the first tick was asked for. */
  private delays: Generator<number, undefined> | null = null
  /** NaN: the grid has not begun, or the schedule is over. */
  private due = Number.NaN

  /** @internal */
  constructor(every: number | Schedule, options?: TickerOptions) {
    const scheduled = typeof every === 'object' && every !== null
    this.schedule = scheduled ? checkSchedule('tick', 'every', every) : null
    this.ms = scheduled ? null : checkEvery(every)
    checkOptions('tick', 'options', options)
    this.late = checkWord('tick', 'late', options?.late ?? 'skip', ['skip', 'burst'])
  }

  /**
   * Waits for the next tick, and returns how many ticks it stands for: 1, and with `'skip'` one
   * more for each that was missed. The first comes a period, or the first delay, after this was
   * called for the first time. At the end of a schedule it returns 0, at once. Other tasks always
   * run before a tick. If the task is cancelled while it waits, the tick is still to come.
   *
   * @throws RangeError if a delay of the schedule is no time; what the schedule throws.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  next(): Operation<number> {
    return tracked('next', this.waitForNext())
  }

  /**
   * Starts the grid anew, and the schedule: the next tick comes a period, or the first delay, after
   * `next` is called. It is a plain call and no trap.
   */
  reset(): void {
    const { delays } = this
    this.due = Number.NaN
    this.delays = null
    delays?.return(undefined)
  }

  private *waitForNext(): Operation<number> {
    for (;;) {
      if (Number.isNaN(this.due)) {
        if (this.delays !== null) return 0
        if (this.schedule !== null) this.delays = delaysOf(this.schedule, yield* randomSource())
        const delay = this.delay()
        if (Number.isNaN(delay)) return 0
        this.due = (yield* clock()) + delay
      }
      const { due } = this
      // A tick that comes together with a cancel is still to come.
      yield* new Trap<void>(SLEEP_UNTIL, null, STAYS, due)
      const now = yield* clock()
      // It may have been reset meanwhile.
      if (this.due === due) return this.pass(now)
    }
  }

  /** Goes on to the tick after this one, and counts. */
  private pass(now: number): number {
    const { ms, late } = this
    let ticks = 1
    if (ms !== null) {
      // Divided, since after a night asleep they may be millions.
      if (late === 'skip') ticks += Math.max(0, Math.floor((now - this.due) / ms))
      this.due += ticks * ms
      return ticks
    }
    let delay = this.delay()
    this.due += delay
    while (late === 'skip' && delay > 0 && this.due <= now) {
      ticks++
      delay = this.delay()
      this.due += delay
    }
    return ticks
  }

  /** From one tick to the next; NaN if there is no next one. */
  private delay(): number {
    if (this.ms !== null) return this.ms
    return this.delays?.next().value ?? Number.NaN
  }
}

/**
 * Runs an operation again and again, every so many milliseconds or after the delays of a schedule,
 * until it throws, the schedule ends or this is cancelled. The first time is after one period, or
 * the first delay. The times are on a grid, as those of a `ticker`: they are from the beginning of
 * one run to the beginning of the next, and a run never begins before the one before it has ended.
 *
 * @param every The period in milliseconds, more than 0; or a schedule.
 * @param body Gets the number of ticks that this run stands for; see `Ticker.next`.
 * @param options `late`: what becomes of ticks that were missed.
 * @throws what the operation throws, or the schedule.
 * @throws RangeError if a period is not more than 0, or not finite; TypeError if it is neither.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { clock, exponential, interval, moveOn } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   let runs = 0
 *   yield* moveOn(55, interval(10, function* () {
 *     runs++
 *   }))
 *   console.log(runs) // => 5
 *   const begun = yield* clock()
 *   yield* moveOn(100, interval(exponential({ first: 10 }), function* () {
 *     console.log((yield* clock()) - begun)
 *   }))
 *   // => 10
 *   // => 30
 *   // => 70
 * })
 */
export function interval(
  every: number,
  body: (ticks: number) => Operation<unknown>,
  options?: TickerOptions,
): Operation<never>
/**
 * The same after the delays of a schedule; it returns where that ends.
 *
 * @param every The period in milliseconds, more than 0; or a schedule.
 * @param body Gets the number of ticks that this run stands for; see `Ticker.next`.
 * @param options `late`: what becomes of ticks that were missed.
 * @throws what the operation throws, or the schedule.
 * @throws RangeError or TypeError if `every` is neither.
 * @throws Cancelled if a scope around the task is cancelled.
 */
export function interval(
  every: number | Schedule,
  body: (ticks: number) => Operation<unknown>,
  options?: TickerOptions,
): Operation<void>
export function interval(
  every: number | Schedule,
  body: (ticks: number) => Operation<unknown>,
  options?: TickerOptions,
): Operation<void> {
  const ticks = new Ticker(every, options)
  checkBody('tick', 'body', body)
  return operation('interval', function* () {
    try {
      for (let count = yield* ticks.next(); count > 0; count = yield* ticks.next()) yield* asOperation(body(count))
    } finally {
      ticks.reset()
    }
  })
}

function checkEvery(every: number): number {
  if (typeof every === 'number') return checkPeriod('tick', 'every', every)
  throw wrong('tick', 'every', 'a number of milliseconds or a schedule', every, '')
}

/** A time that something can be repeated after. */
export function checkPeriod(action: string, name: string, ms: number): number {
  if (checkTime(action, name, ms) > 0 && ms < Number.POSITIVE_INFINITY) return ms
  throw wrong(action, name, 'a number of milliseconds, more than 0 and finite', ms, 'number')
}
