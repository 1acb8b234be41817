/**
 * Closing a kernel: newest first, cleanup within the grace, giving up on those who will not leave, and hiding no error.
 */

import test from 'ava'
import {
  type Cancelled,
  DeadlockError,
  Kernel,
  KernelStateError,
  nursery,
  type Operation,
  runSync,
  shield,
  sleep,
  spawn,
  suspend,
  TaskCancelledError,
  UnsupportedError,
  until,
} from 'drupe'
import { HostDriver, park, WaitQueue } from 'drupe/lowlevel'
import { assertNoLeaks, VirtualDriver, virtual } from 'drupe/testing'
import { covers } from '../covers.js'
import { fail, give, thrown, thrownBy, withKernel } from '../kit.js'

const freshKernel = (grace = 5000): Kernel => new Kernel({ driver: new VirtualDriver(), grace })

test('a closed kernel refuses, and says so', async (t) => {
  covers(t, 'curio kernel: kernel_no_shutdown')
  const kernel = freshKernel()
  kernel.closeSync()
  t.true(thrown(() => kernel.runSync(give(1))) instanceof KernelStateError)
  t.true(thrown(() => kernel.spawn(give(1))) instanceof KernelStateError)
  t.regex((thrown(() => kernel.runSync(give(1))) as Error).message, /this kernel is closed/)
  await t.throwsAsync(kernel.run(give(1)), { instanceOf: KernelStateError })
  kernel.closeSync()
  await kernel.close()
})

test('closing cancels the newest first, and waits for their cleanup', (t) => {
  const log: string[] = []
  const worker = (name: string) =>
    function* (): Operation<void> {
      try {
        yield* sleep(1000)
      } finally {
        log.push(`${name} cancelled`)
        yield* sleep(5)
        log.push(`${name} clean`)
      }
    }
  const kernel = freshKernel()
  for (const name of ['first', 'second', 'third']) kernel.spawn(worker(name))
  kernel.runSync(sleep(1))
  kernel.closeSync()
  t.deepEqual(log.slice(0, 3), ['third cancelled', 'second cancelled', 'first cancelled'])
  t.deepEqual(log.slice(3).sort(), ['first clean', 'second clean', 'third clean'])
  assertNoLeaks(kernel)
})

test('a task that closing cancels is told why', (t) => {
  covers(t, 'trio cancelled: reason_delayed_ki')
  const kernel = freshKernel()
  let reason: unknown
  kernel.spawn(function* () {
    reason = ((yield* thrownBy(sleep(1000))) as Cancelled).reason
  })
  kernel.runSync(sleep(1))
  kernel.closeSync()
  t.regex(String(reason), /closing/)
})

test('closing gives up on tasks that will not leave, and names them', (t) => {
  const kernel = freshKernel(50)
  kernel.spawn(() => shield(park(new WaitQueue('grudge'))), { name: 'stubborn' })
  kernel.runSync(sleep(1))
  const error = thrown(() => kernel.closeSync())
  t.true(error instanceof KernelStateError)
  t.regex((error as Error).message, /1 task\(s\) would not leave: .*stubborn.*grudge/)
  t.true(thrown(() => kernel.runSync(give(1))) instanceof KernelStateError)
})

test('a run whose task closing gives up on is rejected with what close says', async (t) => {
  const kernel = freshKernel(50)
  const stubborn = kernel.run(() => shield(park(new WaitQueue('grudge'))), { name: 'stubborn' })
  const parent = kernel.run(function* () {
    yield* spawn(() => shield(park(new WaitQueue('another'))))
  })
  const polite = kernel.run(() => sleep(1000))
  const results = Promise.allSettled([stubborn, parent, polite])
  const error = await t.throwsAsync(kernel.close(), { instanceOf: KernelStateError })
  const [one, two, three] = await results
  t.is((one as PromiseRejectedResult).reason, error)
  t.is((two as PromiseRejectedResult).reason, error)
  t.true((three as PromiseRejectedResult).reason instanceof TaskCancelledError)
})

test('closeSync brings a close that is under way to its end', async (t) => {
  const kernel = freshKernel()
  let clean = false
  kernel.spawn(function* () {
    try {
      yield* sleep(1000)
    } finally {
      yield* sleep(5)
      clean = true
    }
  })
  kernel.runSync(sleep(1))
  const closing = kernel.close()
  kernel.closeSync()
  t.true(clean)
  assertNoLeaks(kernel)
  await closing
})

test('closeSync and the close that was under way fail with the same error', async (t) => {
  const kernel = freshKernel(50)
  const run = kernel.run(() => shield(park(new WaitQueue('grudge'))))
  const closing = kernel.close()
  const error = thrown(() => kernel.closeSync())
  t.true(error instanceof KernelStateError)
  t.is(await t.throwsAsync(closing), error as Error)
  t.is(await t.throwsAsync(run), error as Error)
})

