/**
 * A law of the rate limiter: in no span of time come more through than its burst and its rate allow.
 */
import test from 'ava'
import { clock, nursery, RateLimiter, sleep } from 'drupe'
import { virtual } from 'drupe/testing'
import fc from 'fast-check'

test('a rate limiter never lets more through than burst and rate', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(40), { maxLength: 30 }),
      (count, burst, pauses) => {
        virtual({}, function* () {
          const limiter = new RateLimiter(count, 10, { burst })
          const times: number[] = []
          yield* nursery(function* (n) {
            for (const ms of pauses) {
              yield* n.spawn(function* () {
                yield* sleep(ms)
                yield* limiter.acquire()
                times.push(yield* clock())
              })
            }
          })
          for (let i = 0; i < times.length; i++) {
            for (let j = i; j < times.length; j++) {
              const most = burst + (((times[j] as number) - (times[i] as number)) * count) / 10
              if (j - i + 1 > most + 1e-6) t.fail(`${j - i + 1} in ${times[i]}..${times[j]}`)
            }
          }
        })
      },
    ),
    { seed: 5, numRuns: 60 },
  )
  t.pass()
})
