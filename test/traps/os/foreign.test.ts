/** C functions on another thread: what they return, what a cancel does, and which errors are told. Needs glibc. */
import type { ForeignFunction } from '../../../index.js'
import {
  CapacityLimiter,
  checkpoint,
  foreign,
  Kernel,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  run,
  runSync,
  spawn,
  suspend,
  type Task,
} from '../../../index.js'
import { waitAllBlocked } from '../../../testing.js'
import { covers } from '../../covers.js'
import { type C, checks, controlled, pipeOf } from './foreign-kit.js'

const check = checks('foreign')

check('returns what C returns, a string goes in', async (t, { libc }) => {
  covers(t, 'trio threads: run_in_worker_thread')
  const strlen = libc.func('size_t strlen(const char *text)')
  t.is(await run(() => foreign<number>(strlen, 'four')), 4)
})

check('C writes to the memory of the caller', async (t, { libc }) => {
  const memset = libc.func('void *memset(_Out_ uint8_t *at, int byte, size_t bytes)')
  const bytes = new Uint8Array(4)
  await run(() => foreign(memset, bytes, 7, 3))
  t.deepEqual([...bytes], [7, 7, 7, 0])
})

check('other tasks run while C does', async (t, c) => {
  const pipe = pipeOf(c)
  const into = new Uint8Array(4)
  await run(function* () {
    const reading = yield* spawn(pipe.read(into, into.length))
    yield* waitAllBlocked()
    t.is(pipe.write('four'), 4)
    t.is(yield* reading.join(), 4)
  })
  t.is(new TextDecoder().decode(into), 'four')
  pipe.close()
})

check('a cancel waits for the call, and comes at the next wait', async (t, c) => {
  covers(t, 'trio threads: run_in_worker_thread_cancellation')
  const pipe = pipeOf(c)
  const seen: string[] = []
  await run(() =>
    nursery(function* (n) {
      yield* n.spawn(function* () {
        seen.push(`returned ${yield* pipe.read(new Uint8Array(1), 1)}`)
        yield* checkpoint()
        seen.push('not cancelled')
      })
      yield* waitAllBlocked()
      yield* n.cancel()
      setImmediate(() => {
        seen.push('cancelled')
        pipe.write('x')
      })
    }),
  )
  t.deepEqual(seen, ['cancelled', 'returned 1'])
  pipe.close()
})

check('a kernel that is closed waits for the call, without a grace, too', async (t, c) => {
  const pipe = pipeOf(c)
  const kernel = new Kernel({ grace: 0 })
  const seen: string[] = []
  let ended: Promise<void> | null = null
  const running = kernel.run(function* () {
    yield* spawn(function* () {
      seen.push(`returned ${yield* pipe.read(new Uint8Array(1), 1)}`)
    })
    yield* waitAllBlocked()
    setImmediate(() => {
      ended = kernel.close()
      seen.push('closing')
      pipe.write('x')
    })
    yield* suspend()
  })
  await running.catch(() => {})
  await ended
  t.deepEqual(seen, ['closing', 'returned 1'])
  pipe.close()
})

check('an answer that comes at once is an answer', async (t, { libc }) => {
  const { info } = libc.func('int abs(int x)')
  const atOnce = Object.assign(() => 0, {
    info,
    async: (x: number, done: (error: unknown, result?: number) => void) => {
      done(null, x + 1)
      done(new Error('again'))
    },
  })
  t.is(await run(() => foreign<number>(atOnce, 1)), 2)
})

/** strlen, and how often it was called. */
function counting(libc: C['libc']) {
  const strlen = libc.func('size_t strlen(const char *text)')
  let calls = 0
  return Object.assign(() => 0, {
    info: strlen.info,
    calls: () => calls,
    async(...args: unknown[]) {
      calls++
      return strlen.async(...args)
    },
  })
}

check('a task that is cancelled already does not call', async (t, { libc }) => {
  const counted = counting(libc)
  await run(() => moveOn(0, () => foreign(counted, 'four')))
  t.is(counted.calls(), 0)
})

check('a wrong argument is an error with the name of the function', async (t, { libc }) => {
  const abs = libc.func('int abs(int x)')
  for (const args of [['five'], []]) {
    await t.throwsAsync(
      run(() => foreign(abs, ...args)),
      { instanceOf: TypeError, message: /^Cannot call abs: / },
    )
  }
})

check('a blocking run has no loop for the answer, and calls nothing', async (t, { libc }) => {
  const counted = counting(libc)
  const message = "Cannot call strlen: its answer comes through the host's loop; use run, not runSync"
  t.throws(() => runSync(() => foreign(counted, 'four')), { instanceOf: KernelStateError, message })
  t.is(counted.calls(), 0)
})

