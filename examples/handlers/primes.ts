/**
 * What primes-threads and primes-processes run elsewhere: how many primes there are in a range.
 *
 * Start it: `npm run example -- primes-threads`. Try it without `checkpoint`: it hears no cancel
 * then.
 */
import { checkpoint, type LinkPort, linkedQueue, type Operation } from 'drupe'

/** From one number to before another one. */
export type Range = readonly [from: number, to: number]

/** Takes ranges from one queue until there are none, and puts their counts into another. */
export function* work(ranges: LinkPort, counts: LinkPort): Operation<void> {
  const work = linkedQueue<Range | null>(ranges)
  const done = linkedQueue<number>(counts)
  for (let range = yield* work.get(); range !== null; range = yield* work.get()) yield* done.put(yield* count(range))
}

/** Looks up after each number, so that a cancel is heard. */
export function* count([from, to]: Range): Operation<number> {
  let primes = 0
  for (let n = Math.max(from, 2); n < to; n++) {
    if (isPrime(n)) primes++
    yield* checkpoint()
  }
  return primes
}

function isPrime(n: number): boolean {
  for (let k = 2; k * k <= n; k++) if (n % k === 0) return false
  return true
}
