/**
 * Whatever can be taken is taken once, or is still there; the long run of the same is `npm run explore -- --takes`.
 */
import test from 'ava'
import { Kernel, linkedQueue, spawn, type Task, UniversalQueue } from 'drupe'
import { explore } from 'drupe/testing'
import { puts, takes } from './takes.js'

test('random takers in races, with time limits and cancels: nothing is lost, nothing doubled, order is kept', (t) => {
  t.deepEqual(
    explore((choices) => void takes(choices), { seeds: 2000 }),
    { seeds: 2000 },
  )
})

test('random puts in races: what the losers put is taken out again', (t) => {
  t.deepEqual(
    explore((choices) => void puts(choices), { seeds: 500 }),
    { seeds: 500 },
  )
})

/** Lets other work of the host's come first. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('an item of another thread whose task is cancelled before it saw it goes back, and is the next again', async (t) => {
  for (let round = 0; round < 20; round++) {
    const queue = new UniversalQueue<number>()
    const port = queue.link()
    const there = linkedQueue<number>(port)
    const kernel = new Kernel()
    let taker: Task<number> | undefined
    const ran = kernel.run(function* () {
      taker = yield* spawn(() => there.get())
      yield* taker.wait()
    })
    // This listener comes after the link's own: the item is there, and its task has not run.
    port.addEventListener('message', (event: object) => {
      const { data } = event as { readonly data: { readonly value?: unknown } }
      if ('value' in data && taker !== undefined) kernel.cancel(taker)
    })
    await turn()
    for (const item of [1, 2]) await queue.put(item)
    await ran
    t.is(taker?.state, 'cancelled')
    while (queue.size < 2) await turn()
    const got = [await queue.get(), await queue.get()]
    t.deepEqual(got, [1, 2])
    there.close()
    await kernel.close()
  }
})
