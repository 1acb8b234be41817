/**
 * Places from which numbers can be taken, one kind for each thing of Drupe's that can be taken
 * from: for takes.ts.
 *
 * What has no items of its own is made one: a permit is the item 0; a lock is taken and given back
 * in one step, and what counts is who got in, and that it is free in the end; of a condition it is
 * the item that the notification is about.
 */
import { EventEmitter } from 'node:events'
import {
  broadcast,
  CapacityLimiter,
  Condition,
  channel,
  checkpoint,
  connect,
  events,
  LifoQueue,
  Lock,
  listen,
  moveOn,
  type Nursery,
  nursery,
  type Operation,
  PriorityQueue,
  Queue,
  RLock,
  Semaphore,
  type Stream,
  sleep,
  started,
  subscribe,
  UniversalQueue,
  udp,
  using,
} from 'drupe'
import { memoryStreams } from 'drupe/testing'
import type { NurseryRecord as InnerNursery } from '../../kernel/task/nursery.js'

/** Nothing was taken; or what was taken is nothing that counts. */
export const NOTHING = Symbol('nothing')
export type Taken = number | typeof NOTHING

/** A place from which numbers can be taken. */
export interface Source {
  /** Do they come out as they went in, to a taker that is alone? */
  readonly ordered?: boolean
  /** Can only one task take at a time? */
  readonly single?: boolean
  /** As what an item that is given comes out. Default: as itself. */
  readonly counted?: (item: number) => Taken
  give(item: number): Operation<unknown>
  /** Where nothing is given: what was taken, by whomever. */
  readonly entries?: readonly number[]
  take(): Operation<Taken>
  /** What lies in it and nobody waits for. */
  rest(): Operation<number[]>
  /** Something lies in it, and somebody waits for it: that would be a wake-up that was lost. */
  readonly stuck?: () => boolean
  /** What a taken number stands for, found out in the end. */
  readonly meant?: (taken: number) => Operation<Taken>
}

/** Makes a source; what it needs to run meanwhile it starts in the nursery. */
export type Kind = (n: Nursery) => Operation<Source>

const FOREVER = Number.POSITIVE_INFINITY
/** Longer than anything in these programs takes. */
const QUIET_MS = 50

/** Takes until there is no more. */
export function* drain(next: () => Operation<number | null | undefined>): Operation<number[]> {
  const rest: number[] = []
  for (let item = yield* next(); item !== undefined && item !== null; item = yield* next()) rest.push(item)
  return rest
}

function* queue(made: Queue<number>, ordered = true): Operation<Source> {
  return {
    ordered,
    give: (item) => made.put(item),
    take: () => made.get(),
    rest: () => drain(() => made.tryGet()),
    stuck: () => made.size > 0 && made.statistics().getting > 0,
  }
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
    counted: () => 0,
    give: () => made.release(),
    *take() {
      yield* made.acquire()
      return 0
    },
    *rest() {
      return new Array<number>(made.value).fill(0)
    },
    stuck: () => made.value > 0 && made.statistics().waiting > 0,
  }
}

/**
 * Whoever has it gives it back in the same step, or after a while: in the end it is free. And
 * whoever got in says so: two contenders of one race have no business in there.
 */
function* exclusive(
  acquire: () => Operation<unknown>,
  release: () => Operation<unknown>,
  free: () => boolean,
): Operation<Source> {
  const entries: number[] = []
  return {
    counted: () => NOTHING,
    entries,
    *give(item) {
      yield* acquire()
      try {
        yield* sleep(item % 3)
      } finally {
        yield* release()
      }
    },
    *take() {
      yield* acquire()
      const entry = entries.push(entries.length) - 1
      yield* release()
      return entry
    },
    *rest() {
      return free() ? [] : [-1]
    },
  }
}

function* lock(made: Lock): Operation<Source> {
  return yield* exclusive(
    () => made.acquire(),
    () => made.release(),
    () => !made.locked,
  )
}

function* limiter(): Operation<Source> {
  const made = new CapacityLimiter(1)
  return yield* exclusive(
    () => made.acquire(),
    () => made.release(),
    () => made.statistics().borrowed === 0 && made.statistics().waiting === 0,
  )
}

/** A list with a condition: a task that puts something notifies one. */
function* notified(): Operation<Source> {
  const made = new Condition()
  const items: number[] = []
  return {
    *give(item) {
      yield* made.acquire()
      items.push(item)
      yield* made.notify()
      yield* made.release()
    },
    *take() {
      yield* made.acquire()
      try {
        while (items.length === 0) yield* made.wait()
        return items.shift() as number
      } finally {
        yield* made.release()
      }
    },
    *rest() {
      return items
    },
    stuck: () => items.length > 0 && made.statistics().waiting > 0,
  }
}

