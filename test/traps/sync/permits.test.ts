/**
 * Semaphores and capacity limiters: no permit is lost, none is made up.
 */

import test from 'ava'
import { checkpoint, KernelStateError, moveOn, nursery, sleep, spawn, TimeoutError } from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { CapacityLimiter } from '../../../traps/sync/limiter.js'
import { BoundedSemaphore, Semaphore } from '../../../traps/sync/semaphore.js'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'

test('with one permit tasks go one after the other', (t) => {
  covers(t, 'curio sync: sema_sequence')
  const log = virtual({}, function* () {
    const semaphore = new Semaphore(1)
    const log: string[] = []
    yield* nursery(function* (n) {
      for (const name of ['a', 'b', 'c']) {
        yield* n.spawn(() =>
          semaphore.with(function* () {
            log.push(`${name} in`)
            yield* sleep(10)
            log.push(`${name} out`)
          }),
        )
      }
    })
    t.is(semaphore.value, 1)
    return log
  })
  t.deepEqual(log, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
})

test('with two permits two are inside at a time', (t) => {
  covers(t, 'curio sync: sema_sequence2')
  virtual({}, function* () {
    const semaphore = new Semaphore(2)
    let inside = 0
    const seen: number[] = []
    yield* nursery(function* (n) {
      for (let i = 0; i < 5; i++) {
        yield* n.spawn(() =>
          semaphore.with(function* () {
            seen.push(++inside)
            yield* sleep(10)
            inside--
          }),
        )
      }
    })
    t.is(Math.max(...seen), 2)
    t.is(semaphore.value, 2)
  })
})

test('a cancelled acquire takes no permit', (t) => {
  covers(t, 'curio sync: sema_acquire_cancel')
  virtual({}, function* () {
    const semaphore = new Semaphore(1)
    yield* semaphore.acquire()
    const waiter = yield* spawn(() => semaphore.acquire())
    yield* checkpoint()
    t.is(semaphore.statistics().waiting, 1)
    yield* waiter.cancel()
    yield* semaphore.release()
    t.deepEqual(semaphore.statistics(), { value: 1, max: Number.POSITIVE_INFINITY, waiting: 0 })
  })
})

test('an acquire that takes too long takes no permit', (t) => {
  covers(t, 'curio sync: sema_acquire_timeout')
  virtual({}, function* () {
    const semaphore = new Semaphore(0)
    t.is(yield* moveOn(10, semaphore.acquire(), 'late'), 'late')
    t.true((yield* thrownBy(semaphore.acquire({ timeout: 10 }))) instanceof TimeoutError)
    yield* semaphore.release()
    t.is(semaphore.value, 1)
  })
})

test('a permit goes to the longest waiting task and is never seen in the count', (t) => {
  covers(t, 'trio sync: Semaphore')
  virtual({}, function* () {
    const semaphore = new Semaphore(1)
    t.is(semaphore.value, 1)
    yield* semaphore.acquire()
    t.false(yield* semaphore.tryAcquire())
    const log: number[] = []
    yield* nursery(function* (n) {
      for (const i of [1, 2]) {
        yield* n.spawn(function* () {
          yield* semaphore.acquire()
          log.push(i)
        })
      }
      yield* waitAllBlocked()
      yield* semaphore.release()
      t.is(semaphore.value, 0)
      t.false(yield* semaphore.tryAcquire())
      yield* waitAllBlocked()
      t.deepEqual(log, [1])
      yield* semaphore.release()
    })
    t.deepEqual(log, [1, 2])
    // Any task may release, and the count may grow.
    yield* semaphore.release()
    yield* semaphore.release()
    t.is(semaphore.value, 2)
    t.true(yield* semaphore.tryAcquire())
  })
})

test('a value that is no count of permits is an error', (t) => {
  covers(t, 'trio sync: Semaphore')
  t.true(thrown(() => new Semaphore('1' as unknown as number)) instanceof TypeError)
  for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.true(thrown(() => new Semaphore(bad)) instanceof RangeError, String(bad))
  }
  t.true(thrown(() => new Semaphore(2, { max: 1 })) instanceof RangeError)
})

test('a bounded semaphore does not take a permit too many', (t) => {
  covers(t, 'trio sync: Semaphore_bounded')
  virtual({}, function* () {
    const semaphore = new BoundedSemaphore(1, { name: 'pool' })
    t.is(semaphore.statistics().max, 1)
    const error = (yield* thrownBy(semaphore.release())) as Error
    t.true(error instanceof KernelStateError)
    t.regex(
      error.message,
      /^Cannot release the semaphore pool: task \d+ \(.*\) gives a permit too many; it has all its 1$/,
    )
    t.is(semaphore.value, 1)
    yield* semaphore.acquire()
    yield* semaphore.release()
    t.true((yield* thrownBy(semaphore.release())) instanceof KernelStateError)
  })
})

test('a limiter lends each borrower one token and knows who has them', (t) => {
  covers(t, 'trio sync: CapacityLimiter')
  virtual({}, function* () {
    const limiter = new CapacityLimiter(2)
    const a = { name: 'a' }
    t.deepEqual(limiter.statistics(), { borrowed: 0, total: 2, borrowers: [], waiting: 0 })
    t.true(yield* limiter.tryAcquire())
    t.true((yield* thrownBy(limiter.tryAcquire())) instanceof KernelStateError)
    t.true((yield* thrownBy(limiter.acquire())) instanceof KernelStateError)
    yield* limiter.acquire({ onBehalfOf: a })
    t.true((yield* thrownBy(limiter.acquire({ onBehalfOf: a }))) instanceof KernelStateError)
    t.is(limiter.available, 0)
    t.is(limiter.statistics().borrowers[1], a)
    t.false(yield* limiter.tryAcquire({ onBehalfOf: {} }))
    yield* limiter.release()
    const error = (yield* thrownBy(limiter.release())) as Error
    t.regex(error.message, /^Cannot release the limiter: task \d+ \(.*\) has no token of it$/)
    t.true((yield* thrownBy(limiter.release({ onBehalfOf: {} }))) instanceof KernelStateError)
    yield* limiter.release({ onBehalfOf: a })
    t.is(limiter.borrowed, 0)
  })
})

