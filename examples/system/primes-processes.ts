/**
 * Primes below a number, counted by several processes.
 *
 * Start it: `npm run example -- primes-processes 300000 4` counts them in four. It is as in
 * primes-threads, but for who takes ranges out of the queue: a port to it cannot be sent to another
 * process, so a task here takes them, one for each process, and makes a call of each. Ctrl-C
 * cancels all of it, and no process is left. Try to kill one of them.
 */
import { availableParallelism } from 'node:os'
import { main, map, processPool, Queue, spawn, use } from 'drupe'
import type { Range } from '../handlers/primes.js'

const below = Number(process.argv[2]) || 100_000
const processes = Number(process.argv[3] ?? availableParallelism())
const PIECES = 20

await main(function* () {
  const begin = performance.now()
  const pool = processPool({ module: new URL('../handlers/primes.js', import.meta.url), size: processes })
  const primes = yield* use(pool, function* (pool) {
    const ranges = new Queue<Range>(processes)
    yield* spawn(function* fill() {
      const step = Math.ceil(below / PIECES)
      for (let piece = 0; piece < PIECES; piece++) {
        yield* ranges.put([piece * step, Math.min((piece + 1) * step, below)])
      }
    })
    let left = PIECES
    let sum = 0
    yield* map(Array.from({ length: processes }), function* worker() {
      while (left > 0) {
        left--
        const found = yield* pool.run<number>('count', yield* ranges.get())
        sum += found
        console.log(`${sum} primes`)
      }
    })
    return sum
  })
  const ms = Math.round(performance.now() - begin)
  console.log(`${primes} primes below ${below}, in ${processes} process(es), ${ms} ms`)
})
