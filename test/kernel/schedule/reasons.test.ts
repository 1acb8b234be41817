/**
 * Reasons: what a delivered `Cancelled` says, and that the first reason stays.
 *
 * A reason is whatever `cancel` was given; of a deadline there is none, the scope says `expired`;
 * siblings of a task that failed get its error as the reason.
 */

import test from 'ava'
import { Cancelled, nursery, type Operation, type Scope, scope, sleep, spawn, started, suppressed } from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, thrownBy } from '../../kit.js'

const FOREVER = Number.POSITIVE_INFINITY

/** What a wait that is cancelled says. */
function* delivered(): Operation<Cancelled> {
  return (yield* thrownBy(sleep(FOREVER))) as Cancelled
}

test('a cancel by hand gives its reason, a deadline none; the scope knows which it was', (t) => {
  covers(t, 'trio cancelled: cancel_reason')
  virtual({}, function* () {
    yield* scope({ name: 'work' }, function* (s) {
      yield* s.cancel('hello')
      const { message, reason } = yield* delivered()
      t.is(message, 'Cannot go on: work was cancelled (hello)')
      t.is(reason, 'hello')
      t.false(s.expired)
    })
    for (const adjust of [(s: Scope) => s.setDeadline(5), (s: Scope) => s.setDeadline(-1)]) {
      yield* scope({ name: 'work' }, function* (s) {
        yield* adjust(s)
        const { message, reason } = yield* delivered()
        t.is(message, 'Cannot go on: work was cancelled')
        t.is(reason, undefined)
        t.true(s.expired)
      })
    }
  })
})

test('a deadline that comes after a cancel changes nothing about its reason', (t) => {
  covers(t, 'trio cancelled: cancel_reason_not_overwritten')
  virtual({ grace: 0 }, () =>
    scope({}, function* (s) {
      yield* s.cancel('first')
      t.is((yield* delivered()).reason, 'first')
      yield* s.setDeadline(-1)
      t.is((yield* delivered()).reason, 'first')
      t.false(s.expired)
    }),
  )
})

test('a cancel that comes after the deadline changes nothing either', (t) => {
  covers(t, 'trio cancelled: cancel_reason_not_overwritten_2')
  virtual({ grace: 0 }, () =>
    scope({ deadline: 0 }, function* (s) {
      t.is((yield* delivered()).reason, undefined)
      t.false(yield* s.cancel('too late'))
      t.is((yield* delivered()).reason, undefined)
      t.true(s.expired)
    }),
  )
})

test('the siblings of a task that failed are told its error, those that start later, too', (t) => {
  covers(t, 'trio cancelled: cancel_reason_nursery')
  const boom = new Error('boom')
  const later = new TypeError('later')
  const error = virtual({}, () =>
    thrownBy(
      nursery(function* (n) {
        yield* n.start(function* () {
          yield* started()
          throw boom
        })
        t.is((yield* delivered()).reason, boom)
        yield* n.start(function* () {
          yield* started()
          t.is((yield* delivered()).reason, boom)
          throw later
        })
      }),
    ),
  )
  t.is(error, boom)
  t.deepEqual(suppressed(error), [later])
})

test('a sibling that was asleep when the other one failed is told its error', (t) => {
  covers(t, 'trio cancelled: cancel_reason_nursery2')
  const boom = new Error('boom')
  const error = virtual({}, () =>
    thrownBy(
      nursery(function* (n) {
        yield* n.start(function* () {
          yield* started()
          yield* waitAllBlocked()
          throw boom
        })
        yield* n.start(function* () {
          yield* started()
          const { reason, message } = yield* delivered()
          t.is(reason, boom)
          t.regex(message, /\(Error: boom\)$/)
          throw new TypeError('later')
        })
      }),
    ),
  )
  t.is(error, boom)
})

for (const [what, peer, body] of [
  [
    'a start that failed',
    'trio cancelled: cancel_reason_nursery3',
    (boom: Error) => nursery((n) => n.start(() => fail(boom))),
  ],
  ['a body that failed', 'trio cancelled: nested_child_source', (boom: Error) => fail(boom)],
] as const) {
  test(`children of a nursery are told the error of ${what}`, (t) => {
    covers(t, peer)
    const boom = new Error('boom')
    let reason: unknown
    const error = virtual({}, () =>
      thrownBy(
        nursery(function* (n) {
          yield* n.spawn(function* () {
            reason = (yield* delivered()).reason
          })
          yield* waitAllBlocked()
          yield* body(boom)
        }),
      ),
    )
    t.is(error, boom)
    t.is(reason, boom)
  })
}

test('a Cancelled made by hand, or a class made from it, cancels nobody: it is a failure', (t) => {
  covers(t, 'trio cancelled: Cancelled_init, Cancelled_subclass')
  class Mine extends Cancelled {}
  for (const error of [new Cancelled({}, 'nothing', undefined), new Mine({}, 'nothing', 'why')]) {
    virtual({}, function* () {
      t.is(yield* thrownBy(scope({}, () => fail(error))), error)
      const outcome = yield* thrownBy(nursery((n) => n.spawn(() => fail(error))))
      t.is(outcome, error)
      const task = yield* spawn(() => thrownBy(() => fail(error)))
      yield* task.join()
      t.is(task.state, 'done')
    })
  }
})
