/**
 * Each structure of Drupe's at a size of n, as small programs for scaling.test.ts.
 *
 * Where things wait they are cancelled in an order that is neither that of their coming nor the reverse.
 */
import { EventEmitter } from 'node:events'
import type { Context, Op, Operation, Task } from 'drupe'
import type { Counted } from './steps.js'

export interface Structure {
  /**
   * `n log n`: what sorts. `n × depth`: what is nested n deep, where whoever leaves asks all that is around it whether it was
   * cancelled. No scope keeps lists of what is inside it, and that is the price: see kernel/task/scope.ts.
   */
  readonly grows?: 'n' | 'n log n' | 'n × depth'
  run(copy: Counted, n: number): void
}

const FOREVER = Number.POSITIVE_INFINITY

/** The numbers below n, mixed up. */
const mixed = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i).sort((a, b) => ((a * 7919) % 1009) - ((b * 7919) % 1009))

type Program = (copy: Counted, n: number) => Operation<unknown>

const on = (program: Program, grows: Structure['grows'] = 'n'): Structure => ({
  grows,
  run: (copy, n) => void copy.testing.virtual({}, () => program(copy, n)),
})

/** n tasks wait; they are cancelled from the middle, all but the last, and then `after` happens. */
const waiting = (make: (copy: Counted) => { op: Op<unknown>; after?: () => Operation<unknown> }): Structure =>
  on(function* (copy, n) {
    const { nursery, sleep } = copy.drupe
    yield* nursery(function* (group) {
      const { op, after } = make(copy)
      const tasks: Task<unknown>[] = []
      for (let i = 0; i < n; i++) tasks.push(yield* group.spawn(op))
      yield* sleep(1)
      for (const i of mixed(n).slice(1)) yield* (tasks[i] as Task<unknown>).cancel()
      if (after !== undefined) yield* after()
      yield* group.cancel()
    })
  })

/** n tasks wait, and one thing lets them all go on. */
const released = (
  make: (copy: Counted, n: number) => { op: Op<unknown>; after: () => Operation<unknown> },
): Structure =>
  on(function* (copy, n) {
    yield* copy.drupe.nursery(function* (group) {
      const { op, after } = make(copy, n)
      for (let i = 0; i < n; i++) yield* group.spawn(op)
      yield* copy.drupe.sleep(1)
      yield* after()
    })
  })

