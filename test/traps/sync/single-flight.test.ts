/**
 * Single flight: how long answers and errors are kept, who may leave, and errors that only look like a cancel.
 */
import test from 'ava'
import {
  all,
  Cancelled,
  ClosedError,
  checkpoint,
  clock,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  scope,
  singleFlight,
  sleep,
  sleepUntil,
  spawn,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

test('an answer is kept from its arrival on, for its time and not longer', (t) => {
  virtual({}, () =>
    nursery(function* () {
      let loads = 0
      const cache = yield* singleFlight(
        function* (_key: string) {
          yield* sleep(10)
          return ++loads
        },
        { ttl: 20 },
      )
      const got: [number, number][] = []
      for (const at of [0, 29.5, 30, 59, 60]) {
        yield* sleepUntil(at)
        got.push([yield* cache.get('a'), yield* clock()])
      }
      t.deepEqual(got, [
        [1, 10],
        [1, 29.5],
        [2, 40],
        [2, 59],
        [3, 70],
      ])
      cache.forget('a')
      t.is(yield* cache.get('a'), 4)
    }),
  )
})

test('an error is kept for errorTtl, the same object, and by default not at all', (t) => {
  virtual({}, () =>
    nursery(function* () {
      let loads = 0
      const fail = function* (_key: string): Operation<never> {
        yield* sleep(1)
        throw new Error(`${++loads}`)
      }
      const kept = yield* singleFlight(fail, { ttl: 1000, errorTtl: 10 })
      const first = yield* thrownBy(kept.get('a'))
      t.is(yield* thrownBy(kept.get('a')), first)
      yield* sleep(9.5)
      t.is(yield* thrownBy(kept.get('a')), first)
      yield* sleep(0.5)
      t.is(((yield* thrownBy(kept.get('a'))) as Error).message, '2')
      t.is(kept.statistics().hits, 2)
      const not = yield* singleFlight(fail, { ttl: 1000 })
      yield* thrownBy(not.get('a'))
      yield* thrownBy(not.get('a'))
      t.is(loads, 4)
      t.is(not.statistics().entries, 0)
    }),
  )
})

test('the one that began a flight is cancelled while others wait: they get its answer, or its error', (t) => {
  virtual({}, () =>
    nursery(function* () {
      let loads = 0
      const boom = new Error('boom')
      const cache = yield* singleFlight(function* (key: string) {
        loads++
        yield* sleep(10)
        if (key === 'bad') throw boom
        return key
      })
      for (const key of ['good', 'bad']) {
        const first = yield* spawn(() => cache.get(key))
        yield* sleep(1)
        const others = [yield* spawn(() => cache.get(key)), yield* spawn(() => asText(cache.get(key)))] as const
        yield* sleep(1)
        yield* first.cancel()
        t.is(first.state, 'cancelled')
        yield* others[0].cancel()
        t.is(yield* others[1].join(), key === 'good' ? 'good' : 'Error: boom')
      }
      t.is(loads, 2)
      t.is(cache.statistics().flights, 0)
    }),
  )
})

function* asText(op: Operation<string>): Operation<string> {
  try {
    return yield* op
  } catch (error) {
    return String(error)
  }
}

test('whenever the one that began it is cancelled, also before it began, another one gets the answer', (t) => {
  for (let ms = 0; ms <= 12; ms++) {
    virtual({ seed: ms }, () =>
      nursery(function* () {
        let loads = 0
        const cache = yield* singleFlight(function* (key: string) {
          loads++
          yield* sleep(10)
          return key
        })
        const answers = yield* all([() => moveOn(ms, cache.get('a'), 'gone'), () => cache.get('a')])
        t.deepEqual(answers, [ms < 10 ? 'gone' : answers[0], 'a'])
        t.true(loads === 1 || (ms === 0 && loads === 2), `${loads} at ${ms}`)
      }),
    )
  }
})

test('a flight whose last one left is cancelled, awaited, and not joined meanwhile', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const log: string[] = []
      let loads = 0
      const cache = yield* singleFlight(
        function* (_key: string) {
          const id = ++loads
          try {
            yield* sleep(10)
            return id
          } finally {
            yield* sleep(5)
            log.push(`out ${id}`)
          }
        },
        { ttl: 100 },
      )
      yield* spawn(function* () {
        yield* moveOn(5, cache.get('a'))
        t.is(yield* clock(), 10)
      })
      yield* sleep(6)
      t.is(yield* cache.get('a'), 2)
      t.deepEqual(log, ['out 1', 'out 2'])
      t.is(cache.statistics().entries, 1)
    }),
  )
})

test('a Cancelled of another scope that a flight throws is its error, and hurts nobody else', (t) => {
  virtual({}, () =>
    nursery(function* () {
      let old: unknown
      yield* scope(function* (s) {
        yield* s.cancel()
        old = yield* thrownBy(sleep(1))
        throw old
      })
      t.true(old instanceof Cancelled)
      const cache = yield* singleFlight(function* (_key: string) {
        throw old
      })
      t.is(yield* thrownBy(cache.get('a')), old)
      t.is(yield* clock(), 0)
    }),
  )
})

test('what is forgotten while its flight lands is not kept, wherever a step ends', (t) => {
  // A task has so many traps, then others run, even between a trap that does not wait and its answer.
  for (let traps = 235; traps < 262; traps++) {
    const entries = virtual({}, () =>
      nursery(function* () {
        let landing = false
        const cache = yield* singleFlight(
          function* (_key: string) {
            for (let i = 0; i < traps; i++) yield* clock()
            landing = true
          },
          { ttl: 1000 },
        )
        yield* spawn(function* () {
          while (!landing) yield* checkpoint()
          cache.forget('a')
        })
        yield* cache.get('a')
        yield* sleep(1)
        return cache.statistics().entries
      }),
    )
    t.is(entries, 0, `${traps}`)
  }
})

test('a flight for its own key is an error; a cache whose nursery was cancelled says that it is closed', (t) => {
  virtual({}, function* () {
    yield* nursery(function* () {
      const cache = yield* singleFlight(function* (key: string): Operation<string> {
        return yield* cache.get(key)
      })
      t.true((yield* thrownBy(cache.get('a'))) instanceof KernelStateError)
    })
    let asked: unknown
    const outside = yield* spawn(function* () {
      yield* sleep(1)
      asked = yield* thrownBy(cache.get('a'))
    })
    let cache = yield* singleFlight((_key: string) => sleep(100))
    yield* nursery(function* (n) {
      cache = yield* singleFlight((_key: string) => sleep(100))
      yield* sleep(5)
      yield* n.cancel()
      yield* thrownBy(sleep(1))
    })
    yield* outside.join()
    t.true(asked instanceof ClosedError)
    t.true((yield* thrownBy(cache.get('a'))) instanceof ClosedError)
  })
})
