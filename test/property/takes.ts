/**
 * Random takers: whatever can be taken is taken once, or is still there, whichever task is
 * cancelled, and when.
 *
 * Producers fill one to three sources of one kind. Takers take from them in random ways: alone, in
 * a race, with a limit of time around it, or several of these; and some of them are cancelled. What
 * a taker's operation returned is what it has. In the end the sources are emptied, and everything
 * that was given must have been had once.
 */

import {
  any,
  checkpoint,
  first,
  LifoQueue,
  moveOn,
  nursery,
  type Op,
  type Operation,
  PriorityQueue,
  Queue,
  race,
  sleep,
  type Task,
  TimeoutError,
  timeout,
} from 'drupe'
import { type Choices, SimNetwork, virtual } from 'drupe/testing'
import { drain, KINDS, type Kind, NETWORKED, NOTHING, type Source, type Taken } from './sources.js'

/** The items of source n begin at n times this. */
const SHARE = 1000

/**
 * One random way to take from the sources; `apart`: no two contenders of a race take from the same
 * one.
 */
function taking(choices: Choices, sources: readonly Source[], apart: boolean): () => Operation<Taken> {
  const take = (source: Source): Op<Taken> => {
    const ms = choices.integer(0, 4)
    const inner = choices.pick([
      () => source.take(),
      () => moveOn(ms, source.take(), NOTHING),
      () => pausedTake(ms, source),
      () => limited(ms, () => source.take()),
    ])
    return inner
  }
  const contenders = (): Op<Taken>[] =>
    apart
      ? choices.shuffled(sources).map(take)
      : Array.from({ length: choices.integer(2, 4) }, () => take(choices.pick(sources)))
  const ms = choices.integer(1, 6)
  switch (choices.integer(0, 5)) {
    case 0: {
      const one = take(choices.pick(sources))
      return () => moveOn(20, one, NOTHING) as Operation<Taken>
    }
    case 1: {
      const ops = contenders()
      return () => race(ops) as Operation<Taken>
    }
    case 2: {
      const ops = contenders()
      return () => any(ops) as Operation<Taken>
    }
    case 3: {
      const ops = [...contenders(), () => giveUp(ms)]
      return () => first(ops) as Operation<Taken>
    }
    case 4: {
      const ops = contenders()
      return () => moveOn(ms, race(ops), NOTHING) as Operation<Taken>
    }
    default: {
      const ops = [...contenders(), () => giveUp(ms)]
      return () => limited(ms + 2, () => race(ops) as Operation<Taken>)
    }
  }
}

function* pausedTake(ms: number, source: Source): Operation<Taken> {
  if (ms > 2) yield* sleep(ms)
  else yield* checkpoint()
  return yield* source.take()
}

function* giveUp(ms: number): Operation<Taken> {
  yield* sleep(ms)
  return NOTHING
}

function* limited(ms: number, op: () => Operation<Taken>): Operation<Taken> {
  try {
    return yield* timeout(ms, op)
  } catch (error) {
    if (error instanceof TimeoutError) return NOTHING
    throw error
  }
}

/**
 * Plays one random program and says who had what; throws if an item is lost, doubled, or out of
 * order, or a wake-up is lost.
 */
