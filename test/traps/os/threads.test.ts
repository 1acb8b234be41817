/**
 * thread: a function of a module in another thread, as if it were an operation here. What a pool does the same is in
 * pools.test.ts.
 */
import test from 'ava'
import {
  BrokenError,
  CapacityLimiter,
  clock,
  Kernel,
  KernelStateError,
  map,
  moveOn,
  type Operation,
  run,
  runSync,
  scope,
  sleep,
  spawn,
  suppressed,
  TaskCancelledError,
  TimeoutError,
  TooLargeError,
  thread,
  timeout,
  timeoutAt,
  transfer,
  UniversalEvent,
  UniversalQueue,
  UnsupportedError,
} from 'drupe'
import { assertNoLeaks } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'
import { PATIENCE_MS } from '../../patience.js'
import { user } from './work.js'

const WORK = new URL('./work.js', import.meta.url)

const inThread = <T>(name: string, ...args: unknown[]): Operation<T> => thread<T>(WORK, name, ...args)
const errorOf = (name: string, ...args: unknown[]): Promise<Error> =>
  run(() => thrownBy(inThread(name, ...args))) as Promise<Error>

test('a plain function, an async one and a generator function run there, and the result is the answer', async (t) => {
  covers(
    t,
    'curio thread: good_result, thread_good_result, task_group_thread, task_group_spawn_thread',
    'curio workers: cpu, blocking',
    'trio threads: run_in_worker_thread',
  )
  await run(function* () {
    t.is(yield* thread(WORK), 'hello')
    const results = yield* map(['sum', 'later', 'slowly', 'asOperation', 'leavesTasks'], (name) => inThread(name, 7))
    t.deepEqual(results, [7, 7, 7, undefined, 'over'])
  })
})

test('arguments and results are copied, collections too', async (t) => {
  const value = {
    map: new Map([[1, new Set(['a'])]]),
    date: new Date(5),
    list: [1, [2]],
    big: 5n,
    bytes: new Uint8Array(3),
  }
  await run(function* () {
    t.deepEqual(yield* inThread('same', value), value)
    for (const one of [value.map, value.list, value.bytes, undefined, null])
      t.deepEqual(yield* inThread('later', one), one)
  })
})

test('buffers are handed over where one says so, there and back', async (t) => {
  const bytes = new Uint8Array(1000)
  await run(function* () {
    t.is(yield* inThread('lengthOf', bytes), 1000)
    t.is(bytes.length, 1000)
    t.is(yield* inThread('lengthOf', transfer(bytes, [bytes.buffer])), 1000)
    t.is(bytes.length, 0)
    t.deepEqual(yield* inThread('bytesOf', 3), new Uint8Array([7, 7, 7]))
  })
})

test('an error arrives as one of its class, with all that is in it', async (t) => {
  covers(t, 'curio thread: bad_result, thread_bad_result', 'curio workers: bad_cpu, exception')
  const wrong = await errorOf('fails', 'TypeError')
  t.true(wrong instanceof TypeError)
  t.is(wrong.message, 'wrong')
  t.regex(wrong.stack ?? '', /TypeError: wrong\n.*work\./)
  t.true(wrong.cause instanceof RangeError)
  const fields = (await errorOf('failsLater', 'fields')) as Error & { code: string; size: number }
  t.deepEqual([fields.message, fields.code, fields.size, 'call' in fields], ['with fields', 'E_FIELD', 3, false])
  const own = await errorOf('failsAsync', 'own')
  t.deepEqual([own instanceof TypeError, own.name, own.message], [true, 'OwnError', 'of a class of its own'])
  const large = await errorOf('fails', 'TooLargeError')
  t.true(large instanceof TooLargeError)
  t.deepEqual([(large as TooLargeError).maxBytes, (large as TooLargeError).code], [5, 'DRUPE_TOO_LARGE'])
  const both = (await errorOf('fails', 'AggregateError')) as AggregateError
  t.true(both instanceof AggregateError)
  t.deepEqual(both.errors.map(String), ['Error: one', 'two'])
  const stopped = await errorOf('fails', 'DOMException')
  t.deepEqual([stopped instanceof DOMException, stopped.name], [true, 'AbortError'])
  t.true((await errorOf('timesOut')) instanceof TimeoutError)
})

test('whatever is thrown arrives, or says that it cannot', async (t) => {
  t.is((await errorOf('fails', 'text')) as unknown, 'only text')
  t.is((await errorOf('fails', 'nothing')) as unknown, undefined)
  t.regex((await errorOf('fails', 'function')).message, /^the function .* was thrown, which cannot be copied$/)
  t.is((await errorOf('fails', 'circle')).message, 'a circle')
})

