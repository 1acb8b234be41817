/**
 * Pools of threads: their workers are used again, replaced when they are lost, and end with the pool.
 */
import { execFile } from 'node:child_process'
import test from 'ava'
import {
  BrokenError,
  ClosedError,
  checkpoint,
  Kernel,
  KernelStateError,
  map,
  moveOn,
  nursery,
  type Operation,
  processPool,
  race,
  run,
  runSync,
  scope,
  sleep,
  spawn,
  type Task,
  threadPool,
  UniversalEvent,
  use,
  type WorkerPool,
  type WorkerPoolOptions,
} from 'drupe'
import { assertNoLeaks } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'
import { PATIENCE_MS } from '../../patience.js'

const module = new URL('./work.js', import.meta.url)

function withPool<T>(options: Partial<WorkerPoolOptions>, body: (pool: WorkerPool) => Operation<T>): Promise<T> {
  return run(() => use(threadPool({ module, ...options }), body))
}

test('calls share the workers, which are used again', async (t) => {
  covers(t, 'trio thread_cache: thread_cache_basics', 'trio threads: wait_all_threads_completed')
  await withPool({ size: 2 }, function* (pool) {
    t.deepEqual(yield* map([1, 2, 3, 4, 5, 6], (n) => pool.run<number>('sum', n, 1)), [2, 3, 4, 5, 6, 7])
    t.true((yield* pool.run<number>('countCalls')) >= 1)
    const figures = pool.statistics()
    t.deepEqual(figures, { size: 2, workers: 2, running: 0, waiting: 0, completed: 7, started: 2, lost: 0 })
  })
})

test('a worker is started when it is needed, and not before', async (t) => {
  covers(t, 'trio threads: wait_all_threads_completed_no_threads')
  await withPool({ size: 4 }, function* (pool) {
    t.is(pool.statistics().started, 0)
    for (let i = 0; i < 3; i++) yield* pool.run('sum', i)
    t.is(pool.statistics().started, 1)
  })
})

test('no more calls at a time than there is room for, and the others wait in order', async (t) => {
  covers(t, 'trio threads: run_in_worker_thread_limiter_error')
  await withPool({ size: 1 }, function* (pool) {
    const order: number[] = []
    yield* nursery(function* (n) {
      for (let i = 0; i < 5; i++) {
        yield* n.spawn(function* () {
          order.push(yield* pool.run<number>('countCalls'))
        })
      }
      yield* sleep(0)
      t.deepEqual([pool.statistics().running, pool.statistics().waiting], [1, 4])
    })
    t.deepEqual(order, [1, 2, 3, 4, 5])
  })
})

test('a call that waits for a worker is cancelled without having begun', async (t) => {
  await withPool({ size: 1 }, function* (pool) {
    const [begun, cleaned] = [new UniversalEvent(), new UniversalEvent()]
    const busy = yield* spawn(() => pool.run('waits', begun.link(), cleaned.link(), 0))
    yield* begun.wait()
    t.is(yield* moveOn(10, pool.run('countCalls'), 'late'), 'late')
    yield* busy.cancel()
    t.is(yield* pool.run('countCalls'), 1)
  })
})

test('several calls run in one worker, and the cancel of one does not hurt the others', async (t) => {
  await withPool({ size: 1, concurrency: 3 }, function* (pool) {
    const [begun, cleaned] = [new UniversalEvent(), new UniversalEvent()]
    const one = yield* spawn(() => pool.run('waits', begun.link(), cleaned.link(), 1))
    const other = yield* spawn(() => pool.run('slowly', 'undisturbed'))
    yield* begun.wait()
    yield* one.cancel()
    yield* cleaned.wait()
    t.is(yield* other.join(), 'undisturbed')
    t.is(pool.statistics().started, 1)
    t.is(pool.statistics().lost, 0)
  })
})

