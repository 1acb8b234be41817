/**
 * `timeout`, `timeoutAt` and `moveOn`: whose time ran out, what counts if both happened, and that nothing else is blamed.
 *
 * Nested ones are tried in every order of their times: only the scope that expired turns its cancel into an error.
 */

import test from 'ava'
import {
  Cancelled,
  checkpoint,
  clock,
  Kernel,
  moveOn,
  type Op,
  type Operation,
  scope,
  shield,
  sleep,
  spawn,
  TimeoutError,
  timeout,
  timeoutAt,
} from 'drupe'
import { park, WaitQueue } from 'drupe/lowlevel'
import { VirtualDriver, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrown, thrownBy, withKernel } from '../../kit.js'

test('an operation that is in time returns through timeout', (t) => {
  covers(t, 'curio kernel: sleep_notimeout')
  t.deepEqual(
    virtual({}, function* () {
      const result = yield* timeout(100, function* () {
        yield* sleep(10)
        return 'result'
      })
      return [result, yield* clock()]
    }),
    ['result', 10],
  )
})

test('one that is not in time is a TimeoutError at that time', (t) => {
  covers(t, 'curio kernel: sleep_timeout', 'trio timeouts: fail')
  const [error, end] = virtual({}, function* () {
    return [yield* thrownBy(timeout(10, sleep(1000))), yield* clock()]
  })
  t.true(error instanceof TimeoutError)
  t.like(error, { ms: 10, code: 'DRUPE_TIMEOUT' })
  t.is(end, 10)
})

test('timeoutAt counts on the kernel’s clock', (t) => {
  covers(t, 'trio timeouts: fail')
  virtual({}, function* () {
    yield* sleep(5)
    const error = (yield* thrownBy(timeoutAt(20, sleep(1000)))) as TimeoutError
    t.true(error instanceof TimeoutError)
    t.is(yield* clock(), 20)
    t.is(error.ms, Number.NaN)
    t.notRegex(error.message, /NaN/)
    t.is(yield* timeoutAt(50, give('in time')), 'in time')
  })
})

test('a deadline that has passed cancels at the first wait', (t) => {
  virtual({}, function* () {
    yield* sleep(50)
    for (const at of [50, 49, 0, -1, Number.NEGATIVE_INFINITY]) {
      const log: string[] = []
      const error = yield* thrownBy(
        timeoutAt(at, function* () {
          log.push('entered')
          yield* checkpoint()
          log.push('too far')
        }),
      )
      t.true(error instanceof TimeoutError, String(at))
      t.deepEqual(log, ['entered'])
      t.is(yield* clock(), 50)
    }
  })
})

test('timeout(0) cancels at the first wait, and an operation that never waits returns', (t) => {
  virtual({}, function* () {
    t.true((yield* thrownBy(timeout(0, sleep(0)))) instanceof TimeoutError)
    t.is(yield* timeout(0, give('result')), 'result')
    t.is(yield* moveOn(0, sleep(1), 'fallback'), 'fallback')
    t.is(yield* moveOn(0, give('result'), 'fallback'), 'result')
  })
})

test('timeout(Infinity) is no limit', (t) => {
  t.is(
    virtual({}, function* () {
      return yield* timeout(Number.POSITIVE_INFINITY, function* () {
        yield* sleep(1e9)
        return 'result'
      })
    }),
    'result',
  )
})

test('a bad time is an error at the call', (t) => {
  covers(t, 'trio timeouts: timeouts_raise_value_error')
  for (const bad of [-1, Number.NaN]) {
    t.true(thrown(() => timeout(bad, give(1))) instanceof RangeError)
    t.true(thrown(() => moveOn(bad, give(1))) instanceof RangeError)
  }
  t.true(thrown(() => timeoutAt(Number.NaN, give(1))) instanceof RangeError)
  t.true(thrown(() => timeout('5' as unknown as number, give(1))) instanceof TypeError)
})

test('a result that is there when the time runs out counts', (t) => {
  const result = virtual({}, function* () {
    return yield* timeout(10, function* () {
      // The time is over while this sleeps behind the shield; the operation finishes all the same.
      yield* shield(sleep(20))
      return `whole at ${yield* clock()}`
    })
  })
  t.is(result, 'whole at 20')
})

test('an error of the operation counts, not the timeout that came meanwhile', (t) => {
  const boom = new Error('boom')
  const error = virtual({}, function* () {
    return yield* thrownBy(
      timeout(10, function* () {
        try {
          yield* sleep(1000)
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: that is the case
          throw boom
        }
      }),
    )
  })
  t.is(error, boom)
})