test('where the thread cannot be taken, closeSync says so and the close that is under way goes on', async (t) => {
  const kernel = new Kernel({ driver: new HostDriver() })
  let clean = false
  const run = kernel.run(function* () {
    try {
      yield* sleep(60_000)
    } finally {
      yield* sleep(1)
      clean = true
    }
  })
  const left = t.throwsAsync(run, { instanceOf: TaskCancelledError })
  await kernel.run(sleep(0))
  const closing = kernel.close()
  t.true(thrown(() => kernel.closeSync()) instanceof UnsupportedError)
  t.false(clean)
  await closing
  t.true(clean)
  await left
})

test('closing gives up on a task whose callback never comes', (t) => {
  const kernel = freshKernel(50)
  kernel.spawn(
    suspend(() => () => false),
    { name: 'waits for ever' },
  )
  kernel.runSync(sleep(1))
  const error = thrown(() => kernel.closeSync())
  t.true(error instanceof KernelStateError, String(error))
  t.regex((error as Error).message, /waits for ever/)
  t.regex((thrown(() => kernel.runSync(give(1))) as Error).message, /closed/)
})

test('what a task that closing gives up waited for in host code is aborted', (t) => {
  const kernel = freshKernel(50)
  const aborted: string[] = []
  let late: (() => void) | null = null
  const wait = suspend((resolve) => {
    late = () => resolve(undefined)
    return () => void aborted.push('suspend')
  })
  kernel.spawn(() => shield(wait))
  kernel.spawn(() =>
    shield(
      until((signal) => {
        signal.addEventListener('abort', () => aborted.push('until'))
        return new Promise(() => {})
      }),
    ),
  )
  kernel.runSync(sleep(1))
  t.regex((thrown(() => kernel.closeSync()) as Error).message, /2 task\(s\) would not leave/)
  t.deepEqual(aborted.sort(), ['suspend', 'until'])
  ;(late as (() => void) | null)?.()
  t.is(kernel.statistics.suspended, 0)
})

test('the error of the operation is not hidden by one of closing', (t) => {
  const boom = new Error('boom')
  const error = thrown(() =>
    virtual({ grace: 10 }, function* () {
      yield* nursery(function* (n) {
        yield* n.spawn(() => fail(boom))
      })
    }),
  )
  t.is(error, boom)
  const stuck = thrown(() =>
    virtual({ grace: 10 }, function* () {
      yield* suspend(() => () => false)
    }),
  )
  t.true(stuck instanceof DeadlockError)
})

test('closing a kernel that never ran is fine', async (t) => {
  covers(t, 'curio kernel: kernel_no_shutdown')
  freshKernel().closeSync()
  await freshKernel().close()
  {
    await using kernel = freshKernel()
    t.is(kernel.driver, 'virtual')
  }
  t.pass()
})

test('a task that was cancelled from outside rejects with its own error class', (t) => {
  withKernel({}, (kernel) => {
    const task = kernel.spawn(sleep(1000), { name: 'victim' })
    kernel.runSync(sleep(1))
    t.true(kernel.cancel(task, 'from outside'))
    const error = thrown(() => kernel.runSync(() => task.join()))
    t.true(error instanceof TaskCancelledError)
    t.regex((error as Error).message, /victim/)
    t.is(((error as Error).cause as Cancelled).reason, 'from outside')
    t.false(kernel.cancel(task))
  })
})

test('a host driver cannot block, and says so', async (t) => {
  const kernel = new Kernel({ driver: new HostDriver() })
  t.is((thrown(() => kernel.runSync(sleep(1))) as { code?: string }).code, 'DRUPE_UNSUPPORTED')
  await kernel.close()
})

test('runSync makes a kernel of its own and closes it', (t) => {
  t.is(runSync(give(7), { driver: new VirtualDriver() }), 7)
  const driver = new VirtualDriver()
  let closed = false
  driver.close = () => {
    closed = true
  }
  t.is(
    thrown(() => runSync(fail('no'), { driver })),
    'no',
  )
  t.true(closed)
})

test('what is left over is named', (t) => {
  withKernel({}, (kernel) => {
    assertNoLeaks(kernel)
    kernel.spawn(sleep(10))
    kernel.runSync(sleep(1))
    t.regex((thrown(() => assertNoLeaks(kernel)) as Error).message, /left over: 1 tasks, 1 timers$/)
    kernel.runSync(sleep(100))
    assertNoLeaks(kernel)
  })
})
