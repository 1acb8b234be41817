/**
 * Raw traps: random numbers of the kernel.
 *
 * A kernel with a seed gives its tasks the same numbers in every run, so that a jitter can be
 * played again like everything else. Without a seed they are those of the host. Not for secrets.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { atomically } from './call.js'

const RANDOM = atomically((_task, _trap, scheduler) => scheduler.draw())
const SOURCE = atomically((_task, _trap, scheduler) => scheduler.draw)

/**
 * Returns a random number from 0 on and below 1; for the same seed of the kernel, always the same
 * ones. Does not wait, and is no cancellation point.
 *
 * @example
 * import { random } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * const first = virtual({ seed: 7 }, () => random())
 * console.log(first === virtual({ seed: 7 }, () => random())) // => true
 */
export function random(): Trap<number> {
  return tracked('random', RANDOM)
}

/** The function that they come from, for a caller that draws many. */
export function randomSource(): Trap<() => number> {
  return SOURCE
}