/** Children that are over. Which of those that end in one pass is first is for the seed to say. */
function* ended(n: Nursery): Operation<Source> {
  const group = yield* n.start<Nursery>(
    () =>
      nursery(
        function* (inner) {
          yield* inner.spawn(sleep(FOREVER))
          yield* started(inner)
          yield* sleep(FOREVER)
        },
        { completions: true },
      ),
    { daemon: true },
  )
  function* take(): Operation<number> {
    const task = yield* group.next()
    return task?.result as number
  }
  return {
    *give(item) {
      yield* group.spawn(function* () {
        yield* checkpoint()
        return item
      })
    },
    take,
    rest: () => drain(() => moveOn(QUIET_MS, take(), null)),
    stuck: () => isStuck(group as unknown as InnerNursery),
  }
}

/** Is there one that `next` has not returned, and somebody who waits for one? */
function isStuck(group: InnerNursery): boolean {
  const { endedChildren, returned } = group as unknown as { endedChildren: readonly unknown[]; returned: number }
  return endedChildren[returned] !== undefined && (group.nextQueue?.length ?? 0) > 0
}

const encode = (item: number): Uint8Array => Uint8Array.of(item >> 8, item & 255)
const decode = (bytes: Uint8Array): number => ((bytes[0] as number) << 8) | (bytes[1] as number)

/** Two bytes each, read as one of the ways of reading would. */
function* bytes(
  writer: { write(bytes: Uint8Array): Operation<unknown> },
  reader: Pick<Stream, 'readExactly'>,
): Operation<Source> {
  const take = function* (): Operation<number> {
    return decode(yield* reader.readExactly(2))
  }
  return {
    ordered: true,
    single: true,
    give: (item) => writer.write(encode(item)),
    take,
    rest: () => drain(() => moveOn(QUIET_MS, take(), null)),
  }
}

let port = 0
/** The kinds that need a simulated network, on which they run as the host `main`. */
export const NETWORKED: ReadonlySet<string> = new Set(['stream', 'accept', 'udp'])

function* connection(): Operation<Source> {
  const at = { host: 'main', port: ++port }
  const listener = yield* using(yield* listen({ port }))
  const writer = yield* using(yield* connect(at))
  return yield* bytes(writer, yield* using(yield* listener.accept()))
}

/** Closes it in the end, whichever task has opened it. */
function* opened(n: Nursery, connecting: Operation<Stream>): Operation<Stream> {
  const stream = yield* connecting
  yield* n.start(
    function* () {
      yield* using(stream)
      yield* started()
      yield* sleep(FOREVER)
    },
    { daemon: true },
  )
  return stream
}

const streams = new Map<number, Stream>()
let lastAccepted = 0

/** What came first over a connection says which it is. */
function* accepted(n: Nursery): Operation<Source> {
  const at = { host: 'main', port: ++port }
  const listener = yield* using(yield* listen({ port }))
  function* take(): Operation<number> {
    const stream = yield* listener.accept()
    streams.set(++lastAccepted, stream)
    return lastAccepted
  }
  return {
    ordered: true,
    single: true,
    *give(item) {
      const stream = yield* opened(n, connect(at))
      yield* stream.write(encode(item))
    },
    take,
    rest: () => drain(() => moveOn(QUIET_MS, take(), null)),
    *meant(taken) {
      const stream = streams.get(taken) as Stream
      streams.delete(taken)
      // The client was cancelled before it could write: nothing was given.
      const item = yield* moveOn(QUIET_MS, stream.read(2), null)
      yield* stream.close()
      if (item === null) return NOTHING
      return decode(item)
    },
  }
}

function* datagrams(): Operation<Source> {
  const at = { host: 'main', port: ++port }
  const [to, from] = [yield* using(yield* udp({ port })), yield* using(yield* udp())]
  function* take(): Operation<number> {
    return decode((yield* to.receive()).bytes)
  }
  return {
    ordered: true,
    single: true,
    *give(item) {
      yield* from.send(encode(item), { host: '10.0.0.1', port: at.port })
    },
    take,
    rest: () => drain(() => moveOn(QUIET_MS, take(), null)),
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
    rest: () => drain(() => moveOn(QUIET_MS, take(), null)),
  }
}

export const KINDS: Readonly<Record<string, Kind>> = {
  Queue: () => queue(new Queue()),
  'Queue of 2': () => queue(new Queue(2)),
  PriorityQueue: () => queue(new PriorityQueue(3), false),
  'PriorityQueue of equals': () => queue(new PriorityQueue<number>(3, { compare: () => 0 })),
  LifoQueue: () => queue(new LifoQueue(3), false),
  'channel of 0': () => pipe(0),
  'channel of 2': () => pipe(2),
  broadcast: news,
  UniversalQueue: universal,
  Semaphore: permits,
  Lock: () => lock(new Lock()),
  RLock: () => lock(new RLock()),
  CapacityLimiter: limiter,
  Condition: notified,
  events: emitted,
  'n.next': ended,
  'streams in memory': function* () {
    return yield* bytes(...memoryStreams())
  },
  stream: connection,
  accept: accepted,
  udp: datagrams,
}
