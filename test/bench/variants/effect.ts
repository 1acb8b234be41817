/**
 * Effect in the small benches: `node effect.js switch …`. Fibers, and the generators that its users write.
 */

import { Deferred, Effect, Fiber, Latch, Queue, Semaphore } from 'effect'
import { asked, memory, now, perItem, print, size } from './measure.js'
import { answerQuestion } from './questions.js'

/**
 * A switch in Effect: `Effect.yieldNow`, among a hundred fibers and between two.
 */
async function switchTasks(): Promise<void> {
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
}

/**
 * Spawn and join in Effect: `forkChild` and `Fiber.join`.
 */
async function spawnTasks(): Promise<void> {
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
}

/**
 * Two Effect fibers that wake one another, each waiting on a fresh Deferred.
 */
async function handover(): Promise<void> {
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
}

/**
 * `Effect.gen` fifty deep, then a `yieldNow`; fresh frames, and frames that stay.
 */
async function depth(): Promise<void> {
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
}

/**
 * Effect's semaphore (a lock is one with a single permit) and its bounded queue; it has no channel without room.
 */
async function sync(): Promise<void> {
  const permits = (count: number) => (n: number) =>
    Effect.gen(function* () {
      const semaphore = yield* Semaphore.make(count)
      const begin = now()
      for (let i = 0; i < n; i++) {
        yield* semaphore.take(1)
        yield* semaphore.release(1)
      }
      return now() - begin
    })

  const contended = (n: number) =>
    Effect.gen(function* () {
      const semaphore = yield* Semaphore.make(1)
      const begin = now()
      const turns = Effect.gen(function* () {
        for (let i = 0; i < n; i += 2) {
          yield* semaphore.take(1)
          yield* Effect.yieldNow
          yield* semaphore.release(1)
        }
      })
      const first = yield* Effect.forkChild(turns)
      const second = yield* Effect.forkChild(turns)
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      return now() - begin
    })

  const queue = (n: number) =>
    Effect.gen(function* () {
      const queue = yield* Queue.bounded<number>(1)
      const begin = now()
      const putter = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (let i = 0; i < n; i++) yield* Queue.offer(queue, i)
        }),
      )
      for (let i = 0; i < n; i++) yield* Queue.take(queue)
      yield* Fiber.join(putter)
      return now() - begin
    })

  const parts = { lock: permits(1), contended, semaphore: permits(2), queue }

  const sample: Record<string, number> = {}
  for (const [name, part] of Object.entries(parts)) {
    if (asked(name)) sample[name] = await perItem(100_000, (n) => Effect.runPromise(part(n)), 5)
  }
  print(sample)
}

/**
 * `Effect.timeout` that never expires, around an effect that ends at once and around a million that wait on a Latch.
 */
async function timers(): Promise<void> {
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
}

/**
 * Sleeping Effect fibers: total time for a million of one second, and what each holds while it sleeps.
 */
async function sleepers(): Promise<void> {
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
}

await answerQuestion({ switch: switchTasks, spawn: spawnTasks, handover, depth, sync, timers, sleepers })
