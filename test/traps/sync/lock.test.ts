/**
 * Locks: one task at a time, in the order in which they came, passed on without a gap.
 */

import test from 'ava'
import {
  BrokenError,
  Cancelled,
  checkpoint,
  clock,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  sleep,
  spawn,
  TimeoutError,
} from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { Lock, RLock } from '../../../traps/sync/lock.js'
import { covers } from '../../covers.js'
import { give, thrown, thrownBy } from '../../kit.js'

function* holder(lock: Lock, log: string[], name: string, ms: number): Operation<void> {
  yield* lock.acquire()
  log.push(`${name} in`)
  yield* sleep(ms)
  log.push(`${name} out`)
  yield* lock.release()
}

test('tasks hold the lock one after the other, in the order in which they came', (t) => {
  covers(t, 'curio sync: lock_sequence')
  const log = virtual({}, function* () {
    const lock = new Lock()
    const log: string[] = []
    yield* nursery(function* (n) {
      for (const name of ['a', 'b', 'c']) yield* n.spawn(() => holder(lock, log, name, 10))
    })
    t.false(lock.locked)
    return log
  })
  t.deepEqual(log, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
})

test('a cancelled acquire leaves the line, and the lock alone', (t) => {
  covers(t, 'curio sync: lock_acquire_cancel')
  virtual({}, function* () {
    const lock = new Lock()
    yield* lock.acquire()
    const waiter = yield* spawn(() => lock.acquire())
    yield* checkpoint()
    t.is(lock.statistics().waiting, 1)
    yield* waiter.cancel()
    t.is(waiter.state, 'cancelled')
    t.is(lock.statistics().waiting, 0)
    t.true(lock.locked)
    yield* lock.release()
    t.false(lock.locked)
  })
})

test('an acquire that takes too long leaves the line', (t) => {
  covers(t, 'curio sync: lock_acquire_timeout')
  virtual({}, function* () {
    const lock = new Lock()
    yield* spawn(() => holder(lock, [], 'a', 100))
    yield* checkpoint()
    t.is(yield* moveOn(10, lock.acquire(), 'too late'), 'too late')
    t.true((yield* thrownBy(lock.acquire({ timeout: 10 }))) instanceof TimeoutError)
    t.is(lock.statistics().waiting, 0)
    yield* lock.acquire({ timeout: 1000 })
    yield* lock.release()
  })
})

test('statistics say who holds it and how many wait', (t) => {
  covers(t, 'curio sync: repr', 'trio sync: Lock_and_StrictFIFOLock')
  virtual({}, function* () {
    const lock = new Lock()
    t.deepEqual(lock.statistics(), { locked: false, owner: null, depth: 0, waiting: 0 })
    t.true(yield* lock.tryAcquire())
    const owner = lock.owner
    t.is(owner?.state, 'running')
    t.deepEqual(lock.statistics(), { locked: true, owner, depth: 1, waiting: 0 })
    const other = yield* spawn(function* other() {
      t.false(yield* lock.tryAcquire())
      yield* lock.acquire()
      return lock.owner
    })
    yield* waitAllBlocked()
    t.is(lock.statistics().waiting, 1)
    t.is(lock.owner, owner)
    yield* lock.release()
    // Passed on before the other has run.
    t.is(lock.owner?.id, other.id)
    t.is((yield* other.join())?.id, other.id)
  })
})

test('a lock released by a stranger is an error that names both', (t) => {
  covers(t, 'trio sync: Lock_and_StrictFIFOLock')
  virtual({}, function* () {
    const lock = new Lock({ name: 'db' })
    const nobody = (yield* thrownBy(lock.release())) as Error
    t.true(nobody instanceof KernelStateError)
    t.regex(nobody.message, /^Cannot release the lock db: task \d+ \(.+\) does not hold the lock db; nobody does$/)
    yield* spawn(function* owner() {
      yield* lock.with(sleep(10))
    })
    const thief = yield* spawn(function* thief() {
      return yield* thrownBy(lock.release())
    })
    const error = (yield* thief.join()) as Error
    t.regex(
      error.message,
      /^Cannot release the lock db: task \d+ \(thief\) does not hold the lock db; task \d+ \(owner\) does$/,
    )
    t.true(lock.locked)
  })
})

test('taking a lock twice is an error, not a deadlock', (t) => {
  virtual({}, function* () {
    const lock = new Lock()
    yield* lock.acquire()
    for (const again of [lock.acquire(), lock.tryAcquire()]) {
      const error = (yield* thrownBy(again)) as Error
      t.true(error instanceof KernelStateError)
      t.regex(error.message, /^Cannot acquire the lock: task \d+ \(.*\) holds it already/)
    }
    yield* lock.release()
    t.false(lock.locked)
  })
})

test('a released lock goes to the longest waiting task and is never free in between', (t) => {
  covers(t, 'trio sync: lock_handover')
  virtual({}, function* () {
    const lock = new Lock()
    yield* lock.acquire()
    const next = yield* spawn(function* () {
      yield* lock.acquire()
      yield* sleep(1)
      yield* lock.release()
    })
    yield* checkpoint()
    yield* lock.release()
    t.is(lock.owner?.id, next.id)
    t.false(yield* lock.tryAcquire())
    // Comes later, waits longer.
    yield* lock.acquire()
    t.is(next.state, 'done')
    yield* lock.release()
  })
})

test('a task that was handed the lock and is cancelled before it runs passes it on to the next', (t) => {
  virtual({}, function* () {
    const lock = new Lock()
    const log: string[] = []
    function* taker(name: string): Operation<void> {
      try {
        yield* lock.acquire()
      } catch (error) {
        log.push(`${name}: ${(error as Error).name}`)
        throw error
      }
      log.push(`${name} has it`)
      yield* lock.release()
    }
    yield* lock.acquire()
    const first = yield* spawn(() => taker('first'))
    const second = yield* spawn(() => taker('second'))
    yield* checkpoint()
    yield* lock.release()
    t.is(lock.owner, first)
    yield* first.cancel('', { wait: false })
    t.is(lock.owner, second)
    yield* second.join()
    t.deepEqual(log, ['first: Cancelled', 'second has it'])
    t.false(lock.locked)
  })
})

test('acquire is a cancellation point even when the lock is free; tryAcquire and release are none', (t) => {
  virtual({}, function* () {
    const lock = new Lock()
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        t.true(yield* lock.tryAcquire())
        yield* lock.release()
      }
    })
    yield* checkpoint()
    yield* task.cancel()
    const late = yield* spawn(() => lock.acquire())
    yield* late.cancel()
    t.is(late.state, 'cancelled')
    t.false(lock.locked)
  })
})

