/**
 * Tickers and intervals: a grid in time that work does not bend.
 */
import test from 'ava'
import { clock, exponential, fibonacci, fixed, jittered, moveOn, type Schedule, sleep, spawn, type Task } from 'drupe'
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

/** When each run of an interval began, and what it was told. */
const runsOf = (schedule: Schedule, work: readonly number[], late: 'skip' | 'burst' = 'skip', seed = 0) =>
  virtual({ seed }, function* () {
    const runs: [number, number][] = []
    yield* moveOn(
      1000,
      interval(
        schedule,
        function* (ticks) {
          runs.push([yield* clock(), ticks])
          yield* sleep(work[runs.length - 1] ?? 0)
        },
        { late },
      ),
    )
    return runs
  })

test('a schedule says the times between ticks, and work takes nothing away from them', (t) => {
  const begins = (schedule: Schedule) =>
    runsOf(schedule, [5, 1, 9, 3])
      .slice(0, 5)
      .map(([at]) => at)
  t.deepEqual(begins(exponential({ first: 10, max: 40 })), [10, 30, 70, 110, 150])
  t.deepEqual(begins(fibonacci({ first: 10 })), [10, 20, 40, 70, 120])
  t.deepEqual(begins(fixed(10)), [10, 20, 30, 40, 50])
  t.deepEqual(begins([0, 10, 0, 20, 0]), [0, 10, 11, 30, 33])
})

test('an interval returns where its schedule ends, after the last run', (t) => {
  t.deepEqual(runsOf([10, 20, 30], [0, 0, 7]), [
    [10, 1],
    [30, 1],
    [60, 1],
  ])
  virtual({}, function* () {
    t.is(yield* interval([10, 20], () => sleep(7)), undefined)
    t.is(yield* clock(), 37)
    yield* interval([], () => fail(new Error('no tick')))
    t.is(yield* clock(), 37)
    const ticks = ticker([1])
    t.is(ticks.ms, null)
    t.deepEqual([yield* ticks.next(), yield* ticks.next(), yield* ticks.next()], [1, 0, 0])
    ticks.reset()
    t.deepEqual([yield* ticks.next(), yield* clock()], [1, 39])
  })
})

test('a schedule that is late: skip makes one tick of those that were missed, burst makes up for each', (t) => {
  const grid = [10, 10, 20, 5, 50, 10]
  t.deepEqual(runsOf(grid, [32]), [
    [10, 1],
    [42, 2],
    [45, 1],
    [95, 1],
    [105, 1],
  ])
  t.deepEqual(runsOf(grid, [32], 'burst'), [
    [10, 1],
    [42, 1],
    [42, 1],
    [45, 1],
    [95, 1],
    [105, 1],
  ])
  // The last one is among the missed.
  t.deepEqual(runsOf([10, 10, 10], [90]), [
    [10, 1],
    [100, 2],
  ])
})

test('a delay of 0 is a tick of its own, and an endless row of them lets others run', (t) => {
  t.deepEqual(runsOf([10, 0, 0, 10], [50]), [
    [10, 1],
    [60, 1],
    [60, 2],
  ])
  virtual({}, function* () {
    let runs = 0
    const task = yield* spawn(() =>
      interval(fixed(0), function* () {
        runs++
      }),
    )
    for (let i = 0; i < 10; i++) yield* sleep(0)
    yield* task.cancel()
    t.true(runs > 0 && runs < 20, `${runs}`)
  })
})

test('a schedule draws its jitter from the kernel', (t) => {
  const seeded = (seed: number) => runsOf(jittered(fixed(10), 0.5), [], 'skip', seed).slice(0, 20)
  t.deepEqual(seeded(3), seeded(3))
  t.notDeepEqual(seeded(3), seeded(4))
  t.true(seeded(3).every(([at], place, all) => at - (all[place - 1]?.[0] ?? 0) >= 5))
})

test('a tick of a schedule that comes together with a cancel is still to come', (t) => {
  virtual({}, function* () {
    const ticks = ticker([10, 5])
    t.is(yield* moveOn(5, ticks.next(), 'none'), 'none')
    let task: Task<number> | undefined
    yield* spawn(function* () {
      yield* sleep(5)
      yield* (task as Task<number>).cancel()
    })
    task = yield* spawn(() => ticks.next())
    yield* sleep(6)
    t.is(task.state, 'cancelled')
    t.deepEqual([yield* ticks.next(), yield* clock()], [1, 11])
    t.deepEqual([yield* ticks.next(), yield* clock()], [1, 15])
  })
})

test('an interval closes its schedule, however it ends, and what the schedule throws leaves it', (t) => {
  virtual({}, function* () {
    let open = 0
    const delays = (...list: unknown[]): Schedule => ({
      *delays() {
        open++
        try {
          for (const ms of list) {
            if (ms instanceof Error) throw ms
            yield ms as number
          }
        } finally {
          open--
        }
      },
    })
    const boom = new Error('boom')
    yield* interval(delays(1, 2), () => sleep(0))
    yield* moveOn(
      5,
      interval(delays(1, 100), () => sleep(0)),
    )
    t.is(yield* thrownBy(interval(delays(1, 2), () => fail(boom))), boom)
    t.is(yield* thrownBy(interval(delays(boom), () => sleep(0))), boom)
    const bad = yield* thrownBy(interval(delays(-1), () => sleep(0)))
    t.true(bad instanceof RangeError && bad.message.includes('a delay'))
    t.true((yield* thrownBy(interval(delays('1'), () => sleep(0)))) instanceof TypeError)
    t.is(open, 0)
  })
})

test('a period must be more than nothing, and come to an end', (t) => {
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.true(thrown(() => ticker(bad)) instanceof RangeError, String(bad))
    t.true(thrown(() => interval(bad, () => sleep(0))) instanceof RangeError, String(bad))
  }
  for (const bad of ['1', null, {}, new Date()]) {
    t.true(thrown(() => ticker(bad as unknown as number)) instanceof TypeError)
  }
  t.regex(
    (thrown(() => ticker('1' as never)) as Error).message,
    /every must be a number of milliseconds or a schedule, not/,
  )
})

test('a ticker that is reset while a task waits for it begins anew', (t) => {
  virtual({}, function* () {
    const ticks = ticker(10)
    const waiting = yield* spawn(function* () {
      return [yield* ticks.next(), yield* clock()]
    })
    yield* sleep(6)
    ticks.reset()
    t.deepEqual(yield* waiting.join(), [1, 20])
  })
})
