/**
 * Time: `sleep`, `sleepUntil` and `clock` on virtual time. Milliseconds, fractions included, never backwards.
 */

import test from 'ava'
import { checkpoint, clock, moveOn, nursery, sleep, sleepUntil, spawn, timeout } from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy, withKernel } from '../../kit.js'

test('a sleep takes its time', (t) => {
  covers(t, 'curio kernel: sleep', 'trio timeouts: sleep')
  t.is(
    virtual({}, function* () {
      yield* sleep(50)
      return yield* clock()
    }),
    50,
  )
})

test('the clock tells the time and takes none', (t) => {
  covers(t, 'curio kernel: clock', 'trio run: current_time')
  const times = virtual({}, function* () {
    const times = [yield* clock(), yield* clock()]
    yield* sleep(1)
    times.push(yield* clock())
    return times
  })
  t.deepEqual(times, [0, 0, 1])
})

test('fractions of a millisecond count', (t) => {
  const end = virtual({}, function* () {
    for (let i = 0; i < 4; i++) yield* sleep(0.25)
    yield* sleep(1e-6)
    return yield* clock()
  })
  t.is(end, 1.000001)
})

test('sleep(0) lets others run and takes no time', (t) => {
  const log = virtual({}, function* () {
    const log: unknown[] = []
    yield* spawn(function* () {
      log.push('other')
    })
    yield* sleep(0)
    log.push(yield* clock())
    return log
  })
  t.deepEqual(log, ['other', 0])
})

test('sleeps end in the order of their ends', (t) => {
  const order = virtual({}, function* () {
    const order: number[] = []
    yield* nursery(function* (n) {
      for (const ms of [30, 10, 20, 0, 10.5]) {
        yield* n.spawn(function* () {
          yield* sleep(ms)
          order.push(ms)
        })
      }
    })
    return order
  })
  t.deepEqual(order, [0, 10, 10.5, 20, 30])
})

test('a week costs nothing', (t) => {
  t.is(
    virtual({}, function* () {
      for (let i = 0; i < 7; i++) yield* sleep(24 * 3600 * 1000)
      return yield* clock()
    }),
    604_800_000,
  )
})

test('sleepUntil waits until that time, and not at all for one that has passed', (t) => {
  const times = virtual({}, function* () {
    const times: number[] = []
    yield* sleepUntil(10)
    times.push(yield* clock())
    for (const at of [10, 5, 0, -1, Number.NEGATIVE_INFINITY]) {
      yield* sleepUntil(at)
      times.push(yield* clock())
    }
    return times
  })
  t.deepEqual(times, [10, 10, 10, 10, 10, 10])
})

test('sleepUntil a time that has passed lets others run all the same', (t) => {
  const ran = virtual({}, function* () {
    let ran = false
    yield* spawn(function* () {
      ran = true
    })
    yield* sleepUntil(-1)
    return ran
  })
  t.true(ran)
})

test('a negative sleep and one that is no number are errors at the call', (t) => {
  covers(t, 'trio timeouts: timeouts_raise_value_error')
  for (const bad of [-1, -0.001, Number.NaN, Number.NEGATIVE_INFINITY]) {
    t.true(thrown(() => sleep(bad)) instanceof RangeError, String(bad))
  }
  t.true(thrown(() => sleepUntil(Number.NaN)) instanceof RangeError)
  for (const bad of ['5', null, {}, 5n]) {
    t.true(thrown(() => sleep(bad as number)) instanceof TypeError, String(bad))
    t.true(thrown(() => sleepUntil(bad as number)) instanceof TypeError, String(bad))
  }
})

test('a sleep without end can be cancelled, and only cancelled', (t) => {
  covers(t, 'trio timeouts: cannot_wake_sleep_forever')
  t.is(
    virtual({}, function* () {
      return yield* moveOn(1000, sleep(Number.POSITIVE_INFINITY), 'cancelled')
    }),
    'cancelled',
  )
  t.is(
    virtual({}, function* () {
      return yield* moveOn(1000, sleepUntil(Number.POSITIVE_INFINITY), 'cancelled')
    }),
    'cancelled',
  )
})

test('a cancelled sleep lets go of its timer', (t) => {
  covers(t, 'curio kernel: sleep_cancel')
  withKernel({}, (kernel) => {
    const end = kernel.runSync(function* () {
      const sleeper = yield* spawn(sleep(1_000_000))
      yield* sleep(5)
      t.is(kernel.statistics.timers, 1)
      yield* sleeper.cancel()
      t.is(kernel.statistics.timers, 0)
      return yield* clock()
    })
    t.is(end, 5)
  })
})

test('a sleep that ends before its timeout lets go of both timers', (t) => {
  covers(t, 'curio kernel: sleep_notimeout')
  const end = virtual({}, function* () {
    yield* timeout(1000, sleep(10))
    yield* sleep(1)
    return yield* clock()
  })
  t.is(end, 11)
})

test('a sleep that takes longer than its timeout ends there', (t) => {
  covers(t, 'curio kernel: sleep_timeout')
  const [error, end] = virtual({}, function* () {
    return [yield* thrownBy(timeout(10, sleep(1000))), yield* clock()]
  })
  t.is((error as Error).name, 'TimeoutError')
  t.is(end, 10)
})

test('ticks with sleepUntil do not drift', (t) => {
  const ticks: number[] = []
  withKernel({}, (kernel) => {
    kernel.runSync(function* () {
      let next = yield* clock()
      for (let i = 0; i < 5; i++) {
        yield* sleepUntil((next += 10))
        ticks.push(yield* clock())
        // Work that takes time.
        yield* sleep(i)
      }
    })
  })
  t.deepEqual(ticks, [10, 20, 30, 40, 50])
})

test('time goes on while a task is busy only as far as the driver says', (t) => {
  const end = virtual({}, function* () {
    for (let i = 0; i < 1000; i++) yield* checkpoint()
    return yield* clock()
  })
  t.is(end, 0)
})

test('a trap made once serves for ever', (t) => {
  const tick = sleep(10)
  const end = virtual({}, function* () {
    for (let i = 0; i < 1000; i++) yield* tick
    return yield* clock()
  })
  t.is(end, 10_000)
})
