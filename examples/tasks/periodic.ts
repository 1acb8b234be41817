/**
 * A callback every so often: on a grid that does not drift, with a policy for ticks that are
 * missed.
 *
 * Start it: `npm run example -- periodic`. `interval` starts each run a period after the last one
 * began, however long that took; `sleep` in a loop adds the work to the pause. Here the clock is
 * virtual, so it takes no time and always prints the same. Try `{ late: 'burst' }`.
 */
import { clock, interval, moveOn, type Operation, sleep } from 'drupe'
import { virtual } from 'drupe/testing'

function* work(): Operation<string> {
  yield* sleep(30)
  return `at ${yield* clock()} ms`
}

function* drifting(): Operation<never> {
  for (;;) {
    yield* sleep(100)
    console.log(`sleep:    done ${yield* work()}`)
  }
}

virtual({}, function* () {
  yield* moveOn(500, drifting())
})
virtual({}, function* () {
  const task = interval(100, function* () {
    console.log(`interval: done ${yield* work()}`)
  })
  yield* moveOn(500, task)
})
virtual({}, function* () {
  let runs = 0
  const task = interval(100, function* (ticks) {
    console.log(`late:     run ${++runs} stands for ${ticks} tick(s), at ${yield* clock()} ms`)
    if (runs === 1) yield* sleep(250)
  })
  yield* moveOn(650, task)
})
