/**
 * Retry under attack: cancels wherever it waits and in the pass in which something ends, deadlines inside of deadlines,
 * errors that only look like a cancel, and tries without end.
 */
import test from 'ava'
import {
  Cancelled,
  clock,
  fixed,
  moveOn,
  type Operation,
  retry,
  scope,
  shield,
  sleep,
  spawn,
  suppressed,
  TimeoutError,
  timeout,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

const FOREVER = Number.POSITIVE_INFINITY

/** The `Cancelled` of a scope that is over. */
function* stale(): Operation<unknown> {
  let kept: unknown
  yield* scope(function* (s) {
    yield* s.cancel()
    kept = yield* thrownBy(sleep(1))
    throw kept
  })
  return kept
}

test('a cancel is never tried again, at whatever time it comes', (t) => {
  for (let ms = 0; ms <= 60; ms += 2.5) {
    virtual({}, function* () {
      const log: string[] = []
      const answer = yield* moveOn(
        ms,
        retry(
          function* (attempt) {
            log.push(`in ${attempt}`)
            try {
              yield* sleep(10)
            } finally {
              log.push(`out ${attempt}`)
            }
            throw new Error('no')
          },
          { times: FOREVER, backoff: fixed(10), within: 1000, timeout: 500, while: () => true },
        ),
        'cancelled',
      )
      t.is(answer, 'cancelled')
      t.is(yield* clock(), ms)
      const attempts = log.length / 2
      t.is(log.at(-1), attempts === 0 ? undefined : `out ${attempts}`, `${ms}`)
      t.true(Math.abs(attempts - ms / 20) <= 1, `${attempts} attempts in ${ms} ms`)
    })
  }
})

test('an attempt that swallows its cancel and fails is the last one', (t) => {
  virtual({}, function* () {
    let attempts = 0
    const error = yield* thrownBy(
      timeout(
        5,
        retry(
          function* () {
            attempts++
            yield* thrownBy(sleep(FOREVER))
            throw new Error('swallowed')
          },
          { times: FOREVER, backoff: fixed(10) },
        ),
      ),
    )
    t.is(attempts, 1)
    t.is((error as Error).message, 'swallowed')
    t.is(yield* clock(), 5)
    // A cancel that a shield keeps out is none.
    attempts = 0
    const answer = yield* moveOn(
      5,
      shield(
        retry(
          function* (attempt) {
            yield* sleep(10)
            if (attempt < 3) throw new Error('no')
            return attempt
          },
          { backoff: fixed(1) },
        ),
      ),
    )
    t.is(answer, 3)
  })
})

test('the Cancelled of another scope is a failed attempt', (t) => {
  virtual({}, function* () {
    const old = yield* stale()
    t.true(old instanceof Cancelled)
    const answer = yield* retry(
      function* (attempt) {
        if (attempt < 3) throw old
        return attempt
      },
      { backoff: fixed(1) },
    )
    t.is(answer, 3)
    const inner = yield* retry(
      function* (attempt) {
        // Its own limit is the attempt's affair.
        if (attempt < 2) yield* timeout(5, sleep(FOREVER))
        return attempt
      },
      { backoff: fixed(1), while: (error) => error instanceof TimeoutError },
    )
    t.is(inner, 2)
  })
})

test('while is asked once for each failure, and what it throws leaves', (t) => {
  virtual({}, function* () {
    const asked: unknown[] = []
    const boom = new Error('boom')
    const error = yield* thrownBy(
      retry(
        function* (attempt) {
          throw attempt
        },
        {
          times: 9,
          backoff: fixed(1),
          while(error, attempt) {
            asked.push([error, attempt])
            if (attempt === 3) throw boom
            return true
          },
        },
      ),
    )
    t.is(error, boom)
    t.deepEqual(asked, [
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    t.deepEqual(suppressed(boom), [1, 2, 3])
    // The last attempt is not asked about: there is none after it.
    asked.length = 0
    yield* thrownBy(
      retry(
        function* (attempt) {
          throw attempt
        },
        { times: 2, backoff: fixed(1), while: (error) => asked.push(error) > 0 },
      ),
    )
    t.deepEqual(asked, [1])
  })
})

test('within ends an attempt and a pause alike, and a success in its last moment counts', (t) => {
  virtual({}, function* () {
    const at = function* (ms: number, work: number) {
      const begun = yield* clock()
      const answer = yield* thrownBy(
        retry(
          function* () {
            yield* sleep(work)
            throw new Error('no')
          },
          { times: FOREVER, backoff: fixed(10), within: ms },
        ),
      )
      t.true(answer instanceof TimeoutError)
      t.is((answer as TimeoutError).ms, ms)
      t.is((yield* clock()) - begun, ms)
      return suppressed(answer).length
    }
    t.is(yield* at(5, 10), 0)
    t.is(yield* at(15, 10), 1)
    t.is(yield* at(25, 10), 1)
    t.is(yield* at(35, 10), 2)
    const answer = yield* retry(
      function* () {
        yield* sleep(9)
        return 'in time'
      },
      { within: 9.5 },
    )
    t.is(answer, 'in time')
  })
})

test('a retry without end keeps no more than a hundred errors', (t) => {
  virtual({}, function* () {
    const last = yield* thrownBy(
      retry(
        function* (attempt) {
          throw new Error(`${attempt}`)
        },
        { times: 100_000, backoff: fixed(0) },
      ),
    )
    const earlier = suppressed(last).map((error) => (error as Error).message)
    t.is((last as Error).message, '100000')
    t.deepEqual([earlier.length, earlier[0], earlier.at(-1)], [100, '99900', '99999'])
  })
})

test('two tasks that follow one schedule have its delays each', (t) => {
  virtual({}, function* () {
    const backoff = [5, 10]
    const ends: number[] = []
    const one = () =>
      retry(
        function* (attempt) {
          if (attempt < 3) throw new Error('no')
          ends.push(yield* clock())
        },
        { backoff },
      )
    const task = yield* spawn(one)
    yield* sleep(1)
    yield* one()
    yield* task.join()
    t.deepEqual(ends, [15, 16])
  })
})
