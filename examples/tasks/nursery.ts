/**
 * A nursery: several tasks that succeed or fail as one.
 *
 * Start it: `npm run example -- nursery`. The first failure cancels the others, waits until they
 * are out, and leaves the nursery unchanged, so that it can be caught by its type. What failed
 * after it is not lost: `suppressed(error)` has it. Try `{ onError: 'collect' }`, or a `b` that
 * does not fail.
 */
import { nursery, type Operation, run, sleep, suppressed } from 'drupe'

class DiskFull extends Error {}

function* copy(name: string, ms: number): Operation<void> {
  let whole = false
  try {
    yield* sleep(ms)
    if (name === 'b') throw new DiskFull(`no room for ${name}`)
    whole = true
    console.log(`${name}: copied`)
  } finally {
    if (!whole) remove(name)
  }
}

function remove(name: string): void {
  if (name === 'c') throw new Error(`could not remove ${name}`)
  console.log(`${name}: half a copy, removed`)
}

await run(function* () {
  try {
    yield* nursery(function* (n) {
      yield* n.spawn(copy('a', 10))
      yield* n.spawn(copy('b', 20))
      yield* n.spawn(copy('c', 60_000))
    })
  } catch (error) {
    if (!(error instanceof DiskFull)) throw error
    console.log(`stopped: ${error.message}`)
    for (const later of suppressed(error)) console.log(`and then: ${(later as Error).message}`)
  }
})
