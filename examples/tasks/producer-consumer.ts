/**
 * Producers and consumers: a queue with room for three, so whoever is too fast waits.
 *
 * Start it: `npm run example -- producer-consumer`. When the producers are done the queue is shut
 * down: the consumers get what is left in it, and then an end. Nobody counts, and no special item
 * says "over". Try another capacity, and more consumers.
 */
import { ClosedError, nursery, type Operation, Queue, random, run, sleep } from 'drupe'

const ITEMS = 8
let mostWaiting = 0

function* produce(name: string, queue: Queue<string>): Operation<void> {
  for (let i = 1; i <= ITEMS; i++) {
    yield* queue.put(`${name}${i}`)
    mostWaiting = Math.max(mostWaiting, queue.size)
  }
}

function* consume(queue: Queue<string>, eaten: string[]): Operation<void> {
  for (;;) {
    try {
      eaten.push(yield* queue.get())
    } catch (error) {
      if (error instanceof ClosedError) return
      throw error
    }
    yield* sleep(1 + 3 * (yield* random()))
  }
}

await run(function* () {
  const queue = new Queue<string>(3)
  const plates: string[][] = [[], [], []]
  yield* nursery(function* (n) {
    for (const plate of plates) yield* n.spawn(consume(queue, plate))
    yield* nursery(function* (producers) {
      for (const name of ['fig ', 'plum ']) yield* producers.spawn(produce(name, queue))
    })
    yield* queue.shutdown()
  })
  for (const [i, plate] of plates.entries()) console.log(`consumer ${i + 1}: ${plate.join(', ')}`)
  console.log(`eaten: ${plates.flat().length} of ${2 * ITEMS}; in the queue at most ${mostWaiting}`)
})
