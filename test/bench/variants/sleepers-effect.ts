/**
 * Sleeping Effect fibers: total time for a million of one second, and what each holds while it sleeps.
 */
import { Effect, Fiber } from 'effect'
import { asked, memory, now, print, size } from './measure.js'

const count = size(1_000_000)

await Effect.runPromise(
  Effect.gen(function* () {
    const fibers: Fiber.Fiber<void>[] = []
    if (!asked('bytes')) {
      const begin = now()
      for (let i = 0; i < count; i++) fibers.push(yield* Effect.forkChild(Effect.sleep(1000)))
      for (const fiber of fibers) yield* Fiber.join(fiber)
      return print({ seconds: (now() - begin) / 1e9 })
    }
    const before = memory()
    for (let i = 0; i < count; i++) fibers.push(yield* Effect.forkChild(Effect.sleep(3_600_000)))
    yield* Effect.sleep(1)
    const after = memory()
    print({ bytes: (after.held - before.held) / count, rss: (after.rss - before.rss) / count })
    process.exit(fibers.length === count ? 0 : 1)
  }),
)
