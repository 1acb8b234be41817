/**
 * The virtual clock: it jumps when everybody waits, and only then.
 */

import test from 'ava'
import {
  checkpoint,
  clock,
  Kernel,
  moveOn,
  nursery,
  type Operation,
  sleep,
  sleepUntil,
  spawn,
  TimeoutError,
  timeout,
} from 'drupe'
import { VirtualDriver, virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'
import { PATIENCE_MS } from '../../patience.js'

test('time stands still until somebody moves it, or everybody waits', (t) => {
  covers(t, 'trio mock_clock: mock_clock')
  const driver = new VirtualDriver()
  t.is(driver.now(), 0)
  driver.advance(1.5)
  t.is(driver.now(), 1.5)
  driver.poll(false)
  t.is(driver.now(), 1.5)
  driver.arm(10)
  driver.poll(true)
  t.is(driver.now(), 10)
  driver.arm(5)
  driver.poll(true)
  t.is(driver.now(), 10)
})

test('sleeps take no time, and end in order at the right moment', (t) => {
  covers(t, 'trio mock_clock: mock_clock_autojump')
  const start = performance.now()
  virtual({}, function* () {
    for (const ms of [0, 1, 100_000, 7 * 24 * 3600 * 1000]) {
      const before = yield* clock()
      yield* sleep(ms)
      t.is(yield* clock(), before + ms)
    }
    const at = (yield* clock()) + 5
    yield* sleepUntil(at)
    t.is(yield* clock(), at)
    const error = yield* thrownBy(timeout(1000, sleep(Number.POSITIVE_INFINITY)))
    t.true(error instanceof TimeoutError)
    t.is(yield* clock(), at + 1000)
  })
  t.true(performance.now() - start < PATIENCE_MS)
})

test('the clock does not jump while a task is busy', (t) => {
  covers(t, 'trio mock_clock: mock_clock_autojump_interference')
  virtual({}, () =>
    nursery(function* (n) {
      const log: string[] = []
      yield* n.spawn(function* () {
        yield* sleep(10)
        log.push('woke')
      })
      for (let i = 0; i < 1000; i++) yield* checkpoint()
      t.deepEqual(log, [])
      t.is(yield* clock(), 0)
    }),
  )
})

test('waiting until all are blocked comes before the jump', (t) => {
  covers(
    t,
    'trio mock_clock: mock_clock_autojump_0_and_wait_all_tasks_blocked_0, mock_clock_autojump_0_and_wait_all_tasks_blocked_nonzero',
    'trio testing: wait_all_tasks_blocked, wait_all_tasks_blocked_with_timeouts',
  )
  const record: string[] = []
  virtual({}, () =>
    nursery(function* (n) {
      const busy = function* (name: string): Operation<void> {
        for (let i = 0; i < 10; i++) yield* checkpoint()
        record.push(`${name} is done`)
      }
      yield* n.spawn(function* () {
        yield* sleep(10)
        record.push('slept')
      })
      yield* n.spawn(() => busy('busy'))
      yield* n.spawn(function* () {
        yield* waitAllBlocked()
        record.push('all blocked')
      })
      record.push(String(yield* moveOn(5, () => waitAllBlocked(), 'too long')))
    }),
  )
  t.deepEqual(record, ['busy is done', 'undefined', 'all blocked', 'slept'])
})

test('a clock that was moved before the run starts there', (t) => {
  covers(t, 'trio mock_clock: mock_clock_autojump_preset')
  const driver = new VirtualDriver()
  driver.advance(1000)
  const kernel = new Kernel({ driver })
  t.is(
    kernel.runSync(() => clock()),
    1000,
  )
  kernel.closeSync()
})

test('whoever waits until all are blocked can be cancelled', (t) => {
  virtual({}, function* () {
    const waiting = yield* spawn(() => waitAllBlocked())
    yield* waiting.cancel()
    t.is(waiting.state, 'cancelled')
  })
})

test('a second clock leaves the one that runs alone', (t) => {
  covers(t, 'trio mock_clock: initialization_doesnt_mutate_runner')
  virtual({}, function* () {
    yield* sleep(10)
    const other = new VirtualDriver()
    other.advance(1000)
    t.is(
      virtual({}, () => clock()),
      0,
    )
    t.is(yield* clock(), 10)
  })
})
