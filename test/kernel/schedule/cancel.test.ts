/**
 * Cancelling tasks: before they start, while they wait, run or clean up, once and twice, by themselves and by others.
 */

import test from 'ava'
import {
  Cancelled,
  checkpoint,
  clock,
  current,
  Event,
  nursery,
  type Operation,
  sleep,
  spawn,
  TaskCancelledError,
  timeout,
} from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { give, thrownBy } from '../../kit.js'

test('cancel asks, waits until the task is out, and says that it was alive', (t) => {
  covers(
    t,
    'curio kernel: task_cancel',
    'effection run: can halt generator; can halt a task as an operation; can perform async operations in a finally block',
  )
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } catch (error) {
        log.push((error as Error).name)
        throw error
      } finally {
        yield* sleep(5)
        log.push('clean')
      }
    })
    yield* sleep(10)
    log.push(yield* task.cancel(), yield* clock(), task.state)
    return log
  })
  t.deepEqual(log, ['Cancelled', 'clean', true, 15, 'cancelled'])
})

test('cancel without waiting only asks', (t) => {
  covers(t, 'curio task: cancel_noblock')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        log.push('left')
      }
    })
    yield* checkpoint()
    log.push(yield* task.cancel('', { wait: false }), 'asked', task.ended)
    yield* task.wait()
    return log
  })
  t.deepEqual(log, [true, 'asked', false, 'left'])
})

test('cancelling a task that is over says so and changes nothing', (t) => {
  covers(t, 'curio task: late_join', 'effection run: successfully halts when task fails, but shutdown succeeds')
  virtual({}, function* () {
    const task = yield* spawn(give(7))
    yield* checkpoint()
    t.false(yield* task.cancel())
    t.is(task.state, 'done')
    t.is(yield* task.join(), 7)
  })
})

test('cancelling twice delivers once, and both wait for the end', (t) => {
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const task = yield* spawn(function* () {
      let deliveries = 0
      for (const ms of [1000, 20, 20]) {
        try {
          yield* sleep(ms)
        } catch {
          deliveries++
        }
      }
      return deliveries
    })
    yield* checkpoint()
    yield* nursery(function* (n) {
      for (const reason of ['first', 'second']) {
        yield* n.spawn(function* () {
          log.push([reason, yield* task.cancel(reason), yield* clock()])
        })
      }
    })
    log.push(task.result)
    return log
  })
  t.deepEqual(log, [['first', true, 40], ['second', true, 40], 1])
})

test('the first reason counts', (t) => {
  covers(t, 'trio cancelled: cancel_reason_not_overwritten')
  virtual({}, function* () {
    const task = yield* spawn(sleep(1000))
    yield* checkpoint()
    yield* task.cancel('first', { wait: false })
    yield* task.cancel('second')
    t.is((task.error as Cancelled).reason, 'first')
    t.regex((task.error as Cancelled).message, /was cancelled \(first\)$/)
  })
})

test('a task that is cancelled before it starts hears of it at its first wait', (t) => {
  covers(t, 'trio run: precancelled_task')
  const log = virtual({}, function* () {
    const log: string[] = []
    const task = yield* spawn(function* () {
      log.push('started')
      try {
        yield* sleep(1000)
        log.push('slept')
      } finally {
        log.push('clean')
      }
    })
    yield* task.cancel()
    log.push(task.state)
    return log
  })
  t.deepEqual(log, ['started', 'clean', 'cancelled'])
})

test('a task that never waits is not cancelled: it is done', (t) => {
  virtual({}, function* () {
    const task = yield* spawn(function* () {
      yield* clock()
      return 'whole'
    })
    t.true(yield* task.cancel())
    t.is(task.state, 'done')
    t.is(yield* task.join(), 'whole')
  })
})

test('a cancelled trap as a task is cancelled', (t) => {
  virtual({}, function* () {
    const task = yield* spawn(sleep(1000))
    yield* checkpoint()
    yield* task.cancel()
    t.is(task.state, 'cancelled')
  })
})

test('a task that cancels itself is out at its next wait', (t) => {
  covers(t, 'curio task: self_cancellation')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const task = yield* spawn(function* () {
      const me = yield* current()
      log.push(yield* me.cancel('myself', { wait: false }))
      yield* clock()
      log.push('still here')
      yield* sleep(1)
      log.push('too far')
    })
    yield* task.wait()
    log.push(task.state)
    return log
  })
  t.deepEqual(log, [true, 'still here', 'cancelled'])
})

test('a task that cancels itself and waits is out at once', (t) => {
  covers(t, 'effection run: can halt itself')
  virtual({}, function* () {
    const task = yield* spawn(function* () {
      yield* (yield* current()).cancel()
      return 'too far'
    })
    yield* task.wait()
    t.is(task.state, 'cancelled')
  })
})

test('a child that cancels its parent goes with it', (t) => {
  covers(t, 'effection run: can halt itself between yield points')
  virtual({}, function* () {
    const parent = yield* spawn(function* () {
      const me = yield* current()
      yield* spawn(function* () {
        yield* me.cancel()
      })
      yield* sleep(1000)
    })
    yield* parent.wait()
    t.is(parent.state, 'cancelled')
    t.is(yield* clock(), 0)
  })
})

