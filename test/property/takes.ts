/**
 * Random takers: whatever can be taken is taken once, or is still there, whoever is cancelled and when.
 *
 * Producers fill one to three sources of one kind. Takers take from them in random ways: alone, in a race, with a limit of
 * time around it, or several of these; and some of them are cancelled. What a taker's operation returned is what it has. In
 * the end the sources are emptied, and everything that was given must have been had once.
 */

import { EventEmitter } from 'node:events'
import {
  any,
  broadcast,
  channel,
  checkpoint,
  events,
  first,
  LifoQueue,
  moveOn,
  nursery,
  type Op,
  type Operation,
  PriorityQueue,
  Queue,
  race,
  Semaphore,
  sleep,
  subscribe,
  type Task,
  TimeoutError,
  timeout,
  UniversalQueue,
} from 'drupe'
import { type Choices, virtual } from 'drupe/testing'

/** A place from which numbers can be taken. */
interface Source {
  /** Do they come out as they went in, to a taker that is alone? */
  readonly ordered: boolean
  give(item: number): Operation<unknown>
  take(): Operation<number>
  /** What lies in it and nobody waits for. */
  rest(): Operation<number[]>
}

type Kind = () => Operation<Source>
type Taken = number | typeof NOTHING

const NOTHING = Symbol('nothing')
/** The items of source n begin at n times this. */
const SHARE = 1000

function* drain(next: () => Operation<number | null | undefined>): Operation<number[]> {
  const rest: number[] = []
  for (let item = yield* next(); item !== undefined && item !== null; item = yield* next()) rest.push(item)
  return rest
}

function* queue(made: Queue<number>): Operation<Source> {
  const ordered = !(made instanceof PriorityQueue) && !(made instanceof LifoQueue)
  return { ordered, give: (item) => made.put(item), take: () => made.get(), rest: () => drain(() => made.tryGet()) }
}

function* pipe(capacity: number): Operation<Source> {
  const [sender, receiver] = channel<number>(capacity)
  return {
    ordered: true,
    give: (item) => sender.send(item),
    take: () => receiver.receive() as Operation<number>,
    rest: () => drain(() => receiver.tryReceive()),
  }
}

function* news(): Operation<Source> {
  const all = broadcast<number>({ capacity: 3 })
  const reader = all.subscribe()
  return {
    ordered: true,
    give: (item) => all.publish(item),
    take: () => reader.receive() as Operation<number>,
    rest: () => drain(() => reader.tryReceive()),
  }
}

function* universal(): Operation<Source> {
  const made = new UniversalQueue<number>(3)
  return {
    ordered: true,
    give: (item) => made.put(item),
    take: () => made.get(),
    *rest() {
      return yield* drain(function* () {
        return made.tryGet()
      })
    },
  }
}

/** The permits have no names, so all items are one. */
function* permits(): Operation<Source> {
  const made = new Semaphore(0)
  return {
    ordered: true,
    give: () => made.release(),
    *take() {
      yield* made.acquire()
      return 0
    },
    *rest() {
      return new Array<number>(made.value).fill(0)
    },
  }
}

function* emitted(): Operation<Source> {
  const emitter = new EventEmitter()
  const cursor = yield* subscribe(events<[number]>(emitter, 'item'))
  function* take(): Operation<number> {
    return ((yield* cursor.next()).value as [number])[0]
  }
  return {
    ordered: true,
    *give(item) {
      emitter.emit('item', item)
    },
    take,
    rest: () => drain(() => moveOn(1, take(), null)),
  }
}

export const KINDS: Readonly<Record<string, Kind>> = {
  Queue: () => queue(new Queue()),
  'Queue of 2': () => queue(new Queue(2)),
  PriorityQueue: () => queue(new PriorityQueue(3)),
  LifoQueue: () => queue(new LifoQueue(3)),
  'channel of 0': () => pipe(0),
  'channel of 2': () => pipe(2),
  broadcast: news,
  UniversalQueue: universal,
  Semaphore: permits,
  events: emitted,
}

/** One random way to take from the sources; `apart`: no two contenders of a race take from the same one. */
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

/** Plays one random program; throws if an item is lost, doubled, or out of order. */
export function takes(choices: Choices): void {
  const kind = choices.pick(Object.keys(KINDS))
  const given: number[] = []
  const had: number[] = []
  const takers = choices.integer(1, 3)
  let ordered = takers === 1
  virtual({ seed: choices.seed }, function* () {
    const sources: Source[] = []
    for (let i = choices.integer(1, 3); i > 0; i--) sources.push(yield* (KINDS[kind] as Kind)())
    ordered &&= (sources[0] as Source).ordered
    const named = kind !== 'Semaphore'
    const harassed = choices.chance(0.5)

    function* producer(source: Source, from: number, ways: readonly number[]): Operation<void> {
      for (const [i, ms] of ways.entries()) {
        if (ms > 1) yield* sleep(ms)
        const item = named ? from + i : 0
        yield* source.give(item)
        given.push(item)
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
        if (!harassed) return
        for (const task of choices.shuffled(tasks).slice(0, 2)) {
          yield* sleep(choices.integer(0, 6))
          yield* task.cancel('', { wait: false })
        }
      }),
    )
    for (const source of sources) had.push(...(yield* source.rest()))
  })
  const [all, found] = [sorted(given).join(), sorted(had).join()]
  if (all !== found) throw new Error(`${kind}: given ${all}, had ${found}`)
  if (!ordered) return
  const bySource = [...had].sort((a, b) => Math.floor(a / SHARE) - Math.floor(b / SHARE))
  if (bySource.join() !== all) throw new Error(`${kind}: in the order ${had}`)
}

/** Random puts in races: what lies in a queue at the end was put by somebody who knows it. */
export function puts(choices: Choices): void {
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
}

function* putIn(queue: Queue<number>, item: number): Operation<number> {
  yield* queue.put(item)
  return item
}

function sorted(items: readonly number[]): number[] {
  return [...items].sort((a, b) => a - b)
}
