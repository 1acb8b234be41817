/**
 * A switch in Effection: the cheapest effect its public API has, an action that is resolved at once. (`sleep(0)` would
 * be a host timer of a millisecond.) Each one leaves the routine and comes back through the scheduler.
 */
import { action, type Operation, run, spawn } from 'effection'
import { now, perItem, print } from './measure.js'

const nothing = (): void => {}
const tick = action<void>((resolve) => {
  resolve()
  return nothing
})

function* turns(count: number): Operation<void> {
  for (let i = 0; i < count; i++) yield* tick
}

const among = (tasks: number, n: number): Promise<number> =>
  run(function* () {
    const begin = now()
    const all: Operation<void>[] = []
    for (let i = 0; i < tasks; i++) all.push(yield* spawn(() => turns(n / tasks)))
    for (const task of all) yield* task
    return now() - begin
  })

print({
  ns: await perItem(50_000, (n) => among(100, n), 5),
  nsPair: await perItem(50_000, (n) => among(2, n), 5),
})
