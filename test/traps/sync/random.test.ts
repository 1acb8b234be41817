/**
 * Races between cancel and hand-over, two hundred orders of them: no permit, item or wake-up is lost or made up.
 *
 * Each test shuffles the tasks by a seed, and cancels and times out some of them at random times. What it checks at the
 * end is bookkeeping only: what went in is what came out or is still there.
 */
import test, { type ExecutionContext } from 'ava'
import { Cancelled, checkpoint, moveOn, nursery, type Operation, sleep, type Task } from 'drupe'
import { virtual } from 'drupe/testing'
import { seededRandom } from '../../../kernel/random.js'
import { broadcast } from '../../../traps/sync/broadcast.js'
import { channel, type Receiver, type Sender } from '../../../traps/sync/channel.js'
import { Condition } from '../../../traps/sync/condition.js'
import { CapacityLimiter } from '../../../traps/sync/limiter.js'
import { Lock, RLock } from '../../../traps/sync/lock.js'
import { LifoQueue, PriorityQueue } from '../../../traps/sync/ordered.js'
import { Queue } from '../../../traps/sync/queue.js'
import { Semaphore } from '../../../traps/sync/semaphore.js'

const SEEDS = 200

type Random = () => number

/** Runs a scenario once for each seed. */
function seeds(t: ExecutionContext, scenario: (random: Random, seed: number) => Operation<void>): void {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      virtual({ seed }, () => scenario(seededRandom(seed * 7919), seed))
    } catch (error) {
      t.fail(`seed ${seed}: ${String(error)}`)
      return
    }
  }
  t.pass()
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new Error(`does not hold: ${what}`)
}

/** A short pause: none at all, a turn, or up to three milliseconds. */
function* pause(random: Random): Operation<void> {
  const choice = random()
  if (choice < 0.3) return
  if (choice < 0.6) yield* checkpoint()
  else yield* sleep(Math.floor(random() * 4))
}

/** Cancels about every second task at a random time. */
function* harass(random: Random, tasks: readonly Task<unknown>[]): Operation<void> {
  for (const task of tasks) {
    yield* pause(random)
    if (random() < 0.5) yield* task.cancel('chance', { wait: false })
  }
}

/** Runs something, mostly as it is, sometimes with too little time. */
function* hurried<T>(random: Random, op: Operation<T>): Operation<T | undefined> {
  return random() < 0.3 ? yield* moveOn(Math.floor(random() * 3), op) : yield* op
}

const EXCLUSIVE: Readonly<Record<string, readonly [() => Lock | Semaphore | CapacityLimiter, number]>> = {
  Lock: [() => new Lock(), 1],
  RLock: [() => new RLock(), 1],
  'Semaphore of 3': [() => new Semaphore(3), 3],
  'CapacityLimiter of 2': [() => new CapacityLimiter(2), 2],
}

for (const [name, [make, most]] of Object.entries(EXCLUSIVE)) {
  test(`${name}: never more inside than may be, and all of it is back at the end`, (t) => {
    seeds(t, function* (random) {
      const lock = make()
      let inside = 0
      function* user(): Operation<void> {
        for (let i = 0; i < 4; i++) {
          yield* pause(random)
          yield* hurried(
            random,
            lock.with(function* () {
              inside++
              assert(inside <= most, 'not too many inside')
              try {
                yield* pause(random)
              } finally {
                inside--
              }
            }),
          )
        }
      }
      yield* nursery(function* (n) {
        const tasks: Task<void>[] = []
        for (let i = 0; i < 8; i++) tasks.push(yield* n.spawn(user))
        yield* harass(random, tasks)
      })
      assert(lock.statistics().waiting === 0, 'nobody waits')
      if (lock instanceof Lock) assert(!lock.locked, 'the lock is free')
      else if (lock instanceof Semaphore) assert(lock.value === most, 'all permits are there')
      else assert(lock.borrowed === 0, 'all tokens are there')
    })
  })
}

const QUEUES: Readonly<Record<string, () => Queue<number>>> = {
  Queue: () => new Queue(2),
  PriorityQueue: () => new PriorityQueue(2),
  LifoQueue: () => new LifoQueue(2),
}

for (const [name, make] of Object.entries(QUEUES)) {
  test(`${name}: every item that was put was got once, or is still there`, (t) => {
    seeds(t, function* (random) {
      const queue = make()
      const put: number[] = []
      const got: number[] = []
      let next = 0
      function* producer(): Operation<void> {
        for (let i = 0; i < 5; i++) {
          const item = next++
          yield* hurried(random, putting(item))
          yield* pause(random)
        }
      }
      function* putting(item: number): Operation<void> {
        yield* queue.put(item)
        put.push(item)
      }
      function* consumer(): Operation<void> {
        for (;;) {
          yield* hurried(random, getting())
          yield* pause(random)
        }
      }
      function* getting(): Operation<void> {
        got.push(yield* queue.get())
        yield* queue.taskDone()
      }
      yield* nursery(function* (n) {
        const tasks: Task<void>[] = []
        for (let i = 0; i < 4; i++) tasks.push(yield* n.spawn(producer))
        for (let i = 0; i < 4; i++) tasks.push(yield* n.spawn(consumer, { daemon: true }))
        yield* harass(random, tasks)
        // One that is spared lets all producers come to their end.
        yield* n.spawn(consumer, { daemon: true })
      })
      while (queue.size > 0) yield* getting()
      yield* queue.join()
      assert(same(put, got), `put ${put} is got ${got}`)
      const { getting: getters, putting: putters, unfinished } = queue.statistics()
      assert(getters + putters + unfinished === 0, 'nothing is left')
    })
  })
}

