/**
 * Scopes that change while they are open: deadlines that move, shields that go up and down, and
 * both in the wrong moment.
 *
 * With grace 0 where the rule is that of every wait, with a grace where it is that of one delivery.
 */

import test from 'ava'
import {
  type Cancelled,
  checkpoint,
  clock,
  effectiveDeadline,
  Kernel,
  nursery,
  type Op,
  type Operation,
  type Scope,
  scope,
  sleep,
  spawn,
} from 'drupe'
import { VirtualDriver, virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { give, thrownBy } from '../../kit.js'

const FOREVER = Number.POSITIVE_INFINITY

/** Runs on a clock that the operation can move by hand. */
function withClock<T>(op: (driver: VirtualDriver) => Operation<T>, grace = 0): T {
  const driver = new VirtualDriver()
  const kernel = new Kernel({ driver, grace })
  const result = kernel.runSync(() => op(driver))
  kernel.closeSync()
  return result
}

function* cancelledAt(op: Op<unknown>): Operation<object> {
  return ((yield* thrownBy(op)) as Cancelled).scope
}

test('a deadline counts while its scope is open, wherever it was moved to', (t) => {
  covers(t, 'trio run: basic_timeout')
  withClock(function* (driver) {
    const left = (yield* scope({}, function* (s) {
      t.is(s.deadline, FOREVER)
      yield* s.setDeadline(1)
      t.is(s.deadline, 1)
      return s
    })) as Scope
    driver.advance(2)
    for (let i = 0; i < 3; i++) yield* checkpoint()
    t.false(left.cancelled)

    let kept: Scope | undefined
    yield* scope({ deadline: 3 }, function* (s) {
      kept = s
      driver.advance(2)
      yield* sleep(FOREVER)
    })
    t.true(kept?.cancelled)
    t.true(kept?.expired)
    t.true(kept?.caught)

    yield* scope({}, function* (s) {
      yield* checkpoint()
      yield* s.setDeadline(14)
      driver.advance(5)
      yield* checkpoint()
      yield* s.setDeadline(5)
      t.is(yield* cancelledAt(checkpoint()), s)
      t.is(yield* cancelledAt(checkpoint()), s)
    })
  })
})

test('a deadline that is moved further off lets go of the earlier one, as often as one likes', (t) => {
  covers(t, 'trio run: cancel_scope_deadline_duplicates')
  const driver = new VirtualDriver()
  const kernel = new Kernel({ driver })
  kernel.runSync(() =>
    scope({}, function* (s) {
      for (let i = 0; i < 2000; i++) {
        yield* s.setDeadline(5000)
        yield* s.setDeadline(6000)
      }
      t.is(kernel.statistics.timers, 1)
      yield* sleep(10)
      t.false(s.cancelled)
      yield* s.setDeadline(FOREVER)
      t.is(kernel.statistics.timers, 0)
    }),
  )
  t.is(driver.now(), 10)
  kernel.closeSync()
})

test('a task that never waits for anything but its turn hears of its deadline all the same', (t) => {
  covers(t, 'trio run: yield_briefly_checks_for_timeout')
  withClock(function* (driver) {
    let turns = 0
    yield* scope({ deadline: 5 }, function* () {
      yield* checkpoint()
      driver.advance(10)
      for (; turns < 1000; turns++) yield* checkpoint()
    })
    // The loop looks at the clock after 64 steps at the latest.
    t.true(turns <= 64, `${turns} turns`)
  })
})

test('a shield goes up and comes down while outer and inner scopes are cancelled', (t) => {
  covers(t, 'trio run: cancel_shielding')
  virtual({ grace: 0 }, () =>
    scope({}, function* (outer) {
      yield* scope({}, function* (inner) {
        yield* checkpoint()
        yield* outer.cancel()
        t.is(yield* cancelledAt(checkpoint()), outer)
        t.false(inner.shield)
        yield* inner.setShield(true)
        t.true(inner.shield)
        yield* checkpoint()
        yield* scope({}, function* (innermost) {
          yield* innermost.cancel()
          t.is(yield* cancelledAt(checkpoint()), innermost)
        })
        yield* checkpoint()
        yield* inner.setShield(false)
        t.is(yield* cancelledAt(checkpoint()), outer)
        yield* inner.setShield(true)
        yield* checkpoint()
        // A shield keeps out what comes from outside, and not the scope's own cancel.
        yield* inner.cancel()
        t.is(yield* cancelledAt(checkpoint()), inner)
      })
    }),
  )
})

test('a shield that comes down interrupts who waits behind it', (t) => {
  covers(t, 'trio run: cancel_shield_abort')
  virtual({}, () =>
    scope({}, (outer) =>
      nursery(function* (n) {
        const log: string[] = []
        yield* outer.cancel()
        yield* n.setShield(true)
        yield* n.spawn(function* () {
          log.push('sleeping')
          try {
            yield* sleep(FOREVER)
          } finally {
            log.push('cancelled')
          }
        })
        yield* waitAllBlocked()
        t.deepEqual(log, ['sleeping'])
        yield* n.setShield(false)
        yield* scope({ shield: true }, () => waitAllBlocked())
        t.deepEqual(log, ['sleeping', 'cancelled'])
      }),
    ),
  )
})

test('a shield around a limited time keeps the outer cancel out until it is taken down', (t) => {
  covers(t, 'trio timeouts: context_shields_from_outer')
  virtual({}, () =>
    scope({}, (outer) =>
      scope({ shield: true, deadline: 1000 }, function* (inner) {
        yield* outer.cancel()
        yield* sleep(10)
        yield* inner.setShield(false)
        t.is(yield* cancelledAt(sleep(1)), outer)
      }),
    ),
  )
})

for (const grace of [0, 5000]) {
  test(`with a grace of ${grace} ms a shield that goes up in a cleanup does not stop a cancel on its way out`, (t) => {
    covers(t, 'trio run: unshield_while_cancel_propagating')
    let outer: Scope | undefined
    let inner: Scope | undefined
    virtual({ grace }, function* () {
      yield* scope({}, function* (s) {
        outer = s
        yield* scope({}, function* (s) {
          inner = s
          yield* outer?.cancel() ?? checkpoint()
          try {
            yield* checkpoint()
          } finally {
            yield* inner.setShield(true)
          }
        })
        t.fail('it went on behind the inner scope')
      })
    })
    t.deepEqual([outer?.caught, inner?.caught, inner?.cancelled], [true, false, false])
  })
}

test('of scopes that are cancelled together the outermost decides; one that is left before a wait is not heard', (t) => {
  covers(t, 'trio run: cancel_scope_nesting')
  virtual({ grace: 0 }, function* () {
    const scopes: Scope[] = []
    const nested = (depth: number): Operation<unknown> =>
      scope({}, function* (s) {
        scopes.push(s)
        if (depth > 1) return yield* nested(depth - 1)
        yield* (scopes[2] as Scope).cancel()
        yield* (scopes[1] as Scope).cancel()
        return yield* sleep(FOREVER)
      })
    yield* nested(3)
    t.deepEqual(
      scopes.map((s) => [s.cancelled, s.caught]),
      [
        [false, false],
        [true, true],
        [true, false],
      ],
    )

    const left = (yield* scope({}, function* (s) {
      yield* s.cancel()
      return s
    })) as Scope
    yield* checkpoint()
    t.deepEqual([left.cancelled, left.caught], [true, false])
  })
})

test('cancelling is said once and heard at every wait, like Trio', (t) => {
  covers(t, 'trio run: cancel_edge_cases')
  virtual({ grace: 0 }, () =>
    scope({}, function* (s) {
      t.deepEqual([yield* s.cancel(), yield* s.cancel()], [true, false])
      t.is(yield* cancelledAt(sleep(FOREVER)), s)
      t.is(yield* cancelledAt(sleep(FOREVER)), s)
    }),
  )
})

test('what need not wait is no cancellation point, an empty nursery neither; the end of one with a child is', (t) => {
  covers(t, 'trio run: trivial_yields')
  virtual({ grace: 0 }, function* () {
    const bodies: ((s: Scope) => Operation<unknown>)[] = [
      () => nursery(() => give('empty')),
      (s) => s.cancel(),
      function* (s) {
        yield* s.setDeadline(1)
        yield* clock()
        return 'asked'
      },
    ]
    for (const body of bodies) {
      const reached = yield* scope({}, function* (s) {
        yield* s.cancel()
        yield* body(s)
        return s
      })
      t.false(reached?.caught)
    }
    const waited = yield* scope({}, function* (s) {
      yield* s.cancel()
      yield* nursery((n) => n.spawn(give(1)))
      return 'not reached'
    })
    t.is(waited, undefined)
    // An error is not lost behind the cancel.
    const error = yield* thrownBy(
      scope({}, function* (s) {
        yield* s.cancel()
        yield* nursery(function* () {
          throw new RangeError('mine')
        })
      }),
    )
    t.true(error instanceof RangeError)
  })
})

test('a scope that was kept is neither cancelled again nor entered again', (t) => {
  covers(t, 'trio run: cancel_unbound')
  virtual({}, function* () {
    const left = (yield* scope({}, function* (s) {
      yield* checkpoint()
      return s
    })) as Scope
    t.false(yield* left.cancel())
    yield* left.setDeadline(0)
    yield* left.setShield(true)
    yield* checkpoint()
    t.deepEqual([left.cancelled, left.caught], [false, false])

    // An operation that was cancelled before it began begins, and gets the cancel at its first
    // wait.
    const late = yield* spawn(function* () {
      yield* scope({}, () => sleep(FOREVER))
    })
    yield* late.cancel('before it began')
    t.is(late.state, 'cancelled')
  })
})

test('the effective deadline is the earliest around the task, up to the first shield', (t) => {
  covers(t, 'trio run: current_effective_deadline')
  virtual({}, function* () {
    const is = function* (at: number): Operation<void> {
      t.is(yield* effectiveDeadline(), at)
    }
    yield* is(FOREVER)
    yield* scope({ deadline: 50 }, (outer) =>
      scope({ deadline: 80 }, function* (inner) {
        yield* is(50)
        yield* inner.setDeadline(20)
        yield* is(20)
        yield* inner.setDeadline(80)
        yield* is(50)
        yield* inner.setShield(true)
        yield* is(80)
        yield* inner.setShield(false)
        // A child is in the scopes around its nursery and in no other.
        yield* nursery((n) => n.spawn(() => is(50)))
        yield* spawn(() => is(FOREVER))
        yield* outer.cancel()
        yield* is(-FOREVER)
        yield* inner.setShield(true)
        yield* is(80)
      }),
    )
    yield* is(FOREVER)
  })
})
