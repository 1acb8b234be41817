/**
 * The kernel as a thing: its states, what it refuses, what it closes with, and what it counts.
 *
 * Runs on virtual time with the blocking caller; guest mode has the same scenarios in test/modes and test/child.
 */

import test from 'ava'
import {
  checkpoint,
  clock,
  current,
  DeadlockError,
  KernelStateError,
  nursery,
  type Operation,
  sleep,
  spawn,
  suspend,
  type Task,
  until,
} from 'drupe'
import { park, WaitQueue } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, names, thrown, withKernel } from '../../kit.js'

const NOTHING = { tasks: 0, ready: 0, timers: 0, operations: 0, suspended: 0, sockets: 0 }

test('a kernel runs one operation after the other, and its clock goes on', (t) => {
  withKernel({}, (kernel) => {
    t.is(kernel.runSync(give(1)), 1)
    kernel.runSync(sleep(10))
    t.is(kernel.runSync(clock()), 10)
    t.deepEqual(kernel.statistics, NOTHING)
  })
})

test('a kernel survives a run that failed', (t) => {
  covers(t, 'curio kernel: task_run_error')
  withKernel({}, (kernel) => {
    const boom = new Error('boom')
    t.is(
      thrown(() => kernel.runSync(fail(boom))),
      boom,
    )
    t.is(kernel.runSync(give('fine')), 'fine')
    t.deepEqual(kernel.statistics, NOTHING)
  })
})

test('tasks are counted while they live', (t) => {
  covers(t, 'trio run: current_statistics')
  withKernel({}, (kernel) => {
    kernel.runSync(function* () {
      const queue = new WaitQueue()
      const tasks: Task<unknown>[] = []
      for (let i = 0; i < 3; i++) tasks.push(yield* spawn(park(queue)))
      tasks.push(yield* spawn(sleep(100)))
      tasks.push(yield* spawn(suspend(() => {})))
      yield* checkpoint()
      yield* checkpoint()
      t.deepEqual(kernel.statistics, { ...NOTHING, tasks: 6, timers: 1, suspended: 1 })
      for (const task of tasks) yield* task.cancel()
      t.deepEqual(kernel.statistics, { ...NOTHING, tasks: 1 })
    })
    t.deepEqual(kernel.statistics, NOTHING)
  })
})

test('tasks() lists what the host started and is not over, the oldest first', (t) => {
  withKernel({}, (kernel) => {
    kernel.spawn(sleep(10), { name: 'long' })
    kernel.spawn(sleep(1), { name: 'short' })
    kernel.runSync(
      function* main() {
        yield* spawn(sleep(2), { name: 'child' })
        t.deepEqual(names(kernel.tasks()), ['long', 'short', 'main'])
        yield* sleep(5)
        t.deepEqual(names(kernel.tasks()), ['long', 'main'])
      },
      { name: 'main' },
    )
    t.deepEqual(names(kernel.tasks()), ['long'])
  })
})

test('task ids count up, and a name can be given', (t) => {
  withKernel({}, (kernel) => {
    const ids = kernel.runSync(function* () {
      const first = yield* spawn(give(1), { name: 'given' })
      const second = yield* spawn(function called() {
        return give(2)
      })
      const third = yield* spawn(() => give(3))
      return [first, second, third].map((task) => [task.id, task.name])
    })
    t.deepEqual(ids, [
      [2, 'given'],
      [3, 'called'],
      [4, 'anonymous'],
    ])
  })
})

test('a deadlock names every task and what it waits for', (t) => {
  const error = thrown(() =>
    virtual({}, function* main() {
      const door = new WaitQueue('wait at the door')
      yield* nursery(function* (n) {
        yield* n.spawn(function* guest() {
          yield* park(door)
        })
        const other: Task<void> = yield* n.spawn(function* () {
          yield* park(door)
        })
        yield* n.spawn(function* watcher() {
          yield* other.join()
        })
      })
    }),
  ) as DeadlockError
  t.true(error instanceof DeadlockError)
  t.is(error.code, 'DRUPE_DEADLOCK')
  t.is(
    error.message,
    'Cannot go on: 4 task(s) wait for each other and nothing else is under way: task 1 (main): finish nursery; ' +
      'task 2 (guest): wait at the door; task 3 (anonymous): wait at the door; task 4 (watcher): join task 3 (anonymous)',
  )
})

test('who waits for host code in a run that stops the host is told so', (t) => {
  const standsStill =
    /^Cannot go on: 1 task\(s\) wait, and host code .* loop stands still in a blocking or virtual run; use run/
  const error = thrown(() => virtual({}, () => until(Promise.resolve(1)))) as Error
  t.true(error instanceof DeadlockError)
  t.regex(error.message, standsStill)
  t.regex(error.message, /: task 1 \(anonymous\): suspended until host code calls back$/)
})

