/**
 * Call-backs of the user's, over everything that takes one: those that throw, and those that call
 * back while they are being registered, be it to settle what they were given or to cancel the very
 * task that waits.
 */
import test from 'ava'
import {
  type AbortSignalLike,
  Cancelled,
  context,
  Event,
  each,
  ensure,
  type Instrument,
  Kernel,
  moveOn,
  nursery,
  type Operation,
  Queue,
  resource,
  type Scope,
  Semaphore,
  scope,
  sleep,
  spawn,
  subscribe,
  suspend,
  type Task,
  udp,
  until,
  withSignal,
} from 'drupe'
import { assertNoLeaks, SimNetwork, VirtualDriver, virtual } from 'drupe/testing'
import { thrownBy, withKernel } from '../../kit.js'

const boom = new Error('boom')
const explode = (): never => {
  throw boom
}

const THROWING: Readonly<Record<string, () => Operation<unknown>>> = {
  'the starter of suspend': () => suspend(explode),
  'the starter of suspend, after it has called back': () =>
    suspend<void>((resolve) => {
      resolve()
      explode()
    }),
  'the function of until': () => until(explode),
  'a then': () => until({ then: explode }),
  'the adding of a listener': () =>
    withSignal({ aborted: false, addEventListener: explode, removeEventListener: () => {} }, sleep(1)),
  'the removing of a listener': () =>
    withSignal({ aborted: false, addEventListener: () => {}, removeEventListener: explode }, sleep(1)),
  'the opening of a source': () => each({ open: explode }, function* () {}),
  'the iterator of a source': () => subscribe({ [Symbol.asyncIterator]: explode }),
  'the next of a source': () => each({ [Symbol.asyncIterator]: () => ({ next: explode }) }, function* () {}),
  'the body of a nursery': () => nursery(explode),
  'the body of a resource': () => nursery(() => resource(explode)),
  'a cleanup': () => nursery(() => ensure(explode)),
  'the body in a context': () => context('x', 1).with(2, explode),
  'the function of a task': () =>
    nursery(function* () {
      yield* spawn(explode)
    }),
}

for (const [what, op] of Object.entries(THROWING)) {
  test(`${what} throws: the same error in the task, and nothing is left over`, (t) => {
    virtual({}, function* () {
      t.is(yield* thrownBy(op()), boom)
      yield* sleep(1)
    })
  })
}

test('who is called while it registers: the first call counts, and no later one reaches another wait', (t) => {
  const late: (() => void)[] = []
  const results = virtual({}, function* () {
    const first = yield* suspend<string>((resolve, reject) => {
      late.push(() => resolve('late'))
      resolve('at once')
      resolve('again')
      reject(boom)
    })
    const failed = yield* thrownBy(
      suspend<string>((resolve, reject) => {
        late.push(() => resolve('late'))
        reject(boom)
      }),
    )
    yield* spawn(function* () {
      yield* sleep(1)
      for (const call of late) call()
    })
    yield* sleep(5)
    return [first, failed]
  })
  t.deepEqual(results, ['at once', boom])
})

test('a signal that tells its listener at once cancels the operation at once', (t) => {
  let aborted = false
  const signal: AbortSignalLike = {
    get aborted() {
      return aborted
    },
    reason: boom,
    addEventListener: (_name, listener) => {
      aborted = true
      listener(undefined)
    },
    removeEventListener: () => {},
  }
  t.is(
    virtual({}, () => thrownBy(withSignal(signal, sleep(1000)))),
    boom,
  )
})

test('a starter that cancels its own task is called off at once; if that settles it, that counts', (t) => {
  withKernel({ grace: Number.POSITIVE_INFINITY }, (kernel) => {
    const log: unknown[] = []
    kernel.runSync(
      function* () {
        const task: Task = yield* spawn(function* () {
          try {
            yield* suspend<void>((resolve) => {
              kernel.cancel(task, 'by its starter')
              return () => {
                log.push('called off')
                resolve()
              }
            })
          } catch (error) {
            log.push((error as Error).constructor.name)
            throw error
          }
        })
        yield* task.wait()
      },
      { name: 'main' },
    )
    // What has come counts; the cancel would be delivered at the next wait.
    t.deepEqual(log, ['called off'])
    assertNoLeaks(kernel)
  })
})

