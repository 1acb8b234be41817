/**
 * A switch between Drupe tasks: `yield* checkpoint()`, among a hundred tasks and between two.
 *
 * With two tasks a pass of the loop is two steps long, so that number carries the whole cost of a pass.
 */
import { checkpoint, nursery, type Operation } from 'drupe'
import { drive } from './drive.js'
import { now, perItem, print } from './measure.js'

function* turns(count: number): Operation<void> {
  for (let i = 0; i < count; i++) yield* checkpoint()
}

function* among(tasks: number, n: number): Operation<number> {
  const begin = now()
  yield* nursery(function* (group) {
    for (let i = 0; i < tasks; i++) yield* group.spawn(turns(n / tasks))
  })
  return now() - begin
}

print({
  ns: await perItem(1_000_000, (n) => drive(() => among(100, n))),
  nsPair: await perItem(300_000, (n) => drive(() => among(2, n))),
})
