/**
 * A switch in Effect: `Effect.yieldNow`, among a hundred fibers and between two.
 */
import { Effect, Fiber } from 'effect'
import { now, perItem, print } from './measure.js'

const turns = (count: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) yield* Effect.yieldNow
  })

const among = (tasks: number, n: number): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const begin = now()
      const all: Fiber.Fiber<void>[] = []
      for (let i = 0; i < tasks; i++) all.push(yield* Effect.forkChild(turns(n / tasks)))
      for (const fiber of all) yield* Fiber.join(fiber)
      return now() - begin
    }),
  )

print({
  ns: await perItem(100_000, (n) => among(100, n), 5),
  nsPair: await perItem(50_000, (n) => among(2, n), 5),
})
