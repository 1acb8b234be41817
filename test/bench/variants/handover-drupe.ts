/**
 * Two Drupe tasks that wake one another through two wait queues; one item is one hand-over.
 */
import { nursery, type Operation } from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { drive } from './drive.js'
import { now, perItem, print } from './measure.js'

function* pingPong(n: number): Operation<number> {
  const ping = new WaitQueue()
  const pong = new WaitQueue()
  const begin = now()
  yield* nursery(function* (group) {
    // The first task parks before the second wakes it: no wake-up can be lost.
    yield* group.spawn(function* () {
      for (let i = 0; i < n; i += 2) {
        yield* park(ping)
        yield* wake(pong)
      }
    })
    yield* group.spawn(function* () {
      for (let i = 0; i < n; i += 2) {
        yield* wake(ping)
        yield* park(pong)
      }
    })
  })
  return now() - begin
}

print({ ns: await perItem(500_000, (n) => drive(() => pingPong(n))) })
