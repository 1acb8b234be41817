/**
 * Conditions: the lock is let go of while a task waits, and is back whatever ended the wait.
 */

import test from 'ava'
import {
  checkpoint,
  current,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  sleep,
  spawn,
  type Task,
  TimeoutError,
} from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { Condition } from '../../../traps/sync/condition.js'
import { Lock, RLock } from '../../../traps/sync/lock.js'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'

test('a consumer waits for what a producer makes', (t) => {
  covers(t, 'curio sync: cond_sequence')
  const log = virtual({}, function* () {
    const changed = new Condition()
    const items: number[] = []
    const log: string[] = []
    yield* nursery(function* (n) {
      yield* n.spawn(function* () {
        for (let i = 0; i < 3; i++) {
          yield* changed.with(function* () {
            while (items.length === 0) {
              log.push('waits')
              yield* changed.wait()
            }
            log.push(`got ${items.shift()}`)
          })
        }
      })
      for (let i = 0; i < 3; i++) {
        yield* sleep(10)
        yield* changed.with(function* () {
          items.push(i)
          yield* changed.notify()
        })
      }
    })
    return log
  })
  t.deepEqual(log, ['waits', 'got 0', 'waits', 'got 1', 'waits', 'got 2'])
})

test('a cancelled wait throws with the lock in hand', (t) => {
  covers(t, 'curio sync: cond_wait_cancel')
  virtual({}, function* () {
    const condition = new Condition()
    const log: boolean[] = []
    const waiter = yield* spawn(function* () {
      yield* condition.acquire()
      try {
        yield* condition.wait()
      } finally {
        log.push(condition.lock.owner?.id === waiter.id)
        yield* condition.release()
      }
    })
    yield* waitAllBlocked()
    t.is(condition.statistics().waiting, 1)
    t.false(condition.lock.locked)
    // The lock is taken; the cancelled task waits for it all the same.
    yield* condition.acquire()
    yield* waiter.cancel('enough', { wait: false })
    yield* sleep(10)
    t.is(waiter.state, 'waiting')
    yield* condition.release()
    yield* waiter.wait()
    t.is(waiter.state, 'cancelled')
    t.deepEqual(log, [true])
    t.deepEqual(condition.statistics().waiting, 0)
  })
})

test('a wait that takes too long throws with the lock in hand', (t) => {
  covers(t, 'curio sync: cond_wait_timeout')
  virtual({}, function* () {
    const condition = new Condition()
    yield* condition.acquire()
    t.true((yield* thrownBy(condition.wait({ timeout: 10 }))) instanceof TimeoutError)
    t.true(condition.lock.locked)
    t.is(yield* moveOn(10, condition.wait(), 'late'), 'late')
    t.true(condition.lock.locked)
    yield* condition.release()
    t.is(condition.statistics().waiting, 0)
  })
})

test('notifyAll lets all go, one after the other', (t) => {
  covers(t, 'curio sync: cond_notify_all')
  virtual({}, function* () {
    const condition = new Condition()
    const log: number[] = []
    yield* nursery(function* (n) {
      for (let i = 0; i < 4; i++) {
        yield* n.spawn(() =>
          condition.with(function* () {
            yield* condition.wait()
            log.push(i)
            yield* sleep(1)
          }),
        )
      }
      yield* waitAllBlocked()
      yield* condition.with(function* () {
        t.is(yield* condition.notifyAll(), 4)
        t.deepEqual(log, [])
      })
    })
    t.deepEqual(log, [0, 1, 2, 3])
  })
})

test('waitFor waits until its predicate holds and returns what that gave', (t) => {
  covers(t, 'curio sync: cond_waitfor')
  virtual({}, function* () {
    const condition = new Condition()
    let items: number[] = []
    let asked = 0
    const waiter = yield* spawn(() =>
      condition.with(() =>
        condition.waitFor(() => {
          asked++
          return items.length > 2 ? items : null
        }),
      ),
    )
    for (let i = 0; i < 3; i++) {
      yield* sleep(1)
      yield* condition.with(function* () {
        items = [...items, i]
        yield* condition.notify()
      })
    }
    t.deepEqual(yield* waiter.join(), [0, 1, 2])
    t.is(asked, 4)
  })
})

test('without the lock there is neither waiting nor notifying', (t) => {
  covers(t, 'curio sync: condition_error', 'trio sync: Condition')
  virtual({}, function* () {
    const condition = new Condition(new Lock({ name: 'db' }), { name: 'idle' })
    for (const operation of [condition.wait(), condition.notify(), condition.notifyAll(), condition.release()]) {
      const error = (yield* thrownBy(operation)) as Error
      t.true(error instanceof KernelStateError)
      t.regex(error.message, /task \d+ \(.*\) does not hold the lock db; nobody does$/)
    }
    t.regex(String(yield* thrownBy(condition.wait())), /Cannot wait for the condition idle/)
    yield* spawn(() => condition.with(sleep(5)))
    yield* checkpoint()
    t.regex(
      String(yield* thrownBy(condition.notify())),
      /Cannot notify the condition idle: .* does not hold the lock db; task/,
    )
  })
})