for (const capacity of [0, 1, 3]) {
  test(`channel of ${capacity}: every item that was sent was received once, and the end comes`, (t) => {
    seeds(t, function* (random) {
      const [sender, receiver] = channel<number>(capacity)
      const sent: number[] = []
      const received: number[] = []
      let next = 0
      function* producer(end: Sender<number>): Operation<void> {
        for (let i = 0; i < 5; i++) {
          const item = next++
          yield* hurried(
            random,
            (function* () {
              yield* end.send(item)
              sent.push(item)
            })(),
          )
          yield* pause(random)
        }
      }
      function* consumer(end: Receiver<number>): Operation<void> {
        yield* end.each(function* (item) {
          received.push(item)
          yield* pause(random)
        })
      }
      yield* nursery(function* (n) {
        const tasks: Task<void>[] = []
        for (let i = 0; i < 4; i++) {
          const from = sender.clone()
          const to = receiver.clone()
          tasks.push(yield* n.spawn(() => from.with(producer(from))))
          tasks.push(yield* n.spawn(() => to.with(consumer(to))))
        }
        yield* sender.close()
        yield* n.spawn(() => consumer(receiver))
        yield* harass(random, tasks)
      })
      assert(same(sent, received), `sent ${sent} is received ${received}`)
      const { buffered, openSenders, sending, receiving } = receiver.statistics()
      assert(buffered + sending + receiving + openSenders === 0, 'nothing is left')
    })
  })
}

test('Condition: no notification is lost to a cancel', (t) => {
  seeds(t, function* (random) {
    const condition = new Condition()
    let items = 0
    let taken = 0
    function* consumer(): Operation<void> {
      for (;;) {
        yield* condition.with(function* () {
          while (items === 0) yield* condition.wait()
          items--
          taken++
        })
        yield* pause(random)
      }
    }
    yield* nursery(function* (n) {
      const tasks: Task<void>[] = []
      for (let i = 0; i < 5; i++) tasks.push(yield* n.spawn(consumer, { daemon: true }))
      yield* n.spawn(consumer, { daemon: true })
      yield* n.spawn(() => harass(random, tasks), { daemon: true })
      for (let i = 0; i < 15; i++) {
        yield* pause(random)
        yield* condition.with(function* () {
          items++
          yield* condition.notify()
        })
      }
      yield* sleep(1000)
    })
    assert(items === 0 && taken === 15, `15 items are taken: ${taken}, ${items} left`)
    assert(!condition.lock.locked && condition.statistics().waiting === 0, 'nobody is left')
  })
})

test('broadcast: a reader that was spared got everything that was published, in order', (t) => {
  seeds(t, function* (random) {
    const news = broadcast<number>({ capacity: 2, slow: 'wait' })
    const published: number[] = []
    const got: number[] = []
    let next = 0
    yield* nursery(function* (n) {
      const tasks: Task<void>[] = []
      for (let i = 0; i < 4; i++) {
        const subscription = news.subscribe()
        const reader = subscription.with(() => subscription.each(() => pause(random)))
        tasks.push(yield* n.spawn(() => reader))
        yield* checkpoint()
      }
      const spared = news.subscribe()
      yield* n.spawn(() =>
        spared.each(function* (item) {
          got.push(item)
          yield* pause(random)
        }),
      )
      yield* n.spawn(() => harass(random, tasks))
      yield* nursery(function* (publishers) {
        for (let i = 0; i < 3; i++) {
          yield* publishers.spawn(function* () {
            for (let j = 0; j < 5; j++) {
              const item = next++
              yield* hurried(
                random,
                (function* () {
                  yield* news.publish(item)
                  published.push(item)
                })(),
              )
            }
          })
        }
      })
      yield* news.close()
    })
    assert(same(published, got), `published ${published} is got ${got}`)
  })
})

test('a Cancelled out of a wait means that nothing was taken, whatever the moment', (t) => {
  seeds(t, function* (random) {
    const queue = new Queue<number>(3)
    const kept: number[] = []
    function* taker(): Operation<void> {
      try {
        kept.push(yield* queue.get())
      } catch (error) {
        assert(error instanceof Cancelled, 'only a cancel ends it')
        throw error
      }
    }
    yield* nursery(function* (n) {
      const tasks: Task<void>[] = []
      for (let i = 0; i < 6; i++) tasks.push(yield* n.spawn(taker))
      yield* n.spawn(function* () {
        for (let i = 0; i < 3; i++) {
          yield* pause(random)
          yield* queue.put(i)
        }
      })
      yield* harass(random, tasks)
      yield* sleep(100)
      for (const task of tasks) yield* task.cancel()
    })
    assert(kept.length + queue.size === 3, `${kept} and ${queue.size} in the queue`)
  })
})

function same(a: readonly number[], b: readonly number[]): boolean {
  const sort = (list: readonly number[]): string => [...list].sort((x, y) => x - y).join()
  return sort(a) === sort(b)
}
