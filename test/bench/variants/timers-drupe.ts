/**
 * Timeouts that never expire. `each`: set around an operation that ends at once, one after the other. `open`: a
 * million waits under a timeout at the same time, all woken before it. `inline` and `read`: the timeout of a read.
 */
import { checkpoint, nursery, type Operation, timeout } from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { drive } from './drive.js'
import { asked, now, perItem, print, size } from './measure.js'

function* nothing(): Operation<void> {}

function* each(n: number): Operation<number> {
  const begin = now()
  for (let i = 0; i < n; i++) yield* timeout(60_000, nothing)
  return now() - begin
}

function* open(count: number): Operation<number> {
  const queue = new WaitQueue()
  function* guarded(): Operation<void> {
    yield* timeout(60_000, park(queue))
  }
  const begin = now()
  yield* nursery(function* (group) {
    for (let i = 0; i < count; i++) yield* group.spawn(guarded)
    yield* checkpoint()
    yield* checkpoint()
    yield* wake(queue, count)
  })
  return (now() - begin) / 1e9
}

if (asked('open')) print({ seconds: await drive(() => open(size(1_000_000))) })
else if (asked('each')) print({ ns: await perItem(size(1_000_000), (n) => drive(() => each(n)), 3) })
else await import('./read-drupe.js')
