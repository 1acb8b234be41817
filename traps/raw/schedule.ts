/**
 * Schedules: how long to wait before the next time, and how often there is one.
 *
 * A schedule is a plain value that can be used again. Each use asks it for delays in milliseconds,
 * one after the other, and the end of the delays is the end of the repetition. Any iterable of
 * numbers that can be iterated again is one, `[10, 50, 250]` for instance. The random numbers come
 * from the caller, so that a kernel with a seed has the same jitter in every run.
 */
import { checkOptions, checkShare, checkTime, wrong } from '../../kernel/protocol/operands.js'

/** Delays in milliseconds that may need random numbers. */
export interface DrawnDelays {
  /**
   * Begins anew.
   *
   * @param random Gives numbers in [0, 1).
   */
  delays(random: () => number): Iterable<number>
}

/** Delays in milliseconds: an iterable of numbers, or one that needs random numbers. */
export type Schedule = Iterable<number> | DrawnDelays

/** How delays grow. */
export interface GrowthOptions {
  /** The first delay in milliseconds. Default: 100. */
  readonly first?: number | undefined
  /** No delay is longer than this, in milliseconds. Default: no limit. */
  readonly max?: number | undefined
}

/** How delays grow by a factor. */
export interface ExponentialOptions extends GrowthOptions {
  /** Each delay is so many times the one before; 1 or more. Default: 2. */
  readonly factor?: number | undefined
}

/**
 * Makes a schedule without end whose delays grow by a factor.
 *
 * @param options `first` and `max` in milliseconds, and `factor`.
 * @throws RangeError if one of them is out of range.
 * @example
 * import { exponential } from 'drupe'
 *
 * const [a, b, c] = exponential({ first: 10, max: 35 })
 * console.log(a, b, c) // => 10 20 35
 */
export function exponential(options?: ExponentialOptions): Iterable<number> {
  const { first, max } = growthOf('make an exponential schedule', options)
  const factor = options?.factor ?? 2
  if (!(typeof factor === 'number' && factor >= 1 && factor < Number.POSITIVE_INFINITY)) {
    throw wrong('make an exponential schedule', 'factor', 'a finite number, 1 or more', factor, 'number')
  }
  return endless(function* () {
    for (let ms = first; ; ms = Math.min(max, ms * factor)) yield Math.min(max, ms)
  })
}

/**
 * Makes a schedule without end whose delays are each the sum of the two before.
 *
 * @param options `first` and `max` in milliseconds.
 * @throws RangeError if one of them is out of range.
 * @example
 * import { fibonacci } from 'drupe'
 *
 * const [a, b, c, d] = fibonacci({ first: 10 })
 * console.log(a, b, c, d) // => 10 10 20 30
 */
export function fibonacci(options?: GrowthOptions): Iterable<number> {
  const { first, max } = growthOf('make a Fibonacci schedule', options)
  return endless(function* () {
    for (let now = first, next = first; ; [now, next] = [next, Math.min(max, now + next)]) yield Math.min(max, now)
  })
}

/**
 * Makes a schedule without end whose delays are all the same.
 *
 * @param ms The delay in milliseconds, 0 or more.
 * @throws RangeError if `ms` is negative or NaN.
 * @example
 * import { fixed } from 'drupe'
 *
 * const [a, b] = fixed(10)
 * console.log(a, b) // => 10 10
 */
export function fixed(ms: number): Iterable<number> {
  checkTime('make a fixed schedule', 'ms', ms)
  return endless(function* () {
    for (;;) yield ms
  })
}

/**
 * Makes a schedule of another one: from each delay a random part is taken off.
 *
 * @param schedule The delays.
 * @param share How much of a delay may be taken off, from 0 to 1. Default: 0.5.
 * @throws TypeError if `schedule` is none; RangeError if `share` is not from 0 to 1.
 * @example
 * import { fixed, jittered } from 'drupe'
 *
 * const [ms] = jittered(fixed(100), 0.5).delays(() => 0.5)
 * console.log(ms) // => 75
 */
export function jittered(schedule: Schedule, share = 0.5): DrawnDelays {
  checkSchedule('make a jittered schedule', 'schedule', schedule)
  checkShare('make a jittered schedule', 'share', share)
  return {
    *delays(random) {
      for (const ms of delaysOf(schedule, random)) yield ms * (1 - share * random())
    },
  }
}

/** Something that gives delays. */
export function checkSchedule<S>(action: string, name: string, schedule: S): S {
  if (typeof schedule === 'object' && schedule !== null) {
    if (Symbol.iterator in schedule) return schedule
    if ('delays' in schedule && typeof schedule.delays === 'function') return schedule
  }
  throw wrong(action, name, 'a schedule or an iterable of milliseconds', schedule, '')
}

/** The delays, each of them checked: an iterable can give anything. */
export function* delaysOf(schedule: Schedule, random: () => number): Generator<number, undefined> {
  const delays = Symbol.iterator in schedule ? schedule : schedule.delays(random)
  for (const ms of delays) yield checkTime('follow the schedule', 'a delay', ms)
  return undefined
}

function growthOf(action: string, options: GrowthOptions | undefined): { first: number; max: number } {
  checkOptions(action, 'options', options)
  return {
    first: checkTime(action, 'first', options?.first ?? 100),
    max: checkTime(action, 'max', options?.max ?? Number.POSITIVE_INFINITY),
  }
}

const endless = (delays: () => Iterator<number>): Iterable<number> => ({ [Symbol.iterator]: delays })