test('with gives the lock back whatever happens', (t) => {
  virtual({}, function* () {
    const lock = new Lock()
    t.is(yield* lock.with(give('result')), 'result')
    t.false(lock.locked)
    const boom = new Error('boom')
    t.is(
      yield* thrownBy(
        lock.with(function* () {
          yield* sleep(1)
          throw boom
        }),
      ),
      boom,
    )
    t.false(lock.locked)
    yield* moveOn(5, lock.with(sleep(100)))
    t.false(lock.locked)
    // A with that never got the lock does not release it.
    yield* spawn(() => lock.with(sleep(50)))
    yield* checkpoint()
    t.is(yield* moveOn(5, lock.with(sleep(100)), 'late'), 'late')
    t.true(lock.locked)
  })
})

test('a lock whose owner has ended is broken, for all who wait and all who come', (t) => {
  covers(
    t,
    'trio parking_lot: parking_lot_break_parking_tasks, parking_lot_breaker_basic',
    'trio sync: lock_acquire_unowned_lock',
    'trio sync: lock_multiple_acquire',
  )
  virtual({}, function* () {
    const lock = new Lock()
    const gone = yield* spawn(function* careless() {
      yield* lock.acquire()
      yield* sleep(1)
    })
    yield* checkpoint()
    const waiter = yield* spawn(() => thrownBy(lock.acquire()))
    yield* gone.join()
    const error = (yield* thrownBy(lock.acquire())) as Error
    t.true(error instanceof BrokenError)
    t.regex(error.message, /^Cannot acquire the lock: task \d+ \(careless\) ended without releasing it$/)
    t.true((yield* waiter.join()) instanceof BrokenError)
    t.true((yield* thrownBy(lock.tryAcquire())) instanceof BrokenError)
  })
})

for (const Kind of [Lock, RLock]) {
  test(`tasks that wait for a ${Kind.name} hear at once that its owner is over, and nobody else need come`, (t) => {
    virtual({}, function* () {
      const lock = new Kind()
      const log: string[] = []
      function* careless(): Operation<void> {
        yield* lock.acquire()
        yield* sleep(10)
      }
      yield* nursery(function* (n) {
        yield* n.spawn(careless)
        yield* checkpoint()
        for (const name of ['a', 'b']) {
          yield* n.spawn(function* () {
            const error = yield* thrownBy(lock.acquire())
            log.push(`${name} ${yield* clock()} ${(error as Error).message}`)
          })
        }
      })
      t.is(log.length, 2)
      t.regex(log[0] as string, /^a 10 Cannot acquire the r?lock: task \d+ \(careless\) ended without releasing it$/)
      t.is(lock.statistics().waiting, 0)
    })
  })
}

