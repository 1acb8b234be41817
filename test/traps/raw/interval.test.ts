/**
 * Tickers and intervals: a grid in time that work does not bend.
 */
import test from 'ava'
import { clock, moveOn, sleep, spawn } from 'drupe'
import { virtual } from 'drupe/testing'
import { interval, ticker } from '../../../traps/raw/interval.js'
import { fail, thrown, thrownBy } from '../../kit.js'

test('ticks lie on a grid, whatever the work between them takes', (t) => {
  const times = virtual({}, function* () {
    const times: number[] = []
    const ticks = ticker(10)
    yield* sleep(3)
    for (let i = 0; i < 5; i++) {
      t.is(yield* ticks.next(), 1)
      times.push(yield* clock())
      yield* sleep(i * 2)
    }
    return times
  })
  t.deepEqual(times, [13, 23, 33, 43, 53])
})

test('skip: ticks that were missed are one tick that says how many it stands for', (t) => {
  const log = virtual({}, function* () {
    const log: [number, number][] = []
    const ticks = ticker(10)
    for (const work of [35, 0, 20, 0]) {
      log.push([yield* ticks.next(), yield* clock()])
      yield* sleep(work)
    }
    return log
  })
  t.deepEqual(log, [
    [1, 10],
    [3, 45],
    [1, 50],
    [2, 70],
  ])
})

test('burst: ticks that were missed are made up for', (t) => {
  const times = virtual({}, function* () {
    const times: number[] = []
    const ticks = ticker(10, { late: 'burst' })
    for (const work of [35, 0, 0, 0, 0]) {
      t.is(yield* ticks.next(), 1)
      times.push(yield* clock())
      yield* sleep(work)
    }
    return times
  })
  t.deepEqual(times, [10, 45, 45, 45, 50])
})

test('a cancelled wait leaves the tick for the next one, and reset starts anew', (t) => {
  virtual({}, function* () {
    const ticks = ticker(10)
    t.is(yield* moveOn(5, ticks.next(), 'none'), 'none')
    yield* ticks.next()
    t.is(yield* clock(), 10)
    yield* sleep(3)
    ticks.reset()
    yield* ticks.next()
    t.is(yield* clock(), 23)
  })
})

test('an interval runs until it is cancelled, or its body throws', (t) => {
  virtual({}, function* () {
    const times: number[] = []
    const task = yield* spawn(() =>
      interval(10, function* () {
        times.push(yield* clock())
        yield* sleep(3)
      }),
    )
    yield* sleep(35)
    yield* task.cancel()
    t.deepEqual(times, [10, 20, 30])
    const boom = new Error('boom')
    t.is(yield* thrownBy(interval(1, () => fail(boom))), boom)
  })
})

test('a period must be more than nothing, and come to an end', (t) => {
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.true(thrown(() => ticker(bad)) instanceof RangeError, String(bad))
    t.true(thrown(() => interval(bad, () => sleep(0))) instanceof RangeError, String(bad))
  }
  t.true(thrown(() => ticker('1' as unknown as number)) instanceof TypeError)
})
