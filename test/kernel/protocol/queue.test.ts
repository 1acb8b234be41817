/**
 * Wait queues: `park` and `wake`, the floor under every lock, event and queue.
 *
 * The longest waiting is woken first; a wake-up carries a value; who leaves because of a cancel or a timeout is gone from
 * the queue at once and can no longer be woken, and who was woken keeps what it got.
 */

import test from 'ava'
import { checkpoint, clock, type Operation, sleep, spawn, type Task, TimeoutError, timeout } from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'

/** Spawns tasks that park in turn and note who was woken with what. */
function* waiters(queue: WaitQueue, count: number, log: unknown[]): Operation<Task<void>[]> {
  const tasks: Task<void>[] = []
  for (let i = 0; i < count; i++) {
    tasks.push(
      yield* spawn(function* () {
        log.push([i, yield* park(queue)])
      }),
    )
  }
  yield* checkpoint()
  return tasks
}

test('parked tasks are woken in the order in which they came', (t) => {
  covers(t, 'trio parking_lot: parking_lot_basic')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const queue = new WaitQueue()
    t.is(yield* wake(queue), 0)
    yield* waiters(queue, 4, log)
    t.is(queue.length, 4)
    t.is(yield* wake(queue, 1, 'one'), 1)
    yield* checkpoint()
    t.deepEqual(log, [[0, 'one']])
    t.is(yield* wake(queue, 2, 'two'), 2)
    yield* checkpoint()
    t.is(yield* wake(queue, 10), 1)
    yield* checkpoint()
    t.is(queue.length, 0)
    return log
  })
  t.deepEqual(log, [
    [0, 'one'],
    [1, 'two'],
    [2, 'two'],
    [3, undefined],
  ])
})

test('a cancelled task leaves the queue from any place', (t) => {
  covers(t, 'trio parking_lot: parking_lot_cancel')
  for (let victim = 0; victim < 4; victim++) {
    const log = virtual({}, function* () {
      const log: unknown[] = []
      const queue = new WaitQueue()
      const tasks = yield* waiters(queue, 4, log)
      yield* (tasks[victim] as Task).cancel()
      t.is(queue.length, 3)
      t.is(yield* wake(queue, 4), 3)
      yield* checkpoint()
      return log
    })
    t.deepEqual(
      log,
      [0, 1, 2, 3].filter((i) => i !== victim).map((i) => [i, undefined]),
    )
  }
})

test('a queue whose tasks all left can be used again', (t) => {
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const queue = new WaitQueue()
    for (const task of yield* waiters(queue, 3, log)) yield* task.cancel()
    t.is(queue.length, 0)
    yield* waiters(queue, 2, log)
    yield* wake(queue, 2, 'again')
    yield* checkpoint()
    return log
  })
  t.deepEqual(log, [
    [0, 'again'],
    [1, 'again'],
  ])
})

test('a task that times out leaves the queue and cannot be woken any more', (t) => {
  virtual({}, function* () {
    const queue = new WaitQueue()
    const waiter = yield* spawn(() => thrownBy(park(queue, { timeout: 10 })))
    yield* sleep(11)
    t.is(queue.length, 0)
    t.is(yield* wake(queue), 0)
    const error = yield* waiter.join()
    t.true(error instanceof TimeoutError)
    t.is((error as TimeoutError).ms, 10)
  })
})

test('a woken task lets go of its timeout', (t) => {
  const end = virtual({}, function* () {
    const queue = new WaitQueue()
    yield* spawn(function* () {
      yield* sleep(1)
      yield* wake(queue, 1, 'in time')
    })
    t.is(yield* park(queue, { timeout: 1000 }), 'in time')
    yield* sleep(1)
    return yield* clock()
  })
  t.is(end, 2)
})

test('a task that was woken keeps its wake-up although it is cancelled before it runs', (t) => {
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const queue = new WaitQueue()
    const task = yield* spawn(function* () {
      log.push(yield* park(queue))
      log.push((yield* thrownBy(sleep(1)) as Operation<Error>).name)
    })
    yield* checkpoint()
    yield* wake(queue, 1, 'baton')
    yield* task.cancel()
    return log
  })
  t.deepEqual(log, ['baton', 'Cancelled'])
})

test('a task that was cancelled before the wake-up does not take it from another', (t) => {
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const queue = new WaitQueue()
    const [first] = yield* waiters(queue, 2, log)
    yield* (first as Task).cancel('', { wait: false })
    t.is(yield* wake(queue, 1, 'baton'), 1)
    yield* checkpoint()
    return log
  })
  t.deepEqual(log, [[1, 'baton']])
})

test('waking nobody wakes nobody', (t) => {
  virtual({}, function* () {
    const log: unknown[] = []
    const queue = new WaitQueue()
    const tasks = yield* waiters(queue, 2, log)
    t.is(yield* wake(queue, 0), 0)
    for (const count of [-1, 0.5, Number.NaN]) t.throws(() => wake(queue, count), { instanceOf: RangeError })
    t.is(queue.length, 2)
    for (const task of tasks) yield* task.cancel()
    t.deepEqual(log, [])
  })
})

test('waking with Infinity wakes all, and those who park meanwhile wait for the next', (t) => {
  virtual({}, function* () {
    const queue = new WaitQueue()
    let rounds = 0
    const again = yield* spawn(function* () {
      for (;;) {
        yield* park(queue)
        rounds++
      }
    })
    yield* checkpoint()
    t.is(yield* wake(queue, Number.POSITIVE_INFINITY), 1)
    yield* sleep(1)
    t.is(rounds, 1)
    t.is(queue.length, 1)
    yield* again.cancel()
  })
})

test('a task can be cancelled by one scope and parked in another queue at once', (t) => {
  virtual({}, function* () {
    const [first, second] = [new WaitQueue('first'), new WaitQueue('second')]
    const waiter = yield* spawn(function* () {
      yield* thrownBy(timeout(5, park(first)))
      return yield* park(second)
    })
    yield* sleep(6)
    t.deepEqual([first.length, second.length], [0, 1])
    t.is(yield* wake(first, 1, 'stray'), 0)
    yield* wake(second, 1, 'right')
    t.is(yield* waiter.join(), 'right')
  })
})

test('a bad timeout is an error at the call', (t) => {
  for (const bad of [-1, Number.NaN, -0.001]) {
    t.true(thrown(() => park(new WaitQueue(), { timeout: bad })) instanceof RangeError)
  }
  t.true(thrown(() => park(new WaitQueue(), { timeout: '5' as unknown as number })) instanceof TypeError)
})
