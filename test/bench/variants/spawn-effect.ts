/**
 * Spawn and join in Effect: `forkChild` and `Fiber.join`.
 */
import { Effect, Fiber } from 'effect'
import { now, perItem, print } from './measure.js'

// Effect.void would be a constant; a generator is what the others spawn as well.
const child = Effect.gen(function* () {})

const oneByOne = (n: number): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const begin = now()
      for (let i = 0; i < n; i++) yield* Fiber.join(yield* Effect.forkChild(child))
      return now() - begin
    }),
  )

const hundreds = (n: number): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const begin = now()
      const fibers: Fiber.Fiber<void>[] = []
      for (let i = 0; i < n; i += 100) {
        for (let j = 0; j < 100; j++) fibers.push(yield* Effect.forkChild(child))
        for (const fiber of fibers) yield* Fiber.join(fiber)
        fibers.length = 0
      }
      return now() - begin
    }),
  )

print({ ns: await perItem(30_000, hundreds, 5), nsSingle: await perItem(30_000, oneByOne, 5) })
