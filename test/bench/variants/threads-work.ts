/** What the threads of the bench run: nothing, and something that computes. One argument, as piscina has it. */
import { checkpoint, type Operation } from 'drupe'

export const nothing = (n: number): number => n

/** How many primes there are below a limit. */
export function primes(limit: number): number {
  let count = 0
  for (let n = 2; n < limit; n++) if (isPrime(n)) count++
  return count
}

function isPrime(n: number): boolean {
  for (let k = 2; k * k <= n; k++) if (n % k === 0) return false
  return true
}

/** Computes until it is cancelled, and looks up after each number. */
export function* everyPrime(from: number): Operation<never> {
  for (let n = from; ; n++) {
    isPrime(n)
    yield* checkpoint()
  }
}
