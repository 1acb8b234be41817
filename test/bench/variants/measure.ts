/**
 * How a small variant measures itself and what it prints.
 *
 * One idea: the clock runs inside the operation, not around the process: start-up, compilation and the first
 * garbage are paid in warm-up repetitions, and the answer is the median of the ones after it, as one JSON line.
 */

/** Performs n items and returns the nanoseconds they took. */
export type Timed = (n: number) => number | Promise<number>

export const now = (): number => performance.now() * 1e6

/** Nanoseconds per item: the median of `repetitions` after two that do not count. */
export async function perItem(n: number, timed: Timed, repetitions = 7): Promise<number> {
  await timed(n)
  await timed(n)
  const results: number[] = []
  for (let i = 0; i < repetitions; i++) {
    globalThis.gc?.()
    results.push((await timed(n)) / n)
  }
  results.sort((a, b) => a - b)
  return results[repetitions >> 1] ?? Number.NaN
}

/**
 * Memory in use after collection: what JavaScript holds (its heap and its buffers), the buffers alone, and what the process
 * holds.
 */
export function memory(): { held: number; heap: number; buffers: number; rss: number } {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
  return { held: heapUsed + external, heap: heapUsed, buffers: arrayBuffers, rss }
}

/** The one line that the harness reads. */
export function print(sample: Record<string, number>): void {
  console.log(JSON.stringify(sample))
}

/** How many sleepers or timers; smaller in a quick run. */
export function size(fallback: number): number {
  const flag = process.argv.find((arg) => arg.startsWith('n='))
  return flag === undefined ? fallback : Number(flag.slice(2))
}

/** CPU time of this process so far, all its threads, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Is this word among the arguments? */
export const asked = (word: string): boolean => process.argv.includes(word)