test('a thread that never waits is replaced; of its neighbours those that had not begun are run elsewhere', async (t) => {
  await withPool({ size: 1, concurrency: 3 }, function* (pool) {
    const [begun, spinning, cleaned] = [new UniversalEvent(), new UniversalEvent(), new UniversalEvent()]
    const neighbour = yield* spawn(() => thrownBy(pool.run('waits', begun.link(), cleaned.link(), 1)))
    yield* begun.wait()
    yield* nursery(function* (n) {
      const spinner = yield* n.spawn(() =>
        scope({ grace: 50 }, function* (own) {
          yield* spawn(function* () {
            yield* spinning.wait()
            yield* own.cancel()
          })
          yield* pool.run('spins', spinning.link())
        }),
      )
      yield* spinning.wait()
      t.is(yield* pool.run('countCalls'), 1, 'in a new one')
      yield* spinner.join()
    })
    const error = yield* neighbour.join()
    t.true(error instanceof BrokenError, String(error))
    t.deepEqual([pool.statistics().started, pool.statistics().lost], [2, 1])
  })
})

test('a worker that ends by itself is an error of the calls in it, and is replaced', async (t) => {
  await withPool({ size: 1, concurrency: 2 }, function* (pool) {
    const neighbour = yield* spawn(() => thrownBy(pool.run('forever')))
    const error = (yield* thrownBy(pool.run('exits', 4))) as Error
    t.true(error instanceof BrokenError)
    t.is(error.message, 'Cannot run exits: thread 1 of the pool has ended by itself, with exit code 4')
    t.true((yield* neighbour.join()) instanceof BrokenError)
    const thrownOutside = (yield* thrownBy(pool.run('throwsOutside'))) as Error
    t.is(String(thrownOutside.cause), 'RangeError: thrown outside')
    t.is(yield* pool.run('sum', 1, 2), 3)
    t.deepEqual([pool.statistics().started, pool.statistics().lost], [3, 2])
  })
})

/** In newer Nodes a worker without memory may abort the process, without Drupe, too. */
const SURVIVES_FULL_HEAP = Number.parseInt(process.versions.node, 10) < 24

test('a worker without memory is an error of its call', async (t) => {
  if (!SURVIVES_FULL_HEAP) {
    t.log('skipped: this Node does not survive a worker without memory')
    t.pass()
    return
  }
  await withPool({ size: 1, maxHeapBytes: 32 * 1024 * 1024 }, function* (pool) {
    const error = (yield* thrownBy(pool.run('fillsMemory'))) as Error
    t.true(error instanceof BrokenError)
    t.is((error.cause as NodeJS.ErrnoException).code, 'ERR_WORKER_OUT_OF_MEMORY')
    t.is(yield* pool.run('sum', 1), 1)
  })
})

test('the end of the pool cancels what is under way, and waits for its cleanup', async (t) => {
  const [begun, cleaned] = [new UniversalEvent(), new UniversalEvent()]
  await run(function* () {
    let pool: WorkerPool | undefined
    let call = yield* spawn(sleep(0) as Operation<unknown>)
    yield* nursery(function* (outer) {
      yield* nursery(function* () {
        const made = yield* threadPool({ module, size: 1 })
        pool = made
        call = yield* outer.spawn(() => thrownBy(made.run('waits', begun.link(), cleaned.link(), 20)))
        yield* begun.wait()
      })
    })
    yield* cleaned.wait()
    const error = yield* call.join()
    t.true(error instanceof ClosedError, String(error))
    const late = (yield* thrownBy((pool as WorkerPool).run('sum', 1))) as Error
    t.true(late instanceof ClosedError)
    t.is(late.message, 'Cannot run sum: the pool has ended')
  })
})

test('cleanup of the body can use the pool', async (t) => {
  const results: unknown[] = []
  await run(() =>
    scope({ grace: PATIENCE_MS }, (own) =>
      use(threadPool({ module, size: 1 }), function* (pool) {
        try {
          yield* own.cancel()
          yield* sleep(60_000)
        } finally {
          results.push(yield* pool.run('slowly', 'cleaned up'))
        }
      }),
    ),
  )
  t.deepEqual(results, ['cleaned up'])
})

