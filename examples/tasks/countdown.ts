/**
 * Countdowns side by side, the first program of every talk about tasks, and one that is cancelled.
 *
 * Start it: `npm run example -- countdown`. Between two `yield*` no other task runs. Try to take
 * the `yield* sleep(…)` away: then each counts to its end before the next one begins.
 */
import { nursery, type Operation, run, sleep } from 'drupe'

function* countdown(name: string, from: number, ms: number): Operation<void> {
  try {
    for (let n = from; n > 0; n--) {
      console.log(`${name}: ${n}`)
      yield* sleep(ms)
    }
    console.log(`${name}: lift-off`)
  } finally {
    console.log(`${name}: cleaned up`)
  }
}

await run(() =>
  nursery(function* (n) {
    yield* n.spawn(countdown('rocket', 5, 20))
    yield* n.spawn(countdown('balloon', 3, 30))
    const kite = yield* n.spawn(countdown('kite', 1000, 25))
    yield* sleep(60)
    yield* kite.cancel('no wind')
    console.log(`kite: ${kite.state}`)
  }),
)
