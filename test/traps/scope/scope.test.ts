/**
 * `scope` and `shield`: cancelling a region as one, and keeping cancels out of it.
 *
 * Also that cleanup is complete and in order through many levels of `yield*`: what Effection's halt loses (#1190).
 */

import test from 'ava'
import { type Cancelled, checkpoint, clock, moveOn, nursery, type Scope, scope, shield, sleep, spawn } from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { give, thrownBy } from '../../kit.js'

test('a scope returns what its body returned', (t) => {
  t.is(
    virtual(
      {},
      scope({}, () => give('result')),
    ),
    'result',
  )
})

test('cancelled by hand it ends without an error and returns undefined', (t) => {
  covers(t, 'trio cancelled: cancel_reason')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const result = yield* scope({}, function* (s) {
      log.push(s.cancelled)
      log.push(yield* s.cancel('enough'), yield* s.cancel('again'), s.cancelled, s.reason)
      log.push('still here')
      try {
        yield* sleep(1000)
      } catch (error) {
        log.push((error as Cancelled).scope === s, (error as Cancelled).reason)
        throw error
      }
      return 'too far'
    })
    log.push(result, yield* clock())
    return log
  })
  t.deepEqual(log, [false, true, false, true, 'enough', 'still here', true, 'enough', undefined, 0])
})

test('another task cancels it', (t) => {
  t.is(
    virtual({}, function* () {
      yield* scope({}, function* (s) {
        yield* spawn(function* () {
          yield* sleep(10)
          yield* s.cancel()
        })
        yield* sleep(1000)
      })
      return yield* clock()
    }),
    10,
  )
})

test('a body that never waits again is not cancelled: its result counts', (t) => {
  virtual({}, function* () {
    const result = yield* scope({}, function* (s) {
      yield* s.cancel()
      return 'whole'
    })
    t.is(result, 'whole')
  })
})

test('cancelling a scope that is over says false and touches nobody', (t) => {
  covers(t, 'trio run: cancel_unbound')
  virtual({}, function* () {
    let kept: Scope | undefined
    yield* scope({}, function* (s) {
      kept = s
      yield* checkpoint()
    })
    t.false(yield* (kept as Scope).cancel())
    yield* sleep(1)
    t.is(yield* clock(), 1)
  })
})

test('the outer scope is not cancelled with the inner, the inner is with the outer', (t) => {
  covers(t, 'trio run: cancel_scope_nesting')
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* scope({ name: 'outer' }, function* (outer) {
      yield* scope({ name: 'inner' }, function* (inner) {
        yield* inner.cancel()
        yield* sleep(1000)
      })
      log.push('inner left')
      yield* sleep(1)
      yield* scope({ name: 'inner' }, function* (inner) {
        yield* outer.cancel()
        const error = (yield* thrownBy(sleep(1000))) as Cancelled
        log.push(error.scope === outer ? 'outer' : error.scope === inner ? 'inner' : '?')
        log.push(error.message)
        throw error
      })
      log.push('too far')
    })
    log.push('outer left')
    return log
  })
  t.deepEqual(log, ['inner left', 'outer', 'Cannot go on: outer was cancelled', 'outer left'])
})

test('with inner and outer cancelled the outer is what is thrown', (t) => {
  virtual({}, function* () {
    let who = ''
    const result = yield* scope({}, function* (outer) {
      const result = yield* scope({}, function* (inner) {
        yield* inner.cancel()
        yield* outer.cancel()
        const error = (yield* thrownBy(sleep(1))) as Cancelled
        who = error.scope === outer ? 'outer' : 'inner'
        throw error
      })
      return `inner gave ${result}`
    })
    t.is(who, 'outer')
    t.is(result, undefined)
  })
})

test('a deadline cancels it; it knows so', (t) => {
  virtual({}, function* () {
    yield* scope({ deadline: 10 }, function* (s) {
      t.is(s.deadline, 10)
      yield* thrownBy(sleep(1000))
      t.true(s.cancelled)
      t.true(s.expired)
      t.is(s.reason, undefined)
    })
    yield* scope({ deadline: 1000 }, function* (s) {
      yield* s.cancel()
      t.true(s.cancelled)
      t.false(s.expired)
    })
    t.is(yield* clock(), 10)
  })
})

test('bad options are errors, and leave nothing broken', (t) => {
  covers(t, 'trio run: cancel_scope_validation')
  virtual({}, function* () {
    for (const options of [{ deadline: Number.NaN }, { grace: -1 }, { grace: Number.NaN }]) {
      t.true((yield* thrownBy(() => scope(options, () => give(1)))) instanceof RangeError, JSON.stringify(options))
      t.true((yield* thrownBy(() => nursery(() => give(1), options))) instanceof RangeError, JSON.stringify(options))
    }
    t.is(yield* moveOn(10, sleep(1000), 'timers work'), 'timers work')
  })
})

test('tasks that were spawned into the surrounding nursery are not in the scope', (t) => {
  virtual({}, function* () {
    const child = yield* moveOn(10, function* () {
      yield* spawn(sleep(50), { name: 'survivor' })
      yield* sleep(1000)
    })
    t.is(child, undefined)
    t.is(yield* clock(), 10)
    yield* sleep(0)
  })
})

test('a task that cancels a scope of its own sees it at once, hears of it at its next wait, and cannot take it back', (t) => {
  covers(t, 'curio task: set_cancellation')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    yield* scope({}, function* (s) {
      log.push(s.cancelled)
      yield* s.cancel('over')
      log.push(s.cancelled, yield* clock())
      yield* shield(sleep(5))
      log.push('behind the shield')
      const error = (yield* thrownBy(sleep(1))) as Cancelled
      log.push(error.reason, s.caught)
      throw error
    })
    return log
  })
  t.deepEqual(log, [false, true, 0, 'behind the shield', 'over', false])
})

test('a scope catches its own Cancelled and nothing that looks like a group of them', (t) => {
  covers(t, 'trio run: cancel_scope_no_cancellederror')
  const group = new AggregateError([new Error('one'), new Error('two')], 'test')
  virtual({}, function* () {
    let kept: Scope | undefined
    const error = yield* thrownBy(
      scope({}, function* (s) {
        kept = s
        yield* s.cancel()
        throw group
      }),
    )
    t.is(error, group)
    t.deepEqual([kept?.cancelled, kept?.caught], [true, false])
  })
})

test('a scope says what it is and how it stands', (t) => {
  covers(t, 'trio run: cancel_scope_repr')
  virtual({}, function* () {
    const standing = ({ name, deadline, cancelled, expired, caught }: Scope): unknown[] => [
      name,
      deadline,
      cancelled,
      expired,
      caught,
    ]
    let kept: Scope | undefined
    yield* scope({ name: 'work' }, function* (s) {
      kept = s
      t.deepEqual(standing(s), ['work', Number.POSITIVE_INFINITY, false, false, false])
      yield* s.setDeadline(10)
      t.deepEqual(standing(s), ['work', 10, false, false, false])
      yield* s.cancel()
      t.deepEqual(standing(s), ['work', 10, true, false, false])
      yield* sleep(1)
    })
    t.deepEqual(standing(kept as Scope), ['work', 10, true, false, true])
  })
})