test('what cannot be copied or found is an error of the call', async (t) => {
  covers(t, 'trio threads: trio_to_thread_run_sync_expected_error')
  const message = async (error: Promise<Error>): Promise<string> => {
    const one = await error
    t.true(one instanceof TypeError, String(one))
    return one.message.replaceAll(String(WORK), '…')
  }
  t.regex(
    await message(errorOf('uncloneable')),
    /^Cannot return the result of uncloneable: \(\) => \{ \} could not be cloned/,
  )
  t.regex(
    await message(errorOf('same', () => {})),
    /^Cannot run same: its arguments, or .*, cannot be copied: \(\) => \{ \}/,
  )
  t.is(await message(errorOf('missing')), 'Cannot run missing: … has no such export')
  t.is(await message(errorOf('toString')), 'Cannot run toString: … has no such export')
  t.is(await message(errorOf('notAFunction')), 'Cannot run notAFunction: … exports 42 as that')
  const error = (await run(() => thrownBy(thread(new URL('./missing.js', WORK))))) as NodeJS.ErrnoException
  t.is(error.code, 'ERR_MODULE_NOT_FOUND')
  t.true(thrown(() => thread('./work.js' as never)) instanceof TypeError)
})

test('a thread that ends by itself is a BrokenError with its cause', async (t) => {
  const exited = await errorOf('exits', 3)
  t.true(exited instanceof BrokenError)
  t.is(exited.message, 'Cannot run exits: the thread of exits has ended by itself, with exit code 3')
  for (const name of ['throwsOutside', 'rejectsOutside']) {
    const error = await errorOf(name)
    t.true(error instanceof BrokenError, String(error))
    t.regex(String(error.cause), /^RangeError: (thrown|rejected) outside$/)
  }
})

/** Begins a call, waits until it runs, and leaves it in the way that is asked for. */
function* cancelled(name: string, grace: number, ...args: unknown[]): Operation<unknown> {
  const begun = new UniversalEvent()
  return yield* scope({ grace }, function* (own) {
    yield* spawn(function* () {
      yield* begun.wait()
      yield* own.cancel()
    })
    return yield* inThread(name, begun.link(), ...args)
  })
}

test('a cancel travels, and the other side cleans up before the wait here is over', async (t) => {
  covers(
    t,
    'curio thread: cancel_result, thread_cancel_result, thread_timeout',
    'curio workers: worker_cancel, worker_timeout',
    'trio threads: run_in_worker_thread_cancellation, from_thread_check_cancelled_no_abandon',
  )
  await run(function* () {
    const cleaned = new UniversalEvent()
    t.is(yield* cancelled('waits', PATIENCE_MS, cleaned.link(), 20), undefined)
    yield* cleaned.wait()
    t.is(yield* cancelled('computes', PATIENCE_MS), undefined)
  })
})

test('a cleanup that is shielded is waited for, however long it takes', async (t) => {
  covers(t, 'curio thread: thread_disable_cancellation')
  await run(function* () {
    const cleaned = new UniversalEvent()
    yield* cancelled('waitsShielded', 1, cleaned.link(), 1000)
    yield* cleaned.wait()
    t.pass()
  })
})

test('a cleanup that fails is the error', async (t) => {
  const error = await run(() => thrownBy(cancelled('failsInCleanup', PATIENCE_MS)))
  t.deepEqual(String(error), 'RangeError: the cleanup failed')
})

test('a thread that never waits is terminated after the grace', async (t) => {
  await run(function* () {
    t.is(yield* cancelled('spins', 50), undefined)
    t.is(yield* inThread('sum', 1), 1)
  })
})

test('a cancel before the thread is up, and one in the pass of the result', async (t) => {
  await run(function* () {
    t.is(yield* moveOn(0, inThread('sum', 1), 'late'), 'late')
    t.is(yield* moveOn(1, inThread('forever'), 'late'), 'late')
    const task = yield* spawn(() => inThread('sum', 2))
    while (task.state !== 'waiting') yield* sleep(0)
    for (const ms of [50, 100, 150]) yield* moveOn(ms, inThread('sum', 3))
    t.is(yield* task.join(), 2)
  })
})