check('a thousand calls behind a limiter', async (t, { libc }) => {
  covers(t, 'trio threads: run_in_worker_thread_custom_limiter')
  const abs = libc.func('int abs(int x)')
  const sum = await run(function* () {
    const limiter = new CapacityLimiter(4)
    let total = 0
    yield* nursery(function* () {
      for (let i = 1; i <= 1000; i++) {
        yield* spawn(function* () {
          const one = yield* limiter.with(foreign<number>(abs, -i))
          total += one
        })
      }
    })
    return total
  })
  t.is(sum, 500_500)
})

/** As many calls as koffi is given at once; those that come then wait for their turn. */
function* full(fn: ForeignFunction): Operation<Task[]> {
  const tasks: Task[] = []
  for (let i = 0; i < 120; i++) tasks.push(yield* spawn(foreign(fn, i)))
  yield* waitAllBlocked()
  return tasks
}

check('five thousand calls at once', async (t, { libc }) => {
  covers(t, 'trio threads: run_in_worker_thread_limiter')
  const abs = libc.func('int abs(int x)')
  const answers = await run(function* () {
    const tasks: Task<number>[] = []
    for (let i = 0; i < 5000; i++) tasks.push(yield* spawn(foreign<number>(abs, -i)))
    const got: number[] = []
    for (const task of tasks) got.push(yield* task.join())
    return got
  })
  t.deepEqual(answers, [...Array(5000).keys()])
})

check('those that wait for their turn begin in their order, and one that is cancelled does not', async (t) => {
  const { fn, begun, end } = controlled()
  await run(function* () {
    yield* full(fn)
    const waiting: Task[] = []
    for (const name of ['a', 'b', 'c']) waiting.push(yield* spawn(foreign(fn, name)))
    yield* waitAllBlocked()
    t.is(begun.length, 120)
    yield* (waiting[0] as Task).cancel()
    for (let i = 0; i < 120; i++) end(i)
    t.deepEqual(begun.slice(120), [['b'], ['c']])
    for (const i of [120, 121]) end(i, i)
    t.deepEqual([yield* (waiting[1] as Task).join(), yield* (waiting[2] as Task).join()], [120, 121])
  })
})

check('one whose turn comes in the pass in which it is cancelled has begun, and is waited for', async (t) => {
  const { fn, begun, end } = controlled()
  const seen: unknown[] = []
  await run(function* () {
    yield* full(fn)
    const waiting = yield* spawn(function* () {
      seen.push(yield* foreign(fn, 'late'))
      yield* checkpoint()
      seen.push('not cancelled')
    })
    yield* waitAllBlocked()
    end(0)
    yield* waiting.cancel(undefined, { wait: false })
    yield* waitAllBlocked()
    t.deepEqual([begun[120], seen], [['late'], []])
    end(120, 'answer')
    for (let i = 1; i < 120; i++) end(i)
  })
  t.deepEqual(seen, ['answer'])
})

check('an answer and a cancel in one pass: the answer counts, the cancel comes at the next wait', async (t) => {
  const { fn, end } = controlled()
  const seen: unknown[] = []
  await run(function* () {
    const task = yield* spawn(function* () {
      seen.push(yield* foreign(fn))
      yield* checkpoint()
      seen.push('not cancelled')
    })
    yield* waitAllBlocked()
    end(0, 'answer')
    yield* task.cancel()
  })
  t.deepEqual(seen, ['answer'])
})

check('calls that fail at once make room for the next, however many', async (t) => {
  const failing = Object.assign(() => 0, {
    info: { name: 'failing' },
    async: (done: (error: unknown) => void) => done(new Error('at once')),
  })
  const { fn, end } = controlled()
  const failures = await run(function* () {
    yield* full(fn)
    let count = 0
    for (let i = 0; i < 10_000; i++) {
      yield* spawn(function* () {
        try {
          yield* foreign(failing)
        } catch (error) {
          if ((error as Error).message === 'Cannot call failing: at once') count++
        }
      })
    }
    yield* waitAllBlocked()
    for (let i = 0; i < 120; i++) end(i)
    yield* waitAllBlocked()
    return count
  })
  t.is(failures, 10_000)
})

check('the kernels of a thread wait in one queue, and a closed one leaves it', async (t) => {
  const { fn, begun, end } = controlled()
  const other = new Kernel()
  const left = new Kernel()
  await run(function* () {
    yield* full(fn)
    const answer = other.run(foreign(fn, 'other'))
    const gone = left.run(foreign(fn, 'gone'))
    gone.catch(() => {})
    yield* suspend<void>((resolve) => void setImmediate(resolve))
    t.is(begun.length, 120)
    yield* suspend<void>((resolve) => void left.close().then(resolve))
    for (let i = 0; i < 120; i++) end(i)
    t.deepEqual(begun.slice(120), [['other']])
    end(120, 'answer')
    t.is(yield* suspend<unknown>((resolve) => void answer.then(resolve)), 'answer')
  })
  await other.close()
})