export function takes(choices: Choices, kinds: readonly string[] = Object.keys(KINDS)): string[] {
  const kind = choices.pick(kinds)
  const given: number[] = []
  const had: number[] = []
  let ordered = true
  function* program(): Operation<void> {
    yield* nursery(function* (outer) {
      const sources: Source[] = []
      for (let i = choices.integer(1, 3); i > 0; i--) sources.push(yield* (KINDS[kind] as Kind)(outer))
      const [{ single = false, ordered: inOrder = false }] = sources as [Source]
      const takers = single ? 1 : choices.integer(1, 3)
      ordered = inOrder && takers === 1
      const harassed = choices.chance(0.5)

      function* producer(source: Source, from: number, ways: readonly number[]): Operation<void> {
        for (const [i, ms] of ways.entries()) {
          if (ms > 1) yield* sleep(ms)
          yield* source.give(from + i)
          const item = source.counted === undefined ? from + i : source.counted(from + i)
          if (item !== NOTHING) given.push(item)
        }
      }

      function* taker(ways: readonly (() => Operation<Taken>)[]): Operation<void> {
        for (const way of ways) {
          const taken = yield* way()
          if (taken !== NOTHING) had.push(taken)
        }
      }

      yield* moveOn(100, () =>
        nursery(function* (n) {
          const tasks: Task<void>[] = []
          for (let i = 0; i < takers; i++) {
            const ways = Array.from({ length: choices.integer(1, 5) }, () => taking(choices, sources, takers === 1))
            tasks.push(yield* n.spawn(() => taker(ways)))
          }
          for (const [i, source] of sources.entries()) {
            const ways = Array.from({ length: choices.integer(1, 6) }, () => choices.integer(0, 4))
            tasks.push(yield* n.spawn(() => producer(source, i * SHARE, ways)))
          }
          if (harassed) {
            for (const task of choices.shuffled(tasks).slice(0, 2)) {
              yield* sleep(choices.integer(0, 6))
              yield* task.cancel('', { wait: false })
            }
          }
          yield* sleep(90)
          if (sources.some((source) => source.stuck?.())) throw new Error(`${kind}: nobody was woken for what is there`)
        }),
      )
      for (const source of sources) {
        had.push(...(yield* source.rest()))
        given.push(...(source.entries ?? []))
      }
      const [{ meant }] = sources as [Source]
      if (meant !== undefined) {
        for (const taken of had.splice(0)) {
          const item = yield* meant(taken)
          if (item !== NOTHING) had.push(item)
        }
      }
      yield* outer.cancel()
    })
  }
  if (NETWORKED.has(kind)) new SimNetwork({ seed: choices.seed }).run({ main: program })
  else virtual({ seed: choices.seed }, program)
  const [all, found] = [sorted(given).join(), sorted(had).join()]
  if (all !== found) throw new Error(`${kind}: given ${all}, had ${found}`)
  const log = [`${kind}: ${had}`]
  if (!ordered) return log
  const bySource = [...had].sort((a, b) => Math.floor(a / SHARE) - Math.floor(b / SHARE))
  if (bySource.join() !== all) throw new Error(`${kind}: in the order ${had}`)
  return log
}

/** Random puts in races: what lies in a queue at the end was put by somebody who knows it. */
export function puts(choices: Choices): string[] {
  const kinds: readonly (() => Queue<number>)[] = [
    () => new Queue(1),
    () => new Queue(2),
    () => new PriorityQueue(1),
    () => new LifoQueue(1),
  ]
  const make = choices.pick(kinds)
  const known = new Set<number>()
  const got: number[] = []
  const left: number[] = []
  virtual({ seed: choices.seed }, function* () {
    const queues = [make(), make()]
    function* putter(items: readonly number[]): Operation<void> {
      for (const item of items) {
        // The name of an item says in which queue it is: two of them have one half each.
        const won = yield* race(queues.map((queue, i) => () => putIn(queue, item * 2 + i)))
        known.add(won)
      }
    }
    function* getter(times: readonly number[]): Operation<void> {
      for (const ms of times) {
        if (ms > 1) yield* sleep(ms)
        for (const queue of queues) {
          const item = yield* queue.tryGet()
          if (item !== undefined) got.push(item)
        }
      }
    }
    yield* moveOn(100, () =>
      nursery(function* (n) {
        for (let i = choices.integer(1, 3); i > 0; i--) {
          const items = Array.from({ length: choices.integer(1, 4) }, (_, j) => i * 10 + j)
          yield* n.spawn(() => putter(items))
        }
        const times = Array.from({ length: choices.integer(1, 8) }, () => choices.integer(0, 4))
        yield* n.spawn(() => getter(times))
      }),
    )
    for (const queue of queues) left.push(...(yield* drain(() => queue.tryGet())))
  })
  for (const item of left) if (!known.has(item)) throw new Error(`${item} lies in a queue, and nobody put it there`)
  const seen = new Set([...left, ...got])
  if (seen.size < left.length + got.length) throw new Error(`an item was put twice: ${[...left, ...got]}`)
  for (const item of known) if (!seen.has(item)) throw new Error(`${item} was put and is lost`)
  return [`got ${got}, left ${left}`]
}

function* putIn(queue: Queue<number>, item: number): Operation<number> {
  yield* queue.put(item)
  return item
}

function sorted(items: readonly number[]): number[] {
  return [...items].sort((a, b) => a - b)
}
