/**
 * Spawn and join in Drupe: one child after the other, and a hundred at a time.
 */
import { type Operation, spawn, type Task } from 'drupe'
import { drive } from './drive.js'
import { now, perItem, print } from './measure.js'

function* child(): Operation<void> {}

function* oneByOne(n: number): Operation<number> {
  const begin = now()
  for (let i = 0; i < n; i++) {
    const task = yield* spawn(child)
    yield* task.join()
  }
  return now() - begin
}

function* hundreds(n: number): Operation<number> {
  const begin = now()
  const tasks: Task<void>[] = []
  for (let i = 0; i < n; i += 100) {
    for (let j = 0; j < 100; j++) tasks.push(yield* spawn(child))
    for (const task of tasks) yield* task.join()
    tasks.length = 0
  }
  return now() - begin
}

print({
  ns: await perItem(200_000, (n) => drive(() => hundreds(n))),
  nsSingle: await perItem(200_000, (n) => drive(() => oneByOne(n))),
})
