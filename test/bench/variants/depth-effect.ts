/**
 * `Effect.gen` fifty deep, then a `yieldNow`; fresh frames, and frames that stay.
 */
import { Effect } from 'effect'
import { now, perItem, print } from './measure.js'

const deep = (level: number, switches: number): Effect.Effect<number> =>
  Effect.gen(function* () {
    if (level > 0) return (yield* deep(level - 1, switches)) + 1
    for (let i = 0; i < switches; i++) yield* Effect.yieldNow
    return 0
  })

const fresh = (n: number): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const begin = now()
      for (let i = 0; i < n; i++) yield* deep(50, 1)
      return now() - begin
    }),
  )

const held = (n: number): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const begin = now()
      yield* deep(50, n)
      return now() - begin
    }),
  )

print({ ns: await perItem(10_000, fresh, 5), nsHeld: await perItem(30_000, held, 5) })
