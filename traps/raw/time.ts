/**
 * Raw traps: about time. Milliseconds, fractions included, on the kernel's own clock, which never
 * goes backwards.
 */
import { tracker } from '../../kernel/protocol/debug.js'
import { checkAt, checkTime } from '../../kernel/protocol/operands.js'
import { CLOCK, SLEEP, SLEEP_UNTIL, Trap } from '../../kernel/protocol/trap.js'

let lastSleep = new Trap<void>(SLEEP, null, null, 0)
const CLOCK_TRAP = new Trap<number>(CLOCK, null, null, 0)

/**
 * Waits for a time. The trap can be kept and used again: `const pause = sleep(10)`.
 *
 * @param ms Milliseconds, 0 or more, fractions included; Infinity sleeps until cancelled.
 * @throws RangeError if `ms` is negative or NaN.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { runSync, sleep } from 'drupe'
 *
 * runSync(function* () {
 *   yield* sleep(1.5)
 * })
 */
export function sleep(ms: number): Trap<void> {
  // A trap has no state, so the one made last serves again if it fits; in debug mode each call must
  // be distinct.
  if (ms === lastSleep.amount && tracker === null) return lastSleep
  lastSleep = new Trap<void>(SLEEP, null, null, checkTime('sleep', 'ms', ms))
  return lastSleep
}

/**
 * Waits until the kernel's clock shows a time; returns at the next turn if it has passed.
 *
 * @param at Milliseconds on the clock that `clock()` reads.
 * @throws RangeError if `at` is NaN.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { runSync, clock, sleepUntil } from 'drupe'
 *
 * runSync(function* () {
 *   let next = yield* clock()
 *   for (let i = 0; i < 3; i++) yield* sleepUntil((next += 2)) // ticks that do not drift
 * })
 */
export function sleepUntil(at: number): Trap<void> {
  return new Trap(SLEEP_UNTIL, null, null, checkAt('sleep', 'at', at))
}

/**
 * Returns the time on the kernel's clock, in milliseconds; where the clock starts is not defined.
 * Does not wait.
 *
 * @example
 * import { runSync, clock, sleep } from 'drupe'
 *
 * runSync(function* () {
 *   const start = yield* clock()
 *   yield* sleep(2)
 *   console.log((yield* clock()) - start >= 2) // => true
 * })
 */
export function clock(): Trap<number> {
  return CLOCK_TRAP
}