const WAITS: Readonly<Record<string, () => Operation<unknown>>> = {
  sleep: () => sleep(1000),
  'a wait in a queue': () => new Event().wait(),
  'a wait in a queue with a time limit': () => new Event().wait({ timeout: 1000 }),
  'a join': function* () {
    const child = yield* spawn(sleep(1000), { daemon: true })
    yield* child.join()
  },
  'a wait for host code': () => suspend(() => {}),
  'an operation of the driver': function* () {
    const socket = yield* udp({ host: '127.0.0.1' })
    try {
      yield* socket.receive({ timeout: 1000 })
    } finally {
      yield* socket.close()
    }
  },
  'the end of a nursery': () =>
    nursery(function* () {
      yield* spawn(sleep(1000))
    }),
}

for (const [what, wait] of Object.entries(WAITS)) {
  test(`an instrument that cancels a task when it is told of its wait: ${what}`, (t) => {
    let victim: Task | null = null
    const instrument: Instrument = {
      suspend: (task) => {
        if (task === victim) kernel.cancel(task, 'by an instrument')
      },
    }
    const driver = new SimNetwork({ seed: 1 }).host('main').driver()
    const kernel = new Kernel({ driver, instruments: [instrument], grace: Number.POSITIVE_INFINITY })
    const delivered = kernel.runSync(function* () {
      const task = yield* spawn(() => thrownBy(wait()))
      victim = task
      yield* task.wait()
      return task.result
    })
    t.true(delivered instanceof Cancelled)
    assertNoLeaks(kernel)
    kernel.closeSync()
  })
}

for (const [what, wait] of Object.entries(WAITS)) {
  test(`an instrument that cancels a task again when it is told of its cancel: ${what}`, (t) => {
    let told = 0
    const instrument: Instrument = {
      cancel: (task) => {
        if (task.name !== 'victim') return
        told++
        kernel.cancel(task, 'by an instrument')
      },
    }
    const driver = new SimNetwork({ seed: 1 }).host('main').driver()
    const kernel: Kernel = new Kernel({ driver, instruments: [instrument], grace: 0 })
    const delivered = kernel.runSync(function* () {
      function* victim(): Operation<unknown> {
        yield* moveOn(5, wait)
        return yield* thrownBy(sleep(1000))
      }
      const task = yield* spawn(victim, { name: 'victim' })
      yield* task.wait()
      return task.result
    })
    t.is((delivered as Cancelled).reason, 'by an instrument')
    t.is(told, 2)
    assertNoLeaks(kernel)
    kernel.closeSync()
  })
}

test('what a task was given is taken back once, though an instrument cancels it again', (t) => {
  const instrument: Instrument = { cancel: (task) => void kernel.cancel(task) }
  const kernel: Kernel = new Kernel({ driver: new VirtualDriver(), instruments: [instrument], grace: 0 })
  const permits = new Semaphore(0)
  const queue = new Queue<number>()
  kernel.runSync(function* () {
    let [semaphoreScope, queueScope]: (Scope | null)[] = [null, null]
    yield* spawn(() =>
      scope(function* (own) {
        semaphoreScope = own
        yield* permits.acquire()
      }),
    )
    yield* spawn(() =>
      scope(function* (own) {
        queueScope = own
        yield* queue.get()
      }),
    )
    yield* sleep(1)
    yield* permits.release()
    yield* queue.put(1)
    for (const one of [semaphoreScope, queueScope] as (Scope | null)[]) if (one !== null) yield* one.cancel()
  })
  t.is(permits.value, 1)
  t.is(queue.size, 1)
  kernel.closeSync()
})

test('instruments that cancel tasks whenever they are told of something leave a kernel that works', (t) => {
  for (const method of ['spawn', 'beforeStep', 'afterStep', 'suspend', 'exit'] as const) {
    const instrument: Instrument = {
      [method]: (task: Task) => {
        if (task.name === 'victim') kernel.cancel(task)
      },
    }
    const kernel: Kernel = new Kernel({ driver: new VirtualDriver(), instruments: [instrument] })
    const state = kernel.runSync(function* () {
      const task = yield* spawn(
        function* () {
          yield* sleep(1)
          yield* sleep(5)
        },
        { name: 'victim' },
      )
      yield* task.wait()
      yield* sleep(1)
      return task.state
    })
    t.is(state, method === 'exit' ? 'done' : 'cancelled', method)
    assertNoLeaks(kernel)
    kernel.closeSync()
  }
})
