/**
 * A spinner that turns while something takes its time: once a task, and once a thread that
 * computes.
 *
 * Start it: `npm run example -- spinner`. The spinner is a daemon: its nursery does not wait for
 * it, and ends it. While another thread computes, this one goes on turning. Try a loop that
 * computes here, without a `yield*` in it: then it stands still.
 */
import { nursery, type Op, type Operation, run, sleep, thread } from 'drupe'

function* spin(text: string): Operation<void> {
  let turns = 0
  try {
    for (;;) {
      process.stdout.write(`\r${'|/-\\'[turns++ % 4]} ${text}`)
      yield* sleep(20)
    }
  } finally {
    process.stdout.write(`\r${' '.repeat(text.length + 2)}\r`)
    console.log(`${text} turned: ${turns > 2}`)
  }
}

function* withSpinner<T>(text: string, op: Op<T>): Operation<T> {
  return yield* nursery(function* (n) {
    yield* n.spawn(spin(text), { daemon: true })
    return yield* typeof op === 'function' ? op() : op
  })
}

function* supervisor(): Operation<void> {
  const slow = function* (): Operation<number> {
    yield* sleep(200)
    return 42
  }
  console.log(`answer: ${yield* withSpinner('thinking', slow)}`)
  const module = new URL('../handlers/primes.js', import.meta.url)
  console.log(`primes: ${yield* withSpinner('computing', thread<number>(module, 'count', [0, 200_000]))}`)
}

await run(supervisor)
