/**
 * Spawn and join in Effection. Few items: each costs tens of microseconds.
 */
import { run, spawn, type Task } from 'effection'
import { now, perItem, print } from './measure.js'

function* child(): Generator<never, void> {}

const oneByOne = (n: number): Promise<number> =>
  run(function* () {
    const begin = now()
    for (let i = 0; i < n; i++) yield* yield* spawn(child)
    return now() - begin
  })

const hundreds = (n: number): Promise<number> =>
  run(function* () {
    const begin = now()
    const tasks: Task<void>[] = []
    for (let i = 0; i < n; i += 100) {
      for (let j = 0; j < 100; j++) tasks.push(yield* spawn(child))
      for (const task of tasks) yield* task
      tasks.length = 0
    }
    return now() - begin
  })

print({ ns: await perItem(2_000, hundreds, 5), nsSingle: await perItem(2_000, oneByOne, 5) })
