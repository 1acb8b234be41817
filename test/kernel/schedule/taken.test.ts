/**
 * Taken and then cancelled: what a task was given and has not seen goes back to where it was.
 *
 * Each test fills what a task waits for and cancels the task in the same pass, before it runs. The
 * long form of this is test/property/takes.ts; here is each kind, and what a race promises.
 */
import test from 'ava'
import {
  all,
  broadcast,
  CapacityLimiter,
  Condition,
  channel,
  connect,
  Lock,
  listen,
  moveOn,
  nursery,
  type Op,
  type Operation,
  Queue,
  RLock,
  race,
  Semaphore,
  type Stream,
  sleep,
  spawn,
  type Task,
  ticker,
  UniversalQueue,
  udp,
} from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { SimNetwork, virtual, waitAllBlocked } from 'drupe/testing'
import { bytes, text } from '../sim/net-kit.js'

/**
 * Lets a task begin to wait, fills what it waits for, and cancels it before it runs; how it ended.
 */
function* cancelWoken(op: Op<unknown>, fill: () => Operation<unknown>): Operation<string> {
  const task: Task<unknown> = yield* spawn(op)
  yield* waitAllBlocked()
  yield* fill()
  yield* task.cancel()
  return task.state
}

test('a race of two queues that are filled in one pass takes from one of them', (t) => {
  for (let seed = 0; seed < 20; seed++) {
    virtual({ seed }, function* () {
      const [a, b] = [new Queue<string>(), new Queue<string>()]
      yield* spawn(function* () {
        yield* waitAllBlocked()
        yield* a.put('a')
        yield* b.put('b')
      })
      const won = yield* race([a.get(), b.get()])
      t.is(won === 'a' ? yield* b.tryGet() : yield* a.tryGet(), won === 'a' ? 'b' : 'a')
      t.is(a.size + b.size, 0)
    })
  }
})

test('a race that was won returns what it won, though its time is over before the losers are out', (t) => {
  virtual({}, function* () {
    const queue = new Queue<string>()
    function* slow(): Operation<never> {
      try {
        return yield* sleep(1000) as Operation<never>
      } finally {
        yield* sleep(50)
      }
    }
    yield* spawn(function* () {
      yield* sleep(5)
      yield* queue.put('mine')
    })
    t.is(yield* moveOn(20, race([queue.get(), slow()]), 'nothing'), 'mine')
    // And the cancel is delivered at its next wait.
    yield* spawn(function* () {
      yield* sleep(5)
      yield* queue.put('yours')
    })
    const log: string[] = []
    yield* moveOn(20, function* () {
      log.push(yield* race([queue.get(), slow()]))
      yield* sleep(0)
      log.push('not reached')
    })
    t.deepEqual(log, ['yours'])
  })
})

test('an item of a queue, a channel, a broadcast or a universal queue is the next again', (t) => {
  virtual({}, function* () {
    const queue = new Queue<number>()
    const [sender, receiver] = channel<number>(5)
    const news = broadcast<number>()
    const reader = news.subscribe()
    const universal = new UniversalQueue<number>()
    const kinds = [
      { give: (n: number) => queue.put(n), take: () => queue.get() },
      { give: (n: number) => sender.send(n), take: () => receiver.receive() },
      { give: (n: number) => news.publish(n), take: () => reader.receive() },
      { give: (n: number) => universal.put(n), take: () => universal.get() },
    ]
    for (const { give, take } of kinds) {
      const state = yield* cancelWoken(take, function* () {
        yield* give(1)
        yield* give(2)
      })
      t.is(state, 'cancelled')
      t.deepEqual([yield* take(), yield* take()], [1, 2])
    }
    t.is(queue.statistics().unfinished, 2)
  })
})

test('an item that comes back goes to the task that has waited for longest', (t) => {
  virtual({}, function* () {
    const queue = new Queue<number>()
    const first = yield* spawn(() => queue.get())
    const second = yield* spawn(() => queue.get())
    yield* waitAllBlocked()
    yield* queue.put(1)
    yield* first.cancel()
    t.is(yield* second.join(), 1)
  })
})

test('a receiver that is cancelled together with the end of its channel keeps nothing back', (t) => {
  virtual({}, function* () {
    const [sender, receiver] = channel<number>(1)
    t.is(
      yield* cancelWoken(
        () => receiver.receive(),
        () => sender.close(),
      ),
      'cancelled',
    )
    t.is(yield* receiver.receive(), null)
  })
})

test('a put that was given room and is cancelled has put nothing, unless somebody has the item', (t) => {
  virtual({}, function* () {
    const queue = new Queue<number>(1)
    yield* queue.put(1)
    t.is(yield* cancelWoken(queue.put(2), () => queue.get()), 'cancelled')
    t.deepEqual([queue.size, queue.statistics().unfinished], [0, 1])
    yield* queue.put(3)
    const state = yield* cancelWoken(queue.put(4), function* () {
      t.is(yield* queue.get(), 3)
      t.is(yield* queue.get(), 4)
    })
    t.is(state, 'done')
    const [sender, receiver] = channel<number>(1)
    yield* sender.send(1)
    t.is(yield* cancelWoken(sender.send(2), () => receiver.receive()), 'cancelled')
    t.is(yield* receiver.tryReceive(), undefined)
  })
})

