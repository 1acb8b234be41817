/**
 * Random numbers from a seed, for schedules that can be run again.
 *
 * Marsaglia's xorshift, 32 bits: not for secrets, but the same on every machine and in every
 * version of every engine.
 *
 * @see https://www.jstatsoft.org/article/view/v008i14
 */

/** Makes a function that gives numbers in [0, 1), always the same for the same seed. */
export function seededRandom(seed: number): () => number {
  // The state must not be 0, and seeds that are close together should not give similar sequences.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}
