/**
 * One object, two kernels: locks, queues and the like belong to no kernel. A module may hold one that the tasks of every
 * `run` use, and a task that is woken from another kernel goes on in its own.
 */
import test from 'ava'
import {
  Barrier,
  BoundedSemaphore,
  broadcast,
  CapacityLimiter,
  Condition,
  channel,
  checkpoint,
  Event,
  Kernel,
  KernelStateError,
  LifoQueue,
  Lock,
  type Operation,
  PriorityQueue,
  Queue,
  Result,
  RLock,
  run,
  Semaphore,
  shield,
  sleep,
} from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { assertNoLeaks, VirtualDriver } from 'drupe/testing'
import { thrown, thrownBy } from '../../kit.js'

/** What the one kernel does before, what the other waits for, and how the first one ends the wait. */
interface Shared {
  readonly before?: () => Operation<unknown>
  readonly waits: () => Operation<unknown>
  readonly wakes: () => Operation<unknown>
  readonly result?: unknown
}

/** A lock, or something like one. */
const exclusive = (lock: { acquire(): Operation<void>; release(): Operation<void> }): Shared => ({
  waits: function* () {
    yield* lock.acquire()
    yield* lock.release()
  },
  // Taken and given back by one task, which ends the wait in between.
  wakes: () => lock.release(),
  before: () => lock.acquire(),
})

const taken = (queue: Queue<number>): Shared => ({ waits: () => queue.get(), wakes: () => queue.put(7), result: 7 })

const SHARED: Readonly<Record<string, () => Shared>> = {
  WaitQueue: () => {
    const queue = new WaitQueue()
    return { waits: () => park(queue), wakes: () => wake(queue, 1, 7), result: 7 }
  },
  Event: () => {
    const event = new Event()
    return { waits: () => event.wait(), wakes: () => event.set() }
  },
  Semaphore: () => exclusive(new Semaphore(1)),
  BoundedSemaphore: () => exclusive(new BoundedSemaphore(1)),
  Queue: () => taken(new Queue<number>()),
  PriorityQueue: () => taken(new PriorityQueue<number>()),
  LifoQueue: () => taken(new LifoQueue<number>()),
  'a full Queue': () => {
    const queue = new Queue<number>(1)
    return { before: () => queue.put(1), waits: () => queue.put(2), wakes: () => queue.get() }
  },
  channel: () => {
    const [sender, receiver] = channel<number>()
    return { waits: () => receiver.receive(), wakes: () => sender.send(7), result: 7 }
  },
  broadcast: () => {
    const news = broadcast<number>()
    const subscription = news.subscribe()
    return { waits: () => subscription.receive(), wakes: () => news.publish(7), result: 7 }
  },
  Result: () => {
    const result = new Result<number>()
    return { waits: () => result.join(), wakes: () => result.set(7), result: 7 }
  },
  Barrier: () => {
    const barrier = new Barrier(2)
    return { waits: () => barrier.wait(), wakes: () => barrier.wait(), result: 0 }
  },
  Condition: () => {
    const condition = new Condition()
    return {
      waits: () => condition.with(() => condition.wait()),
      wakes: () => condition.with(() => condition.notify()),
    }
  },
}

for (const [name, make] of Object.entries(SHARED)) {
  test(`a task that waits in a shared ${name} is woken from another kernel and goes on in its own`, (t) => {
    const [theirs, mine] = [new Kernel({ driver: new VirtualDriver() }), new Kernel({ driver: new VirtualDriver() })]
    const { before, waits, wakes, result } = make()
    if (before !== undefined) mine.runSync(before)
    const waiter = theirs.spawn(function* () {
      yield* sleep(1)
      return yield* waits()
    })
    theirs.runSync(sleep(2))
    t.is(waiter.state, 'waiting')
    mine.runSync(wakes)
    t.is(
      theirs.runSync(() => waiter.join()),
      result,
    )
    for (const kernel of [mine, theirs]) {
      assertNoLeaks(kernel)
      kernel.closeSync()
    }
  })
}

for (const [name, make] of [
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
  ['CapacityLimiter', () => new CapacityLimiter(1)],
] as const) {
  test(`a shared ${name} is held by one task at a time, whichever kernel it is of`, async (t) => {
    const lock: { acquire(): Operation<void>; release(): Operation<void> } = make()
    let inside = 0
    function* worker(): Operation<void> {
      for (let i = 0; i < 5; i++) {
        yield* lock.acquire()
        t.is(++inside, 1)
        yield* sleep(1)
        inside--
        yield* lock.release()
        yield* checkpoint()
      }
    }
    await Promise.all([run(worker), run(worker), run(worker)])
  })
}

test('who waits for a lock whose holder in another kernel ends without giving it back, is told', (t) => {
  const [theirs, mine] = [new Kernel({ driver: new VirtualDriver() }), new Kernel({ driver: new VirtualDriver() })]
  const lock = new Lock()
  const waiter = mine.spawn(() => thrownBy(lock.acquire()))
  theirs.runSync(function* () {
    yield* lock.acquire()
    mine.runSync(checkpoint())
  })
  t.true(mine.runSync(() => waiter.join()) instanceof Error)
  theirs.closeSync()
  mine.closeSync()
})

test('an item is not given to a task that its closed kernel has given up', (t) => {
  const [theirs, mine] = [
    new Kernel({ driver: new VirtualDriver(), grace: 5 }),
    new Kernel({ driver: new VirtualDriver() }),
  ]
  const queue = new Queue<number>()
  theirs.spawn(() => shield(queue.get()))
  theirs.runSync(sleep(1))
  t.true(thrown(() => theirs.closeSync()) instanceof KernelStateError)
  t.is(
    mine.runSync(function* () {
      yield* queue.put(7)
      return yield* queue.get()
    }),
    7,
  )
  mine.closeSync()
})