test('an operation that swallows the timeout returns its result', (t) => {
  const result = virtual({}, function* () {
    return yield* timeout(10, function* () {
      yield* thrownBy(sleep(1000))
      yield* sleep(5)
      return `late, at ${yield* clock()}`
    })
  })
  t.is(result, 'late, at 15')
})

test('moveOn gives its fallback, or undefined', (t) => {
  covers(t, 'curio kernel: sleep_ignore_timeout', 'trio timeouts: move_on_after')
  virtual({}, function* () {
    t.is(yield* moveOn(10, sleep(1000)), undefined)
    t.is(yield* moveOn(10, sleep(1000), 'fallback'), 'fallback')
    t.is(yield* moveOn(10, give('result'), 'fallback'), 'result')
    t.is(yield* clock(), 20)
  })
})

test('moveOn lets errors pass', (t) => {
  const boom = new Error('boom')
  t.is(
    virtual({}, function* () {
      return yield* thrownBy(moveOn(10, () => fail(boom), 'fallback'))
    }),
    boom,
  )
})

test('what had the time to clean up did, before the timeout is thrown', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const error = yield* thrownBy(
      timeout(10, function* () {
        try {
          yield* sleep(1000)
        } finally {
          yield* sleep(7)
          log.push('clean')
        }
      }),
    )
    log.push((error as Error).name, `at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, ['clean', 'TimeoutError', 'at 17'])
})

/** What comes out of three nested timeouts around a long sleep: which of them threw what they threw. */
function* nested(times: readonly number[], seen: string[]): Operation<void> {
  const [ms, ...rest] = times
  if (ms === undefined) return yield* sleep(1000)
  try {
    yield* timeout(ms, nested(rest, seen))
  } catch (error) {
    const what = error instanceof TimeoutError ? `timeout ${error.ms}` : error instanceof Cancelled ? 'Cancelled' : '?'
    seen.push(`${ms}: ${what}`)
    throw error
  }
}

for (const times of [
  [10, 20, 30],
  [10, 30, 20],
  [20, 10, 30],
  [20, 30, 10],
  [30, 10, 20],
  [30, 20, 10],
]) {
  test(`timeouts of ${times.join(' around ')} ms: only the shortest throws, the outer ones let it pass`, (t) => {
    covers(
      t,
      'curio kernel: nested_timeout',
      'curio kernel: nested_context_timeout, nested_context_timeout2, nested_context_timeout3',
    )
    const seen: string[] = []
    virtual({}, function* () {
      const error = yield* thrownBy(nested(times, seen))
      t.true(error instanceof TimeoutError)
      t.is((error as TimeoutError).ms, 10)
      t.is(yield* clock(), 10)
    })
    const culprit = times.indexOf(10)
    const inner = times.slice(culprit + 1).map((ms) => `${ms}: Cancelled`)
    const outer = times.slice(0, culprit + 1).map((ms) => `${ms}: timeout 10`)
    t.deepEqual(seen, [...inner.reverse(), ...outer.reverse()])
  })
}

test('nested timeouts that run out together blame the outermost', (t) => {
  virtual({}, function* () {
    const seen: unknown[] = []
    const error = yield* thrownBy(
      timeout(10, function* () {
        const inner = yield* thrownBy(timeout(10, sleep(1000)))
        seen.push(inner)
        throw inner
      }),
    )
    t.true(error instanceof TimeoutError)
    t.true(seen[0] instanceof Cancelled)
    t.is(yield* clock(), 10)
  })
})

test('an inner timeout that is caught leaves the outer one its time', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const error = yield* thrownBy(
      timeout(50, function* () {
        for (;;) {
          const inner = yield* thrownBy(timeout(20, sleep(1000)))
          log.push(`${(inner as Error).name} at ${yield* clock()}`)
          if (inner instanceof Cancelled) throw inner
        }
      }),
    )
    log.push(`${(error as TimeoutError).ms} at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, ['TimeoutError at 20', 'TimeoutError at 40', 'Cancelled at 50', '50 at 50'])
})

test('an outer timeout passes through an inner moveOn', (t) => {
  virtual({}, function* () {
    const error = yield* thrownBy(timeout(10, moveOn(1000, sleep(5000), 'fallback')))
    t.is((error as TimeoutError).ms, 10)
    t.is(yield* moveOn(10, timeout(1000, sleep(5000)), 'fallback'), 'fallback')
    t.is(yield* timeout(1000, moveOn(10, sleep(5000), 'fallback')), 'fallback')
  })
})

