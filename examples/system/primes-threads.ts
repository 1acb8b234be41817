/**
 * Primes below a number, counted by several threads.
 *
 * Start it: `npm run example -- primes-threads 300000 4` counts them in four. Ranges are put into a
 * queue, and whichever thread has time takes the next one, so that none waits for the slowest. Both
 * queues live in this thread; their links are arguments of the calls. Ctrl-C cancels all of it, the
 * threads included, which are gone before the program ends. Try 1 thread, and fewer PIECES.
 */
import { availableParallelism } from 'node:os'
import { main, nursery, type Operation, threadPool, UniversalQueue, use } from 'drupe'
import type { Range } from '../handlers/primes.js'

const below = Number(process.argv[2]) || 100_000
const threads = Number(process.argv[3] ?? availableParallelism())
const PIECES = 20

await main(function* () {
  const begin = performance.now()
  const pool = threadPool({ module: new URL('../handlers/primes.js', import.meta.url), size: threads })
  const primes = yield* use(pool, function* (pool) {
    const ranges = new UniversalQueue<Range | null>(threads)
    const counts = new UniversalQueue<number>()
    return yield* nursery(function* (n) {
      for (let i = 0; i < threads; i++) yield* n.spawn(pool.run('work', ranges.link(), counts.link()))
      yield* n.spawn(() => fill(ranges))
      let sum = 0
      for (let piece = 1; piece <= PIECES; piece++) {
        sum += yield* counts.get()
        console.log(`${piece} of ${PIECES} pieces: ${sum} primes`)
      }
      return sum
    })
  })
  console.log(`${primes} primes below ${below}, in ${threads} thread(s), ${Math.round(performance.now() - begin)} ms`)
})

/** All ranges, and a null for each thread. */
function* fill(ranges: UniversalQueue<Range | null>): Operation<void> {
  const step = Math.ceil(below / PIECES)
  for (let piece = 0; piece < PIECES; piece++) {
    yield* ranges.put([piece * step, Math.min((piece + 1) * step, below)])
  }
  for (let i = 0; i < threads; i++) yield* ranges.put(null)
}
