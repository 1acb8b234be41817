/**
 * Effect's semaphore (a lock is one with a single permit) and its bounded queue; it has no channel without room.
 */
import { Effect, Fiber, Queue, Semaphore } from 'effect'
import { asked, now, perItem, print } from './measure.js'

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
