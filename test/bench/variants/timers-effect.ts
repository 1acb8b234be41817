/**
 * `Effect.timeout` that never expires, around an effect that ends at once and around a million that wait on a Latch.
 */
import { Effect, Fiber, Latch } from 'effect'
import { asked, now, perItem, print, size } from './measure.js'

const nothing = Effect.gen(function* () {})

const each = (n: number): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const begin = now()
      for (let i = 0; i < n; i++) yield* Effect.timeout(nothing, 60_000)
      return now() - begin
    }),
  )

const open = (count: number): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const latch = Latch.makeUnsafe()
      const guarded = Effect.timeout(latch.await, 60_000)
      const begin = now()
      const fibers: Fiber.Fiber<void, unknown>[] = []
      for (let i = 0; i < count; i++) fibers.push(yield* Effect.forkChild(guarded))
      yield* Effect.sleep(1)
      yield* latch.open
      for (const fiber of fibers) yield* Fiber.join(fiber)
      return (now() - begin) / 1e9
    }),
  )

if (asked('open')) print({ seconds: await open(size(1_000_000)) })
else if (asked('each')) print({ ns: await perItem(size(1_000_000) / 10, each, 3) })
else print({})
