/**
 * The suites of this room once more, with every nested operation in a frame of its own.
 */
import test from 'ava'
import type { Operation } from 'drupe'
import { virtual } from 'drupe/testing'
import '../../frames.js'
import './cancel.test.js'
import './cleanup.test.js'
import './family.test.js'
import './grace.test.js'
import './nursery-life.test.js'
import './nursery.test.js'
import '../../traps/scope/scope.test.js'
import '../../traps/scope/shield.test.js'
import './suspend.test.js'
import './task.test.js'
import '../../traps/raw/time.test.js'
import '../../traps/scope/timeout.test.js'

function* count(n: number): Operation<number> {
  return n === 0 ? 0 : (yield* count(n - 1)) + 1
}

test('here yield* makes a frame, so that it may go deeper than the stack', (t) => {
  t.is(
    virtual({}, () => count(100_000)),
    100_000,
  )
})