test('notify wakes as many as asked for, the longest waiting first', (t) => {
  covers(t, 'trio sync: Condition')
  virtual({}, function* () {
    const condition = new Condition()
    const log: number[] = []
    function* waiter(i: number): Operation<void> {
      yield* condition.acquire()
      yield* condition.wait()
      log.push(i)
      yield* condition.release()
    }
    yield* nursery(function* (n) {
      for (let i = 0; i < 6; i++) {
        yield* n.spawn(() => waiter(i))
        yield* waitAllBlocked()
      }
      yield* condition.acquire()
      t.is(yield* condition.notify(), 1)
      yield* condition.release()
      yield* waitAllBlocked()
      t.deepEqual(log, [0])
      yield* condition.with(() => condition.notify(2))
      yield* waitAllBlocked()
      t.deepEqual(log, [0, 1, 2])
      t.is(condition.statistics().waiting, 3)
      yield* condition.with(() => condition.notifyAll())
    })
    t.deepEqual(log, [0, 1, 2, 3, 4, 5])
  })
})

test('to notify nobody is no error, and is not kept for who comes later', (t) => {
  virtual({}, function* () {
    const condition = new Condition()
    yield* condition.acquire()
    t.is(yield* condition.notify(), 0)
    t.is(yield* condition.notifyAll(), 0)
    t.is(yield* condition.notify(0), 0)
    t.is(yield* moveOn(1, condition.wait(), 'waits'), 'waits')
    yield* condition.release()
  })
  for (const bad of [-1, 1.5, Number.NaN]) t.true(thrown(() => new Condition().notify(bad)) instanceof RangeError)
})

test('who was notified returns normally, even if it is cancelled while it waits for the lock', (t) => {
  virtual({}, function* () {
    const condition = new Condition()
    const log: string[] = []
    const waiter = yield* spawn(function* () {
      yield* condition.with(function* () {
        yield* condition.wait()
        log.push('news')
        yield* sleep(1)
        log.push('not reached')
      })
    })
    yield* waitAllBlocked()
    yield* condition.acquire()
    yield* condition.notify()
    yield* checkpoint()
    yield* waiter.cancel('too late', { wait: false })
    yield* sleep(1)
    t.deepEqual(log, [])
    yield* condition.release()
    yield* waiter.wait()
    t.deepEqual(log, ['news'])
    t.is(waiter.state, 'cancelled')
    t.false(condition.lock.locked)
  })
})

test('a task that is cancelled before it waits keeps the lock until it gives it back', (t) => {
  virtual({}, function* () {
    const condition = new Condition()
    const task = yield* spawn(function* (): Operation<void> {
      yield* condition.acquire()
      yield* (yield* current()).cancel('now', { wait: false })
      const error = yield* thrownBy(condition.wait())
      t.is((error as Error).name, 'Cancelled')
      t.is(condition.lock.owner, yield* current())
      yield* condition.release()
      throw error
    })
    yield* task.wait()
    t.is(task.state, 'cancelled')
    t.false(condition.lock.locked)
  })
})

test('an RLock is let go of altogether and comes back as it was', (t) => {
  virtual({}, function* () {
    const condition = new Condition(new RLock())
    const waiter = yield* spawn(function* () {
      yield* condition.acquire()
      yield* condition.acquire()
      yield* condition.wait()
      t.is(condition.lock.statistics().depth, 2)
      yield* condition.release()
      t.true(condition.lock.locked)
      yield* condition.release()
    })
    yield* waitAllBlocked()
    t.false(condition.lock.locked)
    yield* condition.with(() => condition.notify())
    yield* waiter.join()
    t.false(condition.lock.locked)
  })
})

for (const [count, peer] of [
  [Number.POSITIVE_INFINITY, 'trio parking_lot: parking_lot_repark'],
  [2, 'trio parking_lot: parking_lot_repark_with_count'],
] as const) {
  test(`of three that wait, ${Math.min(count, 3)} are notified and line up for the lock in their order`, (t) => {
    covers(t, peer)
    virtual({}, function* () {
      const condition = new Condition()
      const log: number[] = []
      const tasks: Task[] = []
      for (const i of [1, 2, 3]) {
        tasks.push(
          yield* spawn(() =>
            condition.with(function* () {
              yield* condition.wait()
              log.push(i)
            }),
          ),
        )
      }
      yield* waitAllBlocked()
      t.is(condition.statistics().waiting, 3)
      yield* condition.acquire()
      yield* condition.notify(count)
      yield* waitAllBlocked()
      t.deepEqual([condition.statistics().waiting, condition.lock.statistics().waiting], count === 2 ? [1, 2] : [0, 3])
      t.deepEqual(log, [])
      yield* condition.release()
      yield* waitAllBlocked()
      t.deepEqual(log, count === 2 ? [1, 2] : [1, 2, 3])
      for (const task of tasks) yield* task.cancel()
    })
  })
}