test('tokens that become free go to those who wait, in their order', (t) => {
  covers(t, 'trio sync: CapacityLimiter')
  virtual({}, function* () {
    const limiter = new CapacityLimiter(1)
    const log: number[] = []
    yield* nursery(function* (n) {
      for (const i of [1, 2, 3]) {
        yield* n.spawn(() =>
          limiter.with(function* () {
            log.push(i)
            t.is(limiter.borrowed, 1)
            yield* sleep(1)
          }),
        )
      }
    })
    t.deepEqual(log, [1, 2, 3])
    t.is(limiter.borrowed, 0)
  })
})

test('a limiter without limit lends to everybody', (t) => {
  covers(t, 'trio sync: CapacityLimiter_inf')
  virtual({}, function* () {
    const limiter = new CapacityLimiter(Number.POSITIVE_INFINITY)
    for (let i = 0; i < 100; i++) t.true(yield* limiter.tryAcquire({ onBehalfOf: {} }))
    t.is(limiter.available, Number.POSITIVE_INFINITY)
  })
  for (const bad of [-1, 1.5, Number.NaN]) t.true(thrown(() => new CapacityLimiter(bad)) instanceof RangeError)
  t.true(thrown(() => new CapacityLimiter('1' as unknown as number)) instanceof TypeError)
})

test('the total can be changed while tokens are lent', (t) => {
  covers(t, 'trio sync: CapacityLimiter_change_total_tokens')
  virtual({}, function* () {
    const limiter = new CapacityLimiter(2)
    for (const bad of [-1, 0.1, Number.NaN]) t.true(thrown(() => limiter.setTotal(bad)) instanceof RangeError)
    const got: number[] = []
    yield* nursery(function* (n) {
      for (let i = 0; i < 5; i++) {
        yield* n.spawn(function* () {
          yield* limiter.acquire()
          got.push(i)
        })
      }
      yield* waitAllBlocked()
      t.deepEqual(got, [0, 1])
      t.is(limiter.statistics().waiting, 3)
      yield* limiter.setTotal(4)
      yield* waitAllBlocked()
      t.deepEqual(got, [0, 1, 2, 3])
      yield* limiter.setTotal(1)
      t.is(limiter.available, 0)
      t.is(limiter.borrowed, 4)
      const [a, b, c, d] = limiter.statistics().borrowers as object[]
      for (const borrower of [a, b, c] as object[]) {
        yield* limiter.release({ onBehalfOf: borrower })
        yield* waitAllBlocked()
        t.is(limiter.statistics().waiting, 1)
      }
      yield* limiter.release({ onBehalfOf: d as object })
    })
    t.deepEqual(got, [0, 1, 2, 3, 4])
  })
})

test('a limiter can have no tokens for a while', (t) => {
  covers(t, 'trio sync: CapacityLimiter_zero_limit_tokens')
  virtual({}, function* () {
    const limiter = new CapacityLimiter(0)
    t.false(yield* limiter.tryAcquire())
    const task = yield* spawn(() => limiter.acquire())
    yield* waitAllBlocked()
    t.is(task.state, 'waiting')
    yield* limiter.setTotal(1)
    yield* task.join()
    t.is(limiter.borrowed, 1)
  })
})

test('a limiter keeps nothing of an acquire that was cancelled', (t) => {
  covers(t, 'trio sync: CapacityLimiter_memleak_548')
  virtual({}, function* () {
    const limiter = new CapacityLimiter(1)
    yield* limiter.acquire()
    const task = yield* spawn(() => limiter.acquire())
    yield* waitAllBlocked()
    yield* task.cancel()
    t.is(limiter.statistics().waiting, 0)
    yield* limiter.release()
    t.deepEqual(limiter.statistics(), { borrowed: 0, total: 1, borrowers: [], waiting: 0 })
  })
})

test('of two tasks that wait on behalf of one borrower, one gets the token and the other an error', (t) => {
  virtual({}, function* () {
    const limiter = new CapacityLimiter(1)
    const borrower = {}
    yield* limiter.acquire()
    const first = yield* spawn(() => limiter.acquire({ onBehalfOf: borrower }))
    const second = yield* spawn(() => thrownBy(limiter.acquire({ onBehalfOf: borrower })))
    yield* waitAllBlocked()
    yield* limiter.setTotal(5)
    yield* first.join()
    t.regex(String(yield* second.join()), /what task \d+ \(.*\) acts for has a token of it already/)
    t.is(limiter.borrowed, 2)
  })
})

test('an acquire with a timeout gives up in time', (t) => {
  virtual({}, function* () {
    const limiter = new CapacityLimiter(0)
    t.true((yield* thrownBy(limiter.acquire({ timeout: 5 }))) instanceof TimeoutError)
    t.true((yield* thrownBy(limiter.with(sleep(1), { timeout: 5 }))) instanceof TimeoutError)
    t.is(limiter.borrowed, 0)
  })
})
