/**
 * Effection in the small benches: `node effection.js switch …`.
 *
 * One idea for each question: the cheapest thing that its public API has for it. Everything runs few times, since each costs tens of
 * microseconds.
 */

import {
  action,
  createChannel,
  createQueue,
  type Operation,
  race,
  run,
  sleep,
  spawn,
  type Task,
  withResolvers,
} from 'effection'
import { asked, memory, now, perItem, print } from './measure.js'
import { answerQuestion } from './questions.js'

/**
 * A switch in Effection: the cheapest effect its public API has, an action that is resolved at once. (`sleep(0)` would
 * be a host timer of a millisecond.) Each one leaves the routine and comes back through the scheduler.
 */
async function switchTasks(): Promise<void> {
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
}

/**
 * Spawn and join in Effection. Few items: each costs tens of microseconds.
 */
async function spawnTasks(): Promise<void> {
  function* child(): Generator<never, void> {}

  const oneByOne = (n: number): Promise<number> =>
    run(function* () {
      const begin = now()
      for (let i = 0; i < n; i++) yield* yield* spawn(child)
      return now() - begin
    })

  const hundreds = (n: number): Promise<number> =>
    run(function* () {
      const begin = now()
      const tasks: Task<void>[] = []
      for (let i = 0; i < n; i += 100) {
        for (let j = 0; j < 100; j++) tasks.push(yield* spawn(child))
        for (const task of tasks) yield* task
        tasks.length = 0
      }
      return now() - begin
    })

  print({ ns: await perItem(2_000, hundreds, 5), nsSingle: await perItem(2_000, oneByOne, 5) })
}

/**
 * Two Effection tasks that wake one another, each waiting on fresh resolvers.
 */
async function handover(): Promise<void> {
  const pingPong = (n: number): Promise<number> =>
    run(function* () {
      let ping = withResolvers<void>()
      let pong = withResolvers<void>()
      const begin = now()
      const first = yield* spawn(function* () {
        for (let i = 0; i < n; i += 2) {
          yield* ping.operation
          ping = withResolvers<void>()
          pong.resolve()
        }
      })
      const second = yield* spawn(function* () {
        for (let i = 0; i < n; i += 2) {
          pong = withResolvers<void>()
          ping.resolve()
          yield* pong.operation
        }
      })
      yield* first
      yield* second
      return now() - begin
    })

  print({ ns: await perItem(20_000, pingPong, 5) })
}

/**
 * `yield*` fifty deep in Effection, then an action resolved at once; fresh frames, and frames that stay.
 */
async function depth(): Promise<void> {
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
}

/**
 * Effection's queue and channel; it has no locks and no semaphores.
 */
async function sync(): Promise<void> {
  function* queue(n: number): Operation<number> {
    const queue = createQueue<number, void>()
    const begin = now()
    const taker = yield* spawn(function* () {
      for (let i = 0; i < n; i++) yield* queue.next()
    })
    for (let i = 0; i < n; i++) queue.add(i)
    yield* taker
    return now() - begin
  }

  function* channel(n: number): Operation<number> {
    const channel = createChannel<number, void>()
    const begin = now()
    const subscription = yield* channel
    const taker = yield* spawn(function* () {
      for (let i = 0; i < n; i++) yield* subscription.next()
    })
    for (let i = 0; i < n; i++) yield* channel.send(i)
    yield* taker
    return now() - begin
  }

  const sample: Record<string, number> = {}
  if (asked('queue')) sample['queue'] = await perItem(20_000, (n) => run(() => queue(n)), 5)
  if (asked('channel')) sample['channel'] = await perItem(20_000, (n) => run(() => channel(n)), 5)
  print(sample)
}

/**
 * Effection's way to a timeout, a race against a sleep, which never expires. Only one after the other: a million at
 * once would not fit in memory.
 */
async function timers(): Promise<void> {
  function* nothing(): Operation<void> {}

  const each = (n: number): Promise<number> =>
    run(function* () {
      const begin = now()
      for (let i = 0; i < n; i++) yield* race([nothing(), sleep(60_000)])
      return now() - begin
    })

  if (asked('each')) print({ ns: await perItem(1_000, each, 3) })
  else print({})
}

/**
 * Sleeping Effection tasks: memory only. At about 80 µs a spawn and 12 KB a task, a million would take minutes.
 */
async function sleepers(): Promise<void> {
  const count = 20_000

  if (!asked('bytes')) {
    print({})
  } else {
    await run(function* () {
      const before = memory()
      for (let i = 0; i < count; i++) yield* spawn(() => sleep(3_600_000))
      yield* sleep(1)
      const after = memory()
      print({ bytes: (after.held - before.held) / count, rss: (after.rss - before.rss) / count })
      process.exit(0)
    })
  }
}

await answerQuestion({ switch: switchTasks, spawn: spawnTasks, handover, depth, sync, timers, sleepers })