test('the deadline is known there', async (t) => {
  await run(function* () {
    t.is(yield* inThread('timeLeft'), Number.POSITIVE_INFINITY)
    const left = yield* timeout(PATIENCE_MS, inThread<number>('timeLeft'))
    t.true(left > 0 && left <= PATIENCE_MS, String(left))
    t.true((yield* thrownBy(timeoutAt((yield* clock()) + 300, inThread('forever')))) instanceof TimeoutError)
    t.true((yield* thrownBy(timeout(0, inThread('forever')))) instanceof TimeoutError)
  })
})

test('a context that travels has its value there, and no other has', async (t) => {
  covers(t, 'trio threads: trio_to_thread_run_sync_contextvars, worker_thread_context_not_leaked')
  await run(function* () {
    t.is(yield* inThread('getUser'), 'nobody')
    t.is(yield* user.with('Ada', () => user.with('Grace', () => inThread('getUser'))), 'Grace')
    const error = yield* thrownBy(user.with((() => {}) as never, () => inThread('getUser')))
    t.regex(String(error), /^TypeError: Cannot run getUser: its arguments, or a context that travels with it, cannot/)
  })
})

test('messages go both ways through a queue that is an argument', async (t) => {
  covers(t, 'curio thread: thread_read, thread_sync', 'trio threads: do_in_trio_thread, trio_from_thread_run')
  await run(function* () {
    const queue = new UniversalQueue<number>()
    const task = yield* spawn(() => inThread('asksThenAnswers', queue.link()))
    for (const n of [1, 2, 3, 0]) yield* queue.put(n)
    yield* task.join()
    t.deepEqual([queue.tryGet(), queue.tryGet(), queue.tryGet(), queue.tryGet()], [-1, -2, -3, undefined])
  })
})

test('a thread starts threads of its own', async (t) => {
  covers(t, 'trio threads: recursive_to_thread')
  t.is(await run(() => inThread('inAnotherThread', String(WORK), 1, 2)), 3)
})

test('tasks there are tasks as everywhere', async (t) => {
  t.is(await run(() => inThread('manyTasks', 1000)), 1000)
})

test('a limiter says how many threads there are at a time', async (t) => {
  covers(t, 'trio threads: run_in_worker_thread_limiter, run_in_worker_thread_custom_limiter')
  await run(function* () {
    const limiter = new CapacityLimiter(2)
    let most = 0
    yield* map([1, 2, 3, 4, 5], (n) =>
      limiter.with(function* () {
        most = Math.max(most, limiter.borrowed)
        return yield* inThread('slowly', n)
      }),
    )
    t.is(most, 2)
  })
})

test('a blocking run starts no thread, and says why', (t) => {
  const error = thrown(() => runSync(() => inThread('sum', 1)))
  t.true(error instanceof KernelStateError)
  t.is(
    (error as Error).message,
    "Cannot start a thread: its answers come through the host's loop; use run, not runSync",
  )
})

test.serial('a host without threads says so', async (t) => {
  covers(t, 'trio threads: run_in_worker_thread_fail_to_spawn')
  const kernel = new Kernel()
  await kernel.run(sleep(0))
  const { getBuiltinModule } = process
  const without = (id: string): unknown => (id === 'node:worker_threads' ? undefined : getBuiltinModule(id))
  process.getBuiltinModule = without as typeof getBuiltinModule
  try {
    const error = await t.throwsAsync(kernel.run(() => inThread('sum', 1)))
    t.true(error instanceof UnsupportedError, String(error))
    t.is(error?.message, 'Cannot start the thread of sum: this host has no node:worker_threads')
  } finally {
    process.getBuiltinModule = getBuiltinModule
  }
  await kernel.close()
})

test('a kernel that is closed takes its threads along', async (t) => {
  const kernel = new Kernel()
  const begun = new UniversalEvent()
  const cleaned = new UniversalEvent()
  const running = kernel.run(() => inThread('waits', begun.link(), cleaned.link(), 1))
  await begun.wait()
  const [error] = await Promise.all([t.throwsAsync(running), kernel.close()])
  t.true(error instanceof TaskCancelledError)
  t.deepEqual(suppressed(error), [])
  await cleaned.wait()
  assertNoLeaks(kernel)
})

test('a buffer that was handed over before ends the call with an error', async (t) => {
  await run(function* () {
    const bytes = new Uint8Array(8)
    yield* inThread<number>('lengthOf', transfer(bytes, [bytes.buffer]))
    const error = yield* thrownBy(inThread<number>('lengthOf', transfer(bytes, [bytes.buffer])))
    // Node 20 finds it in the thread, others when it is sent.
    t.true(error instanceof BrokenError || error instanceof TypeError, String(error))
  })
})