test('a cancel reaches children and grandchildren, and waits for all', (t) => {
  covers(
    t,
    'curio kernel: task_child_cancel',
    'effection spawn: halts child when halted',
    'trio run: cancel_inheritance',
  )
  const log = virtual({}, function* () {
    const log: string[] = []
    const generation = (n: number): (() => Operation<void>) =>
      function* () {
        try {
          if (n < 3) yield* spawn(generation(n + 1))
          yield* sleep(1000)
        } finally {
          yield* sleep(10 * n)
          log.push(`${n} at ${yield* clock()}`)
        }
      }
    const task = yield* spawn(generation(0))
    yield* sleep(1)
    yield* task.cancel()
    log.push(`out at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, ['0 at 1', '1 at 11', '2 at 21', '3 at 31', 'out at 31'])
})

test('a cancel that reaches only children makes the parent cancelled, too', (t) => {
  covers(t, 'effection spawn: halts children on explicit halt')
  virtual({}, function* () {
    const parent = yield* spawn(function* () {
      yield* spawn(sleep(1000))
      return 'my part is done'
    })
    yield* checkpoint()
    t.is(parent.state, 'finishing')
    yield* parent.cancel()
    t.is(parent.state, 'cancelled')
    t.true((yield* thrownBy(parent.join())) instanceof TaskCancelledError)
  })
})

test('a ready task is not robbed of its answer', (t) => {
  covers(t, 'curio kernel: task_ready_cancel')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const queue = new WaitQueue()
    const task = yield* spawn(function* () {
      log.push(yield* park(queue))
      log.push(((yield* thrownBy(checkpoint())) as Error).name)
    })
    yield* checkpoint()
    yield* wake(queue, 1, 'answer')
    yield* task.cancel()
    return log
  })
  t.deepEqual(log, ['answer', 'Cancelled'])
})

test('every waiting trap is a cancellation point, and no other', (t) => {
  covers(t, 'trio run: cancel_points', 'curio kernel: pending_cancellation')
  virtual({}, function* () {
    const queue = new WaitQueue()
    const done = yield* spawn(give(1))
    yield* checkpoint()
    const points: Record<string, () => Operation<unknown>> = {
      checkpoint: () => checkpoint(),
      sleep: () => sleep(0),
      park: () => park(queue),
      join: () => done.join(),
      wait: () => done.wait(),
    }
    const none: Record<string, () => Operation<unknown>> = {
      clock: () => clock(),
      current: () => current(),
      spawn: () => spawn(give(1)),
      wake: () => wake(queue),
      cancel: () => done.cancel(),
    }
    for (const [table, expected] of [
      [points, false],
      [none, true],
    ] as const) {
      for (const [name, point] of Object.entries(table)) {
        let passed = false
        const task = yield* spawn(function* () {
          yield* (yield* current()).cancel('', { wait: false })
          yield* point()
          passed = true
        })
        yield* task.wait()
        t.is(passed, expected, name)
      }
    }
  })
})

test('cleanup can wait for what the canceller does next', (t) => {
  covers(t, 'curio kernel: task_cancel_not_blocking')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const go = new Event()
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        yield* go.wait()
        log.push('let go')
      }
    })
    yield* checkpoint()
    yield* task.cancel('', { wait: false })
    yield* sleep(5)
    log.push('letting go')
    yield* go.set()
    const error = yield* thrownBy(task.join())
    log.push(error instanceof TaskCancelledError, (error as Error).cause instanceof Cancelled)
    return log
  })
  t.deepEqual(log, ['letting go', 'let go', true, true])
})

test('a canceller that gave up and comes back waits for the same cleanup, and disturbs nothing', (t) => {
  covers(t, 'curio kernel: double_cancel')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } catch (error) {
        log.push('asked')
        yield* sleep(20)
        log.push('clean')
        throw error
      }
    })
    yield* checkpoint()
    log.push(((yield* thrownBy(timeout(10, task.cancel()))) as Error).name)
    log.push(yield* task.cancel(), yield* clock())
    return log
  })
  t.deepEqual(log, ['asked', 'TimeoutError', 'clean', true, 20])
})

test('an error as a reason arrives as it is, in a Cancelled like any other', (t) => {
  covers(t, 'curio kernel: custom_cancel', 'curio task: cancel_custom_exception, cancel_custom_exception_instance')
  class Enough extends Error {}
  const reason = new Enough('of this')
  virtual({}, function* () {
    const seen: unknown[] = []
    const task = yield* spawn(function* () {
      seen.push(yield* thrownBy(sleep(1000)))
      throw seen[0]
    })
    yield* checkpoint()
    yield* task.cancel(reason)
    t.true(seen[0] instanceof Cancelled)
    t.is((seen[0] as Cancelled).reason, reason)
    t.is(task.error, seen[0])
  })
})
