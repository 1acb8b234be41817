/**
 * Two Effect fibers that wake one another, each waiting on a fresh Deferred.
 */
import { Deferred, Effect, Fiber } from 'effect'
import { now, perItem, print } from './measure.js'

const pingPong = (n: number): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      let ping = Deferred.makeUnsafe<void>()
      let pong = Deferred.makeUnsafe<void>()
      const begin = now()
      const first = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (let i = 0; i < n; i += 2) {
            yield* Deferred.await(ping)
            ping = Deferred.makeUnsafe<void>()
            yield* Deferred.succeed(pong, undefined)
          }
        }),
      )
      const second = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (let i = 0; i < n; i += 2) {
            pong = Deferred.makeUnsafe<void>()
            yield* Deferred.succeed(ping, undefined)
            yield* Deferred.await(pong)
          }
        }),
      )
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      return now() - begin
    }),
  )

print({ ns: await perItem(100_000, pingPong, 5) })
