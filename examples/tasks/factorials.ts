/**
 * Factorials side by side: three tasks of one thread, or two threads that compute.
 *
 * Start it: `npm run example -- factorials 500`. Tasks share one processor: they take turns
 * wherever they say `yield*`, which is no faster, but answers come as they are ready. Threads are
 * faster; the function is the same. Try a larger number.
 */
import { all, checkpoint, type Operation, run, threadPool, use } from 'drupe'

/** Yields now and then, so that it can be cancelled and others get their turn. */
export function* factorial(n: number): Operation<bigint> {
  let product = 1n
  for (let i = 2n; i <= BigInt(n); i++) {
    product *= i
    if (i % 100n === 0n) yield* checkpoint()
  }
  return product
}

function* told(name: string, op: Operation<bigint>): Operation<void> {
  const digits = String(yield* op).length
  console.log(`${name}: ${digits} digits`)
}

function* main(): Operation<void> {
  const largest = Number(process.argv[2]) || 2000
  const numbers = [largest, Math.floor(largest / 2), 5]
  yield* all(numbers.map((n) => told(`task, ${n}!`, factorial(n))))
  yield* use(threadPool({ module: new URL(import.meta.url), size: 2 }), function* (pool) {
    yield* all(numbers.map((n) => told(`thread, ${n}!`, pool.run<bigint>('factorial', n))))
  })
}

// The threads import this module, too, for its `factorial`.
const { isMainThread } = await import('node:worker_threads')
if (isMainThread) await run(main)
