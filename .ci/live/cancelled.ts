/** A program for the live page: a time limit cancels what is slow, and its cleanup may wait. */
import { moveOn, nursery, type Operation, run, sleep } from 'drupe'

function* download(name: string, ms: number): Operation<void> {
  try {
    yield* sleep(ms)
    console.log(`${name}: done`) // => fig: done
  } finally {
    yield* sleep(1)
    console.log(`${name}: closed`)
    // => fig: closed
    // => plum: closed
  }
}

await run(function* () {
  yield* moveOn(100, () =>
    nursery(function* (n) {
      yield* n.spawn(() => download('fig', 10), { name: 'fig' })
      yield* n.spawn(() => download('plum', 60_000), { name: 'plum' })
    }),
  )
  console.log({ left: true, names: ['fig', "plum's"] }) // => { left: true, names: [ 'fig', "plum's" ] }
})