const filled = (kind: 'Queue' | 'PriorityQueue' | 'LifoQueue'): Structure =>
  on(
    function* ({ drupe }, n) {
      const queue = new drupe[kind]<number>(n)
      for (const i of mixed(n)) yield* queue.put(i)
      for (let i = 0; i < n; i++) yield* queue.get()
    },
    kind === 'PriorityQueue' ? 'n log n' : 'n',
  )

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export const STRUCTURES: Readonly<Record<string, Structure>> = {
  'a Queue that is filled and emptied': filled('Queue'),
  'a PriorityQueue': filled('PriorityQueue'),
  'a LifoQueue': filled('LifoQueue'),
  'tasks that wait at a Queue': waiting(({ drupe }) => {
    const queue = new drupe.Queue<number>()
    return { op: () => queue.get(), after: () => queue.put(1) }
  }),
  'tasks that wait to put into a Queue': waiting(({ drupe }) => {
    const queue = new drupe.Queue<number>(1)
    return { op: () => queue.put(1), after: () => queue.get() }
  }),
  'tasks that wait to put into a PriorityQueue': waiting(({ drupe }) => {
    const queue = new drupe.PriorityQueue<number>(1)
    return { op: () => queue.put(1), after: () => queue.get() }
  }),
  'a channel that is filled and emptied': on(function* ({ drupe }, n) {
    const [sender, receiver] = drupe.channel<number>(n)
    for (let i = 0; i < n; i++) yield* sender.send(i)
    for (let i = 0; i < n; i++) yield* receiver.receive()
  }),
  'tasks that wait at a channel': waiting(({ drupe }) => {
    const [sender, receiver] = drupe.channel<number>(0)
    return { op: () => receiver.receive(), after: () => sender.trySend(1) }
  }),
  'a broadcast to many readers': on(function* ({ drupe }, n) {
    const news = drupe.broadcast<number>({ capacity: 2 })
    const readers = Array.from({ length: n }, () => news.subscribe())
    yield* drupe.nursery(function* (group) {
      for (const reader of readers) yield* group.spawn(() => reader.each(() => drupe.sleep(1)))
      for (let i = 0; i < 10; i++) yield* news.publish(i)
      yield* news.close()
    })
  }),
  'subscriptions that are closed in the middle of others': on(function* ({ drupe }, n) {
    const news = drupe.broadcast<number>({ capacity: 2 })
    const readers = Array.from({ length: n }, () => news.subscribe())
    for (const i of mixed(n)) yield* (readers[i] as (typeof readers)[0]).close()
  }),
  'events that nobody has read yet': on(function* ({ drupe }, n) {
    const emitter = new EventEmitter()
    const cursor = yield* drupe.subscribe(drupe.events<[number]>(emitter, 'item'))
    for (let i = 0; i < n; i++) emitter.emit('item', i)
    for (let i = 0; i < n; i++) yield* cursor.next()
  }),
  'sleeps that are cancelled in any order': waiting(({ drupe }) => {
    let ms = 0
    return { op: () => drupe.sleep(1000 + ((++ms * 7919) % 1009)) }
  }),
  'timeouts that run out in any order': on(function* ({ drupe }, n) {
    yield* drupe.nursery(function* (group) {
      for (const ms of mixed(n)) yield* group.spawn(() => drupe.moveOn(ms, drupe.sleep(FOREVER)))
    })
  }, 'n log n'),
  'timeouts that do not run out': on(function* ({ drupe }, n) {
    for (let i = 0; i < n; i++) yield* drupe.timeout(1000 - i / 10, drupe.checkpoint())
  }),
  'tasks that are parked': waiting(({ lowlevel }) => {
    const queue = new lowlevel.WaitQueue('queue')
    return { op: () => lowlevel.park(queue), after: () => lowlevel.wake(queue) }
  }),
  'tasks that are parked with a timeout': waiting(({ lowlevel }) => {
    const queue = new lowlevel.WaitQueue('queue')
    return { op: () => lowlevel.park(queue, { timeout: 1000 }) }
  }),
  'tasks that wait at a Lock': waiting(({ drupe }) => {
    const lock = new drupe.Lock()
    return { op: () => lock.with(drupe.sleep(FOREVER)) }
  }),
  'a Lock that goes from hand to hand': on(function* ({ drupe }, n) {
    const lock = new drupe.Lock()
    yield* drupe.nursery(function* (group) {
      for (let i = 0; i < n; i++) yield* group.spawn(() => lock.with(drupe.sleep(1)))
    })
  }),
  'tasks that wait at a Semaphore': waiting(({ drupe }) => {
    const semaphore = new drupe.Semaphore(0)
    return { op: () => semaphore.acquire(), after: () => semaphore.release() }
  }),
  'tasks that wait at a CapacityLimiter': waiting(({ drupe }) => {
    const limiter = new drupe.CapacityLimiter(1)
    return { op: () => limiter.with(drupe.sleep(FOREVER)) }
  }),
  'the borrowers of a CapacityLimiter': on(function* ({ drupe }, n) {
    const limiter = new drupe.CapacityLimiter(n)
    yield* drupe.nursery(function* (group) {
      for (let i = 0; i < n; i++) yield* group.spawn(() => limiter.with(drupe.sleep(1 + (i % 7))))
    })
  }),
  'tasks that wait for a Condition, notified together': released(({ drupe }) => {
    const condition = new drupe.Condition()
    return {
      op: () => condition.with(() => condition.wait()),
      after: () => condition.with(() => condition.notifyAll()),
    }
  }),
  'tasks that wait for an Event': released(({ drupe }) => {
    const event = new drupe.Event()
    return { op: () => event.wait(), after: () => event.set() }
  }),
  'tasks that wait for a Result': released(({ drupe }) => {
    const result = new drupe.Result<number>()
    return { op: () => result.join(), after: () => result.set(1) }
  }),
  'a Barrier': released(({ drupe }, n) => {
    const barrier = new drupe.Barrier(n + 1)
    return { op: () => barrier.wait(), after: () => barrier.wait() }
  }),
  'tasks that join one task': waiting((copy) => {
    let one: Task<unknown> | undefined
    return {
      *op() {
        one ??= yield* copy.drupe.spawn(copy.drupe.sleep(FOREVER), { daemon: true })
        yield* one.wait()
      },
    }
  }),
  'children that are cancelled in any order': waiting(({ drupe }) => ({ op: () => drupe.sleep(FOREVER) })),
  'tasks that have an abort signal each': waiting(({ drupe }) => ({
    *op() {
      yield* drupe.signal()
      yield* drupe.sleep(FOREVER)
    },
  })),
  'daemons of a nursery': on(function* ({ drupe }, n) {
    yield* drupe.nursery(function* (group) {
      for (let i = 0; i < n; i++) yield* group.spawn(() => drupe.sleep(60_000), { daemon: true })
      yield* drupe.sleep(1)
    })
  }),
  'children that end one after the other, some of them daemons': on(function* ({ drupe }, n) {
    yield* drupe.nursery(function* (group) {
      for (let i = 0; i < n; i++) yield* group.spawn(() => drupe.sleep(i), { daemon: i % 2 === 0 })
    })
  }),
  'resources of a nursery': on(function* ({ drupe }, n) {
    yield* drupe.nursery(function* () {
      for (let i = 0; i < n; i++) yield* drupe.ensure(() => drupe.sleep(1))
    })
  }),
  'resources of a nursery that is cancelled': on(function* ({ drupe }, n) {
    yield* drupe.nursery(function* (group) {
      for (let i = 0; i < n; i++) yield* drupe.ensure(() => {})
      yield* group.cancel()
    })
  }),
  'what is being started for a nursery that is cancelled': on(function* ({ drupe }, n) {
    yield* drupe.nursery(function* (outer) {
      yield* drupe.nursery(function* (group) {
        function* starter(): Operation<void> {
          try {
            yield* group.start(drupe.sleep(FOREVER))
          } catch (error) {
            if (!(error instanceof drupe.ClosedError)) throw error
          }
        }
        for (let i = 0; i < n; i++) yield* outer.spawn(starter)
        yield* drupe.sleep(1)
        yield* group.cancel()
      })
    })
  }),
  'children that next returns': on(function* ({ drupe }, n) {
    yield* drupe.nursery(
      function* (group) {
        for (let i = 0; i < n; i++) yield* group.spawn(() => drupe.sleep(i % 10))
        while ((yield* group.next()) !== null);
      },
      { completions: true },
    )
  }),
  'all, race, map': on(function* ({ drupe }, n) {
    const ops = Array.from({ length: n }, (_, i) => () => drupe.sleep(1 + (i % 10)))
    yield* drupe.all(ops)
    yield* drupe.race(ops)
    yield* drupe.map(ops, (op) => op(), { concurrency: 8 })
  }),
  'calls in each other': on(function* ({ drupe }, n) {
    function* deep(left: number): Operation<number> {
      return left === 0 ? yield* drupe.clock() : yield* drupe.call(deep(left - 1))
    }
    yield* deep(n)
  }),
  'tasks in each other, cancelled': on(function* ({ drupe }, n) {
    function* deep(left: number): Operation<void> {
      if (left > 0) yield* drupe.spawn(() => deep(left - 1))
      yield* drupe.sleep(FOREVER)
    }
    const task = yield* drupe.spawn(() => deep(n))
    yield* drupe.sleep(1)
    yield* task.cancel()
  }, 'n × depth'),
  'scopes in each other, cancelled': on(function* ({ drupe }, n) {
    const deep = (left: number): Operation<void> =>
      left === 0 ? drupe.sleep(FOREVER) : drupe.scope({}, () => deep(left - 1))
    const task = yield* drupe.spawn(() => deep(n))
    yield* drupe.sleep(1)
    yield* task.cancel()
  }, 'n × depth'),
  'a context in contexts': on(function* ({ drupe }, n) {
    const one: Context<number> = drupe.context('one', 0)
    const deep = (left: number): Operation<number> => (left === 0 ? one.get() : one.with(left, () => deep(left - 1)))
    yield* deep(n)
  }),
  'a context that many tasks inherit': on(function* ({ drupe }, n) {
    const one: Context<number> = drupe.context('one', 0)
    yield* one.with(1, () =>
      drupe.nursery(function* (group) {
        for (let i = 0; i < n; i++) yield* group.spawn(() => one.get())
      }),
    )
  }),
  'tasks that wait at a UniversalQueue': waiting(({ drupe }) => {
    const queue = new drupe.UniversalQueue<number>()
    return { op: () => queue.get() }
  }),
  'a UniversalQueue that is filled and emptied': on(function* ({ drupe }, n) {
    const queue = new drupe.UniversalQueue<number>(n)
    for (let i = 0; i < n; i++) yield* queue.put(i)
    for (let i = 0; i < n; i++) yield* queue.get()
  }),
  'tasks that wait for a UniversalEvent': waiting(({ drupe }) => {
    const event = new drupe.UniversalEvent()
    return { op: () => event.wait() }
  }),
  'a line that comes byte by byte': on(function* ({ testing }, n) {
    const [writer, reader] = testing.memoryStreams({ chunk: 1 })
    yield* writer.write(text(`${'x'.repeat(n)}\n`))
    yield* reader.readLine(n + 1)
  }),
  'many lines that come at once': on(function* ({ testing }, n) {
    const [writer, reader] = testing.memoryStreams({ capacity: FOREVER })
    yield* writer.write(text('x\n'.repeat(n)))
    for (let i = 0; i < n; i++) yield* reader.readLine()
  }),
  'readExactly and readAll of many pieces': on(function* ({ testing }, n) {
    const [writer, reader] = testing.memoryStreams({ capacity: FOREVER, chunk: 2 })
    for (let i = 0; i < 2 * n; i++) yield* writer.write(text('ab'))
    yield* writer.end()
    yield* reader.readExactly(2 * n)
    yield* reader.readAll()
  }),
  'small pieces through a BufferedWriter': on(function* ({ drupe, testing }, n) {
    const [writer, reader] = testing.memoryStreams({ capacity: FOREVER })
    const buffered = new drupe.BufferedWriter(writer)
    for (let i = 0; i < n; i++) yield* buffered.write(text('abc'))
    yield* buffered.flush()
    yield* reader.readExactly(3 * n)
  }),
  'connections of a simulated network': {
    grows: 'n log n',
    run({ drupe, testing }, n) {
      new testing.SimNetwork({ latency: 1 }).run({
        server: {
          daemon: true,
          *op() {
            yield* drupe.serve(yield* drupe.listen({ port: 1 }), function* (stream) {
              yield* stream.write(yield* stream.readExactly(5))
            })
          },
        },
        *client() {
          yield* drupe.sleep(1)
          yield* drupe.nursery(function* (group) {
            for (let i = 0; i < n; i++) {
              yield* group.spawn(function* () {
                const stream = yield* drupe.connect({ host: 'server', port: 1 })
                yield* stream.write(text('hello'))
                yield* stream.readExactly(5)
                yield* stream.close()
              })
            }
          })
        },
      })
    },
  },
}