test('1,000 calls, a third of them cancelled at once: each has one end, and the pool has room again', async (t) => {
  await withPool({ size: 2, concurrency: 4 }, function* (pool) {
    const ends = yield* map(
      Array.from({ length: 1000 }, (_, i) => i),
      function* (i) {
        if (i % 3 !== 0) return yield* pool.run<number>(i % 2 === 0 ? 'sum' : 'slowly', i)
        return yield* moveOn(i % 7, pool.run<number>('slowly', i), i)
      },
    )
    t.deepEqual(
      ends,
      Array.from({ length: 1000 }, (_, i) => i),
    )
    const { running, waiting, workers, lost } = pool.statistics()
    t.deepEqual([running, waiting, workers, lost], [0, 0, 2, 0])
  })
})

test('calls that end while they are cancelled: each race has a winner, and nothing stays under way', async (t) => {
  await withPool({ size: 2, concurrency: 2 }, function* (pool) {
    let sum = 0
    for (let i = 0; i < 300; i++) {
      const winner = yield* race([
        pool.run<number>('sum', i),
        pool.run<number>('slowly', i),
        pool.run<number>('sum', i),
      ])
      t.is(winner, i)
      sum += winner
    }
    t.is(sum, (299 * 300) / 2)
    const { running, waiting, started, lost } = pool.statistics()
    t.deepEqual([running, waiting, started, lost], [0, 0, 2, 0])
  })
})

test('a pool of another kernel refuses, and is as it was', async (t) => {
  const kernel = new Kernel()
  const done = new UniversalEvent()
  let pool: WorkerPool | undefined
  const holder = kernel.run(() =>
    use(threadPool({ module, size: 1 }), function* (made) {
      pool = made
      yield* done.wait()
      return yield* made.run('sum', 1, 2)
    }),
  )
  await kernel.run(sleep(0))
  const error = await t.throwsAsync(run(() => (pool as WorkerPool).run('sum', 1)))
  t.true(error instanceof KernelStateError)
  t.is(error?.message, 'Cannot run sum: the pool belongs to another kernel')
  done.set()
  t.is(await holder, 3)
  assertNoLeaks(kernel)
  await kernel.close()
})

test('a pool is made in a blocking run, and says at the first call why it is of no use there', (t) => {
  const error = thrown(() => runSync(() => use(threadPool({ module }), (pool) => pool.run('sum', 1))))
  t.true(error instanceof KernelStateError)
})

test('a kernel that is closed takes its pools along', async (t) => {
  const kernel = new Kernel()
  const called = new UniversalEvent()
  const holder = kernel.spawn(() =>
    use(threadPool({ module, size: 1 }), function* (pool) {
      yield* pool.run('sum', 1)
      called.set()
      yield* sleep(Number.POSITIVE_INFINITY)
    }),
  )
  await called.wait()
  await kernel.close()
  t.is(holder.state, 'cancelled')
  assertNoLeaks(kernel)
})

test('an idle worker keeps no process', async (t) => {
  const program = `
    import { Kernel, threadPool, UniversalEvent, use } from 'drupe'
    new Kernel().spawn(() => use(threadPool({ module: new URL(${JSON.stringify(String(module))}) }), function* (pool) {
      console.log(yield* pool.run('sum', 1, 2))
      yield* new UniversalEvent().wait()
    }))`
  const args = ['--input-type=module', '-e', program]
  const stdout = await new Promise((resolve, reject) =>
    execFile(process.execPath, args, (error, text) => (error === null ? resolve(text) : reject(error))),
  )
  t.is(stdout, '3\n')
})

test('a pool that ends while a worker starts takes it along', async (t) => {
  await run(() =>
    nursery(function* (n) {
      let calling: Task<unknown> | null = null
      yield* use(processPool({ module, size: 1 }), function* (pool) {
        calling = yield* n.spawn(() => thrownBy(pool.run('sum', 1, 2)))
        yield* checkpoint()
        yield* checkpoint()
      })
      const end = yield* (calling as unknown as Task<unknown>).join()
      t.true(end instanceof ClosedError || end instanceof BrokenError, String(end))
    }),
  )
})