test('a permit, a token, a lock and a notification go on to the next', (t) => {
  virtual({}, function* () {
    const semaphore = new Semaphore(0)
    t.is(yield* cancelWoken(semaphore.acquire(), () => semaphore.release()), 'cancelled')
    t.is(semaphore.value, 1)

    const limiter = new CapacityLimiter(1)
    yield* limiter.acquire()
    t.is(
      yield* cancelWoken(
        () => limiter.acquire(),
        () => limiter.release(),
      ),
      'cancelled',
    )
    t.is(limiter.borrowed, 0)

    for (const lock of [new Lock(), new RLock()]) {
      yield* lock.acquire()
      t.is(
        yield* cancelWoken(
          () => lock.acquire(),
          () => lock.release(),
        ),
        'cancelled',
      )
      t.false(lock.locked)
    }

    const condition = new Condition()
    const notified: string[] = []
    const waits = function* (name: string): Operation<void> {
      yield* condition.with(function* () {
        yield* condition.wait()
        notified.push(name)
      })
    }
    const first = yield* spawn(() => waits('first'))
    yield* spawn(() => waits('second'))
    yield* waitAllBlocked()
    yield* condition.with(() => condition.notify())
    yield* first.cancel()
    yield* waitAllBlocked()
    t.deepEqual(notified, ['second'])
  })
})

test('a child that is over is there for the next who asks', (t) => {
  virtual({}, () =>
    nursery(
      function* (n) {
        const child = yield* n.spawn(() => sleep(5))
        const asker = yield* spawn(() => n.next())
        yield* sleep(4)
        // The child ends in the pass in which the asker is cancelled.
        const canceller = yield* spawn(function* () {
          yield* child.wait()
          yield* asker.cancel()
        })
        yield* canceller.join()
        t.is(asker.state, 'cancelled')
        t.is(yield* n.next(), child)
      },
      { completions: true },
    ),
  )
})

test('a tick that comes together with a cancel is still to come', (t) => {
  virtual({}, function* () {
    const ticks = ticker(10)
    let task: Task<number> | undefined
    yield* spawn(function* () {
      yield* sleep(10)
      yield* (task as Task<number>).cancel()
    })
    task = yield* spawn(() => ticks.next())
    yield* sleep(11)
    t.is(task.state, 'cancelled')
    t.is(yield* ticks.next(), 1)
  })
})

test('a queue of one’s own says how its answer is taken back; without that it stands', (t) => {
  virtual({}, function* () {
    const back: unknown[] = []
    const door = new WaitQueue('door', null, (task, _trap, value) => {
      back.push(task.name, value)
      return true
    })
    t.is(
      yield* cancelWoken(
        function* guest() {
          yield* park(door)
        },
        () => wake(door, 1, 'come in'),
      ),
      'cancelled',
    )
    t.deepEqual(back, ['guest', 'come in'])
    const plain = new WaitQueue('plain')
    t.is(
      yield* cancelWoken(
        () => park(plain),
        () => wake(plain, 1, 'yours'),
      ),
      'done',
    )
  })
})

test('what was taken at the end of a step’s budget is given back like what was handed over', (t) => {
  for (let spent = 230; spent < 270; spent++) {
    virtual({}, function* () {
      const [a, b] = [new Queue<number>(), new Queue<number>()]
      yield* a.put(1)
      yield* b.put(2)
      const busy = (queue: Queue<number>): Op<number> =>
        function* () {
          for (let i = 0; i < spent; i++) yield* queue.tryPut(9)
          return yield* queue.get()
        }
      yield* race([busy(a), busy(b)])
      t.is(a.statistics().unfinished + b.statistics().unfinished - a.size - b.size, 1, `${spent} traps before`)
    })
  }
})

for (const style of ['readiness', 'completion'] as const) {
  test(`bytes, connections and datagrams that went to nobody are there for the next reader (${style})`, (t) => {
    for (let seed = 1; seed <= 10; seed++) {
      const network = new SimNetwork({ seed, latency: 1 })
      network.host('server', { style })
      const { server } = network.run({
        *server(): Operation<string[]> {
          const listeners = [yield* listen({ port: 80 }), yield* listen({ port: 81 })] as const
          const sockets = [yield* udp({ port: 90 }), yield* udp({ port: 91 })] as const
          const streams: Stream[] = []
          for (let i = 0; i < 2; i++) streams.push(yield* race(listeners.map((listener) => () => listener.accept())))
          t.not(streams[0], streams[1])
          const got = ['', '']
          const [one, other] = streams as [Stream, Stream]
          const reads = (stream: Stream, at: number) =>
            function* (): Operation<readonly [number, string | null]> {
              const chunk = at === 0 ? yield* stream.read() : yield* stream.borrow()
              return [at, chunk === null ? null : text(chunk)]
            }
          for (;;) {
            const [at, chunk] = yield* race([reads(one, 0), reads(other, 1)])
            if (chunk === null) break
            got[at] += chunk
          }
          for (const stream of streams) got.push(text(yield* stream.readAll()))
          for (let i = 0; i < 2; i++) {
            const { bytes: datagram } = yield* race(sockets.map((socket) => () => socket.receive()))
            got.push(text(datagram))
          }
          for (const thing of [...streams, ...listeners, ...sockets]) yield* thing.close()
          return [`${got[0]}${got[2]}`, `${got[1]}${got[3]}`, ...got.slice(4).sort()]
        },
        *client(): Operation<void> {
          yield* sleep(5)
          const streams = yield* all([80, 81].map((port) => connect({ host: 'server', port })))
          for (let i = 0; i < 5; i++) {
            for (const stream of streams) yield* stream.write(bytes(`${i}`))
            yield* sleep(5)
          }
          const socket = yield* udp()
          const { address } = network.host('server')
          for (const port of [90, 91]) yield* socket.send(bytes(`to ${port}`), { host: address, port })
          for (const stream of streams) yield* stream.close()
          yield* socket.close()
        },
      })
      t.deepEqual(server, ['01234', '01234', 'to 90', 'to 91'])
    }
  })
}