test('a sleep without end, and nothing else, is a deadlock', (t) => {
  t.true(thrown(() => virtual({}, sleep(Number.POSITIVE_INFINITY))) instanceof DeadlockError)
})

test('a task that waits for its own parent is a deadlock, and not a hang', (t) => {
  const error = thrown(() =>
    virtual({}, function* main() {
      const parent = yield* current()
      yield* spawn(function* child() {
        yield* parent.join()
      })
    }),
  )
  t.true(error instanceof DeadlockError)
})

test('after a deadlock the kernel can be used, and the waiting tasks can be cancelled', (t) => {
  withKernel({}, (kernel) => {
    const queue = new WaitQueue()
    t.true(thrown(() => kernel.runSync(park(queue), { name: 'stuck' })) instanceof DeadlockError)
    const [stuck] = kernel.tasks()
    t.is(stuck?.name, 'stuck')
    t.true(kernel.cancel(stuck as Task))
    kernel.runSync(sleep(1))
    t.is(stuck?.state, 'cancelled')
    t.deepEqual(kernel.statistics, NOTHING)
  })
})

test('a task that is behind a deadlock still cleans up when the kernel closes', (t) => {
  const log: string[] = []
  const error = thrown(() =>
    virtual({}, function* () {
      try {
        yield* park(new WaitQueue())
      } finally {
        yield* sleep(10)
        log.push('clean')
      }
    }),
  )
  t.true(error instanceof DeadlockError)
  t.deepEqual(log, ['clean'])
})

test('a kernel does not run inside itself', (t) => {
  covers(t, 'curio kernel: reentrant_kernel', 'trio run: run_nesting')
  withKernel({}, (kernel) => {
    const [run, close] = kernel.runSync(function* () {
      yield* sleep(1)
      return [thrown(() => kernel.runSync(give(1))), thrown(() => kernel.closeSync())]
    })
    t.true(run instanceof KernelStateError)
    t.regex((run as Error).message, /already running/)
    t.true(close instanceof KernelStateError)
    t.is(kernel.runSync(give('fine')), 'fine')
  })
})

test('another kernel runs inside a task, and neither disturbs the other', (t) => {
  const log = virtual({}, function* outer() {
    yield* sleep(5)
    const inner = virtual({ seed: 3 }, function* () {
      yield* spawn(sleep(3))
      yield* sleep(100)
      return yield* clock()
    })
    const failed = thrown(() => virtual({}, fail('inner')))
    const here = yield* clock()
    yield* sleep(1)
    return [inner, failed, here, yield* clock()]
  })
  t.deepEqual(log, [100, 'inner', 5, 6])
})

test('kernels inside kernels inside kernels', (t) => {
  const depth = (n: number): number =>
    virtual({}, function* () {
      yield* sleep(n)
      return n === 0 ? 0 : 1 + depth(n - 1)
    })
  t.is(depth(50), 50)
})

test('the task of another kernel is not joined, waited for or cancelled from here', (t) => {
  covers(t, 'trio run: TrioToken_identity')
  withKernel({}, (theirs) => {
    const task = theirs.spawn(sleep(10))
    withKernel({}, (mine) => {
      for (const attempt of [
        () => task.join(),
        () => task.wait(),
        () => task.cancel(),
      ] as (() => Operation<unknown>)[]) {
        const error = thrown(() => mine.runSync(attempt))
        t.true(error instanceof KernelStateError, String(error))
      }
    })
    theirs.runSync(sleep(20))
    t.is(task.state, 'done')
  })
})

test('what the host started goes on a little with each run', (t) => {
  covers(t, 'curio kernel: single_stepping')
  withKernel({}, (kernel) => {
    let value = 0
    const task = kernel.spawn(function* () {
      yield* checkpoint()
      value = 1
      yield* sleep(10)
      value = 2
    })
    let steps = 0
    while (value < 1 && steps < 10) {
      kernel.runSync(checkpoint())
      steps++
    }
    t.is(value, 1)
    t.false(task.ended)
    kernel.runSync(sleep(10))
    t.is(value, 2)
    t.is(task.state, 'done')
  })
})

test('a blocking run returns when its operation is over, however busy others are, on a clock that stands still, too', (t) => {
  withKernel({}, (kernel) => {
    let turns = 0
    let over = false
    kernel.spawn(function* () {
      for (; !over && turns < 100_000; turns++) yield* checkpoint()
    })
    kernel.runSync(function* () {
      for (let i = 0; i < 10; i++) yield* checkpoint()
    })
    over = true
    t.true(turns >= 10 && turns < 200, `${turns} turns`)
  })
})
