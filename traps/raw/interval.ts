/**
 * Ticks: doing something every so many milliseconds without drifting.
 *
 * The ticks are on a grid that starts when the first one is asked for. Work between two of them
 * takes nothing away from the grid; what happens when it takes longer than a period is the `late`
 * policy.
 */
import { operation, tracked } from '../../kernel/protocol/debug.js'
import { checkBody, checkOptions, checkTime, checkWord, wrong } from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import { type Operation, SLEEP_UNTIL, Trap } from '../../kernel/protocol/trap.js'
import { STAYS } from '../../kernel/protocol/wait-queue.js'
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
 * Makes a ticker with a period in milliseconds.
 *
 * @param ms The period in milliseconds, more than 0.
 * @param options `late`: what becomes of ticks that were missed.
 * @throws RangeError if `ms` is not more than 0, or not finite.
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
export function ticker(ms: number, options?: TickerOptions): Ticker {
  return new Ticker(ms, options)
}

/** Ticks at a fixed rate; made by `ticker()`. One task at a time. */
export class Ticker {
  /** The period in milliseconds. */
  readonly ms: number
  private readonly late: 'skip' | 'burst'
  private due = Number.NaN

  /** @internal */
  constructor(ms: number, options?: TickerOptions) {
    this.ms = checkPeriod('tick', 'ms', ms)
    checkOptions('tick', 'options', options)
    this.late = checkWord('tick', 'late', options?.late ?? 'skip', ['skip', 'burst'])
  }

  /**
   * Waits for the next tick, and returns how many ticks it stands for: 1, and with `'skip'` one
   * more for each that was missed. The first comes a period after this was called for the first
   * time. Other tasks always run in between. If the task is cancelled while it waits, the tick is
   * still to come.
   *
   * @throws Cancelled if a scope around the task is cancelled.
   */
  next(): Operation<number> {
    return tracked('next', this.waitForNext())
  }

  /**
   * Starts the grid anew: the next tick comes a period after `next` is called. It is a plain call
   * and no trap.
   */
  reset(): void {
    this.due = Number.NaN
  }

  private *waitForNext(): Operation<number> {
    const { ms, late } = this
    if (Number.isNaN(this.due)) this.due = (yield* clock()) + ms
    // A tick that comes together with a cancel is still to come.
    yield* new Trap<void>(SLEEP_UNTIL, null, STAYS, this.due)
    const missed = Math.floor(((yield* clock()) - this.due) / ms)
    const ticks = late === 'skip' ? 1 + Math.max(0, missed) : 1
    this.due += ticks * ms
    return ticks
  }
}

/**
 * Runs an operation every so many milliseconds, the first time after one period, until it throws or
 * this is cancelled.
 *
 * @param ms The period in milliseconds, from the beginning of one run to the beginning of the next.
 * @param body Gets the number of ticks that this run stands for; see `Ticker.next`.
 * @param options `late`: what becomes of ticks that were missed.
 * @throws what the operation throws; Cancelled if a scope around the task is cancelled.
 * @throws RangeError if `ms` is not more than 0, or not finite.
 * @example
 * import { interval, moveOn } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   let runs = 0
 *   yield* moveOn(55, interval(10, function* () {
 *     runs++
 *   }))
 *   console.log(runs) // => 5
 * })
 */
export function interval(
  ms: number,
  body: (ticks: number) => Operation<unknown>,
  options?: TickerOptions,
): Operation<never> {
  const ticks = new Ticker(ms, options)
  checkBody('tick', 'body', body)
  return operation('interval', function* () {
    for (;;) yield* asOperation(body(yield* ticks.next()))
  })
}

/** A time that something can be repeated after. */
export function checkPeriod(action: string, name: string, ms: number): number {
  if (checkTime(action, name, ms) > 0 && ms < Number.POSITIVE_INFINITY) return ms
  throw wrong(action, name, 'a number of milliseconds, more than 0 and finite', ms, 'number')
}
