/** What is asked of a pool: which function, with what, and how often. */
export const JOBS = {
  nothing: { name: 'nothing', argument: 1, calls: 4000 },
  short: { name: 'primes', argument: 4000, calls: 1000 },
  long: { name: 'primes', argument: 30_000, calls: 150 },
} as const

export type Job = keyof typeof JOBS

export const isJob = (word: string): word is Job => Object.hasOwn(JOBS, word)

/** How often one call is made after the other. */
export const ALONE = 2000
