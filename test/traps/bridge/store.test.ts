/**
 * AsyncLocalStorage through tasks: whose store a task sees, and for how long. On real drivers, because the host's call-backs
 * are what could bring another store in.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import test from 'ava'
import {
  call,
  Kernel,
  moveOn,
  nursery,
  once,
  Queue,
  race,
  run,
  runSync,
  scope,
  sleep,
  spawn,
  UniversalQueue,
  until,
  withStore,
} from '../../../index.js'
import { VirtualDriver } from '../../../kernel/driver/virtual.js'
import { KernelBase } from '../../../kernel/kernel.js'
import type { Operation } from '../../../kernel/protocol/trap.js'
import { virtual } from '../../../testing.js'

const storage = new AsyncLocalStorage<string>()

function* seenAcrossWaits(): Operation<(string | undefined)[]> {
  const seen = [storage.getStore()]
  yield* sleep(1)
  seen.push(storage.getStore())
  const child = yield* spawn(function* () {
    const mine = [storage.getStore()]
    yield* sleep(1)
    return [...mine, storage.getStore()]
  })
  seen.push(...(yield* child.join()))
  yield* until(new Promise((resolve) => setTimeout(resolve, 1)))
  seen.push(storage.getStore())
  seen.push(
    yield* call(function* () {
      yield* sleep(0)
      return storage.getStore()
    }),
  )
  return seen
}

test('each task, and its children, see the store in which the host started them, across waits', async (t) => {
  const kernel = new Kernel()
  const ids = ['a', 'b', 'c']
  const results = await Promise.all(ids.map((id) => storage.run(id, () => kernel.run(seenAcrossWaits))))
  const none = await kernel.run(seenAcrossWaits)
  await kernel.close()
  t.deepEqual(
    results,
    ids.map((id) => [id, id, id, id, id, id]),
  )
  t.deepEqual(none, Array(6).fill(undefined), 'one that was started where there was none sees none')
})

test('a task does not see the store of whoever wakes it', async (t) => {
  const kernel = new Kernel()
  const queue = new UniversalQueue<number>()
  const emitter = new EventEmitter()
  const asleep = kernel.run(function* () {
    const seen: unknown[] = []
    yield* queue.get()
    seen.push(storage.getStore())
    yield* once(emitter, 'go')
    seen.push(storage.getStore())
    return seen
  })
  await new Promise((resolve) => setImmediate(resolve))
  await storage.run('waker', () => queue.put(1))
  await new Promise((resolve) => setTimeout(resolve, 5))
  storage.run('waker', () => emitter.emit('go'))
  t.deepEqual(await asleep, [undefined, undefined])
  await kernel.close()
})

test('what a task’s own promises and callbacks see is the task’s store', async (t) => {
  const seen = await storage.run('mine', () =>
    run(function* () {
      yield* sleep(1)
      return yield* until(async () => {
        await new Promise((resolve) => setTimeout(resolve, 1))
        return storage.getStore()
      })
    }),
  )
  t.is(seen, 'mine')
})

test('in a blocking run, too', (t) => {
  const seen = storage.run('blocking', () => runSync(() => pair()))
  t.deepEqual(seen, ['blocking', 'blocking'])
  t.deepEqual(runSync(pair), [undefined, undefined])

  function* pair(): Operation<unknown[]> {
    const before = storage.getStore()
    yield* sleep(1)
    return [before, storage.getStore()]
  }
})

test('withStore sets a store for an operation and its tasks, and takes it back afterwards', (t) => {
  virtual({}, function* () {
    const seen: unknown[] = []
    const inner = yield* withStore(storage, 'inside', function* () {
      seen.push(storage.getStore())
      yield* sleep(5)
      seen.push(storage.getStore())
      yield* withStore(storage, 'deeper', function* () {
        seen.push(storage.getStore())
        yield* sleep(5)
      })
      seen.push(storage.getStore())
      return yield* spawn(function* () {
        yield* sleep(50)
        return storage.getStore()
      })
    })
    seen.push(storage.getStore())
    t.deepEqual(seen, ['inside', 'inside', 'deeper', 'inside', undefined])
    t.is(yield* inner.join(), 'inside', 'a task goes on with the store in which it was spawned')
  })
})

test('withStore takes the store back after an error and after a cancel', (t) => {
  virtual({}, function* () {
    try {
      yield* withStore(storage, 'failing', function* () {
        yield* sleep(1)
        throw new Error('expected')
      })
      t.fail()
    } catch {
      t.is(storage.getStore(), undefined)
    }
    let cleaned: unknown
    yield* moveOn(5, () =>
      withStore(storage, 'cancelled', function* () {
        try {
          yield* sleep(1000)
        } finally {
          yield* sleep(1)
          cleaned = storage.getStore()
        }
      }),
    )
    t.is(cleaned, 'cancelled', 'cleanup runs in it')
    t.is(storage.getStore(), undefined)
    yield* scope({}, function* (s) {
      yield* s.cancel('at once')
      yield* withStore(storage, 'cancelled before', () => sleep(1))
    })
    t.is(storage.getStore(), undefined)
  })
})

test('tasks with different stores that wake each other keep their own', (t) => {
  virtual({ seed: 7 }, function* () {
    const queue = new Queue<number>(1)
    const wrong: unknown[] = []
    const check = (name: string): void => {
      if (storage.getStore() !== name) wrong.push([name, storage.getStore()])
    }
    yield* nursery(function* (n) {
      for (const name of ['x', 'y', 'z']) {
        yield* n.spawn(() =>
          withStore(storage, name, function* () {
            for (let i = 0; i < 50; i++) {
              yield* race([queue.put(i), sleep(1)])
              check(name)
              yield* race([queue.get(), sleep(1)])
              check(name)
            }
          }),
        )
      }
    })
    t.deepEqual(wrong, [])
  })
})

test('what is no storage is refused at once, and a host without contexts says so', (t) => {
  t.throws(() => withStore({} as never, 1, sleep(1)), { instanceOf: TypeError, message: /storage must be/ })
  const kernel = new KernelBase({ driver: new VirtualDriver() })
  const error = t.throws(() => kernel.runSync(() => withStore(storage, 'x', sleep(1))))
  t.is((error as Error & { code?: string }).code, 'DRUPE_UNSUPPORTED')
  kernel.closeSync()
})

test('a storage whose run does not call is refused, and what it returns does not matter', async (t) => {
  const mute = { run: () => undefined as never }
  await t.throwsAsync(
    run(() => withStore(mute, 1, sleep(1))),
    { instanceOf: TypeError, message: /did not call/ },
  )
  const deaf = {
    run(store: string, callback: () => unknown): never {
      storage.run(store, callback)
      return 5 as never
    },
  }
  t.is(
    await run(() =>
      withStore(deaf, 'inside', function* () {
        yield* sleep(1)
        return storage.getStore()
      }),
    ),
    'inside',
  )
})

test('no task has a context where no store is set', (t) => {
  // Counted by what is made, since a context costs each step of a task.
  virtual({}, function* () {
    const task = yield* spawn(() => sleep(1))
    t.is((task as unknown as { hostContext: unknown }).hostContext, null)
    yield* task.join()
  })
})