test('a lock is lost when the body of its owner is over: a child of the owner that waits for it need not wait for ever', (t) => {
  virtual({}, function* () {
    const lock = new Lock()
    const owner = yield* spawn(function* owner() {
      yield* lock.acquire()
      yield* spawn(function* child() {
        t.true((yield* thrownBy(lock.acquire())) instanceof BrokenError)
        t.true((yield* thrownBy(lock.tryAcquire())) instanceof BrokenError)
      })
      yield* sleep(1)
    })
    yield* owner.join()
  })
})

test('whoever was handed the lock is followed in turn: each owner among many waiters', (t) => {
  virtual({}, function* () {
    const locks = [new Lock(), new Lock()]
    const log: string[] = []
    function* worker(name: string, careless: boolean): Operation<void> {
      for (const lock of locks) yield* lock.acquire()
      yield* sleep(1)
      if (careless) return
      for (const lock of locks) yield* lock.release()
      log.push(name)
    }
    yield* nursery(function* (n) {
      yield* n.spawn(() => worker('a', false))
      yield* n.spawn(() => worker('b', false))
      yield* n.spawn(() => worker('c', true), { name: 'careless' })
      for (const name of ['d', 'e']) {
        yield* n.spawn(function* () {
          log.push(`${name}: ${((yield* thrownBy(worker(name, false))) as Error).name}`)
        })
      }
    })
    t.deepEqual(log, ['a', 'b', 'd: BrokenError', 'e: BrokenError'])
  })
})

test('a lock that was given back in time is no affair of its last owner', (t) => {
  virtual({}, function* () {
    const lock = new Lock()
    const first = yield* spawn(() => holder(lock, [], 'first', 1))
    yield* checkpoint()
    const second = yield* spawn(() => holder(lock, [], 'second', 10))
    const late = yield* spawn(() => moveOn(1, lock.acquire()))
    yield* first.join()
    yield* late.join()
    const third = yield* spawn(() => holder(lock, [], 'third', 1))
    yield* second.join()
    yield* third.join()
    t.false(lock.locked)
  })
})

test('an RLock can be taken again by its owner, and is free when it was given back as often', (t) => {
  covers(t, 'curio sync: rlock_reenter')
  virtual({}, function* () {
    const lock = new RLock()
    yield* lock.acquire()
    yield* lock.acquire()
    t.true(yield* lock.tryAcquire())
    t.is(lock.statistics().depth, 3)
    const other = yield* spawn(function* () {
      t.false(yield* lock.tryAcquire())
      yield* lock.acquire()
      t.is(lock.statistics().depth, 1)
      yield* lock.release()
    })
    yield* checkpoint()
    for (let i = 0; i < 2; i++) {
      yield* lock.release()
      t.is(lock.statistics().waiting, 1)
    }
    yield* lock.release()
    yield* other.join()
    t.false(lock.locked)
  })
})

test('an RLock is released by its owner only', (t) => {
  covers(t, 'curio sync: rlock_notowner')
  virtual({}, function* () {
    const lock = new RLock()
    t.true((yield* thrownBy(lock.release())) instanceof KernelStateError)
    yield* lock.acquire()
    const stranger = yield* spawn(() => thrownBy(lock.release()))
    t.true((yield* stranger.join()) instanceof KernelStateError)
    t.true(lock.locked)
    yield* lock.release()
  })
})

test('a forgotten yield* is found in debug mode, also where the trap is made only once', (t) => {
  const error = thrown(() =>
    virtual({ debug: true }, function* () {
      const lock = new Lock()
      for (let i = 0; i < 2; i++) {
        yield* lock.acquire()
        yield* lock.release()
      }
      yield* lock.acquire()
      lock.release()
      yield* lock.release()
    }),
  ) as Error
  t.regex(error.message, /release\(\) was called and never run/)
})

test('the Cancelled of an acquire is that of the scope that was cancelled', (t) => {
  virtual({}, function* () {
    const lock = new Lock()
    yield* lock.acquire()
    const waiter = yield* spawn(function* () {
      return yield* thrownBy(lock.acquire())
    })
    yield* checkpoint()
    yield* waiter.cancel('enough', { wait: false })
    const error = yield* waiter.join()
    t.true(error instanceof Cancelled)
    t.is((error as Cancelled).reason, 'enough')
    yield* lock.release()
  })
})
