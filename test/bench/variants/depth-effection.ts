/**
 * `yield*` fifty deep in Effection, then an action resolved at once; fresh frames, and frames that stay.
 */
import { action, type Operation, run } from 'effection'
import { now, perItem, print } from './measure.js'

const nothing = (): void => {}
const tick = action<void>((resolve) => {
  resolve()
  return nothing
})

function* deep(level: number, switches: number): Operation<number> {
  if (level > 0) return (yield* deep(level - 1, switches)) + 1
  for (let i = 0; i < switches; i++) yield* tick
  return 0
}

const fresh = (n: number): Promise<number> =>
  run(function* () {
    const begin = now()
    for (let i = 0; i < n; i++) yield* deep(50, 1)
    return now() - begin
  })

const held = (n: number): Promise<number> =>
  run(function* () {
    const begin = now()
    yield* deep(50, n)
    return now() - begin
  })

print({ ns: await perItem(5_000, fresh, 5), nsHeld: await perItem(10_000, held, 5) })