test('a timeout that is thrown is an ordinary error: an outer moveOn does not take it for its own', (t) => {
  covers(t, 'curio kernel: nested_timeout_uncaught, nested_context_timeout_uncaught')
  const error = virtual({}, function* () {
    return yield* thrownBy(moveOn(1000, timeout(10, sleep(5000))))
  })
  t.true(error instanceof TimeoutError)
})

test('no limit around a limit is a limit', (t) => {
  covers(t, 'curio kernel: nested_timeout_none')
  virtual({}, function* () {
    const error = yield* thrownBy(
      timeout(Number.POSITIVE_INFINITY, timeout(10, timeout(Number.POSITIVE_INFINITY, sleep(100)))),
    )
    t.is((error as TimeoutError).ms, 10)
  })
})

test('the timeout of a trap and that of a scope: the shorter one throws', (t) => {
  virtual({}, function* () {
    const queue = new WaitQueue()
    for (const [scopeMs, trapMs, expected] of [
      [10, 20, 10],
      [20, 10, 10],
    ] as const) {
      const error = yield* thrownBy(timeout(scopeMs, park(queue, { timeout: trapMs })))
      t.is((error as TimeoutError).ms, expected)
      t.is(queue.length, 0)
    }
    t.is(yield* clock(), 20)
  })
})

test('a timeout leaves no timer, however it ends', (t) => {
  withKernel({}, (kernel) => {
    kernel.runSync(function* () {
      const endings: Op<unknown>[] = [
        timeout(1000, give(1)),
        timeout(5, sleep(1000)),
        timeout(1000, () => fail('x')),
        moveOn(5, sleep(1000)),
        timeout(0, sleep(1)),
      ]
      for (const ending of endings) {
        yield* (yield* spawn(() => moveOn(10_000, () => thrownOrNot(ending)))).join()
        t.is(kernel.statistics.timers, 0)
      }
    })
  })
})

function* thrownOrNot(op: Op<unknown>): Operation<void> {
  try {
    yield* timeout(20_000, op)
  } catch {}
}

test('a function that throws instead of returning an operation throws through its timeout', (t) => {
  const boom = new Error('boom')
  virtual({}, function* () {
    const error = yield* thrownBy(
      timeout(10, () => {
        throw boom
      }),
    )
    t.is(error, boom)
    t.true((yield* thrownBy(() => timeout(10, undefined as never))) instanceof TypeError)
    yield* sleep(50)
  })
})

test('time that went by while nothing waited is not charged to what comes after', (t) => {
  covers(t, 'curio kernel: timeout_badness')
  const driver = new VirtualDriver()
  const kernel = new Kernel({ driver })
  kernel.runSync(function* () {
    const result = yield* timeout(10, function* () {
      // Work that holds the thread longer than it may.
      driver.advance(20)
      return 'whole'
    })
    t.is(result, 'whole')
    yield* sleep(5)
    t.is(yield* clock(), 25)
  })
  kernel.closeSync()
})

test('of a sleep and the timeout around it that are both over when the kernel looks, the earlier counts', (t) => {
  covers(t, 'curio kernel: kernel_multischedule')
  const driver = new VirtualDriver()
  const kernel = new Kernel({ driver })
  const log = kernel.runSync(function* () {
    const sleeper = yield* spawn(function* () {
      const log: unknown[] = []
      yield* timeout(50, sleep(25))
      log.push('in time')
      yield* sleep(10)
      log.push(yield* clock())
      return log
    })
    yield* sleep(10)
    driver.advance(100)
    return yield* sleeper.join()
  })
  kernel.closeSync()
  t.deepEqual(log, ['in time', 120])
})

test('the time begins when the operation does, not when it was made', (t) => {
  covers(t, 'trio timeouts: timeout_deadline_on_entry')
  virtual({}, function* () {
    const late = timeout(5, sleep(1000))
    const lenient = moveOn(5, sleep(1000), 'moved on')
    yield* sleep(3)
    t.true((yield* thrownBy(late)) instanceof TimeoutError)
    t.is(yield* clock(), 8)
    t.is(yield* lenient, 'moved on')
    t.is(yield* clock(), 13)
  })
})

test('a timeout behind a shield ends in its time, whoever is cancelled outside', (t) => {
  covers(t, 'trio timeouts: fail_after_fails_even_if_shielded')
  virtual({ grace: 0 }, function* () {
    const error = yield* thrownBy(
      scope({}, function* (outer) {
        yield* outer.cancel()
        yield* shield(timeout(10, sleep(1000)))
      }),
    )
    t.true(error instanceof TimeoutError)
    t.is(yield* clock(), 10)
  })
})
