/**
 * `shield`: keeping cancels out until it is left; and cleanup that is complete and in order through many levels.
 *
 * The last tests are what Effection's halt loses (#1190): a cancel through `yield*` with waiting `finally` blocks.
 */

import test from 'ava'
import {
  Cancelled,
  checkpoint,
  clock,
  moveOn,
  nursery,
  type Operation,
  scope,
  shield,
  sleep,
  spawn,
  timeout,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

test('a shield keeps an outer cancel out until it is left', (t) => {
  covers(t, 'trio run: cancel_shielding', 'curio task: defer_cancellation')
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* moveOn(10, function* () {
      yield* shield(function* () {
        yield* sleep(30)
        log.push(`whole at ${yield* clock()}`)
      })
      log.push('left')
      yield* sleep(0)
      log.push('too far')
    })
    log.push(`out at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, ['whole at 30', 'left', 'out at 30'])
})

test('a shield returns and throws what its operation does', (t) => {
  covers(t, 'curio task: disable_cancellation_function')
  virtual({}, function* () {
    t.is(yield* shield(give('result')), 'result')
    t.is(yield* thrownBy(shield(() => fail('error'))), 'error')
  })
})

test('a shield that is entered in a cancelled scope shields', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* scope({ grace: 0 }, function* (s) {
      yield* s.cancel()
      yield* shield(function* () {
        yield* sleep(10)
        log.push('whole')
      })
      yield* sleep(1)
      log.push('too far')
    })
    return log
  })
  t.deepEqual(log, ['whole'])
})

test('a shield does not keep out a cancel from within', (t) => {
  covers(t, 'trio timeouts: move_on_after_moves_on_even_if_shielded')
  virtual({}, function* () {
    yield* shield(function* () {
      t.is(yield* moveOn(10, sleep(1000), 'inner'), 'inner')
    })
    yield* scope({ shield: true }, function* (s) {
      yield* s.cancel()
      yield* sleep(1000)
    })
    yield* scope({ shield: true, deadline: 20 }, () => sleep(1000))
    t.is(yield* clock(), 20)
  })
})

test('a shield keeps the cancel from children, too, and they hear of it behind it', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* moveOn(10, function* () {
      yield* shield(() =>
        nursery(function* (n) {
          yield* n.spawn(function* () {
            yield* sleep(50)
            log.push('child')
          })
        }),
      )
      yield* checkpoint()
      log.push('too far')
    })
    return log
  })
  t.deepEqual(log, ['child'])
})

test('a shielded task in a cancelled nursery keeps the nursery, its siblings go', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* moveOn(10, () =>
      nursery(function* (n) {
        yield* n.spawn(function* () {
          yield* shield(sleep(30))
          log.push(`shielded at ${yield* clock()}`)
          yield* sleep(1)
          log.push('too far')
        })
        yield* n.spawn(function* () {
          try {
            yield* sleep(1000)
          } finally {
            log.push(`sibling at ${yield* clock()}`)
          }
        })
      }),
    )
    log.push(`out at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, ['sibling at 10', 'shielded at 30', 'out at 30'])
})

test('a cancel of the middle scope, between two shields, reaches what it should', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* shield(() =>
      scope({}, function* (middle) {
        yield* spawn(function* () {
          yield* sleep(5)
          yield* middle.cancel()
        })
        yield* shield(function* () {
          yield* sleep(10)
          log.push('inner shield held')
        })
        yield* sleep(1000)
        log.push('too far')
      }),
    )
    log.push(`out at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, ['inner shield held', 'out at 10'])
})

test('five levels of yield* with waiting finally blocks: every cleanup once, in order, and nobody carries on', (t) => {
  covers(t, 'effection run: halts task when halted generator; can suspend in yielded finally block')
  const log = virtual({}, function* () {
    const log: string[] = []
    function* level(n: number): Operation<string> {
      try {
        if (n === 5) yield* sleep(1000)
        else log.push(yield* level(n + 1))
        log.push(`carried on in ${n}`)
        return `result of ${n}`
      } finally {
        yield* sleep(1)
        yield* checkpoint()
        log.push(`clean ${n}`)
      }
    }
    log.push(String(yield* moveOn(10, level(1), 'fallback')))
    log.push(`at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, ['clean 5', 'clean 4', 'clean 3', 'clean 2', 'clean 1', 'fallback', 'at 15'])
})

test('a cancel that arrives during a finally does not drop what is left of it', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    function* inner(): Operation<void> {
      try {
        yield* sleep(5)
      } finally {
        log.push('begun')
        try {
          yield* sleep(100)
        } finally {
          yield* sleep(1)
          log.push('inner finally')
        }
        log.push('not reached')
      }
    }
    yield* moveOn(20, function* () {
      try {
        yield* inner()
        log.push('carried on')
      } finally {
        yield* sleep(1)
        log.push('outer finally')
      }
    })
    return log
  })
  t.deepEqual(log, ['begun', 'inner finally', 'outer finally'])
})

test('a scope’s time does not run on after it was left', (t) => {
  virtual({}, function* () {
    yield* timeout(10, give(1))
    yield* scope({ deadline: 10 }, () => give(1))
    yield* sleep(100)
    t.is(yield* clock(), 100)
  })
})

test('a Cancelled that is thrown by hand passes through shields like any error', (t) => {
  covers(t, 'curio task: explicit_raise_cancel_disable, disable_cancellation_explicit_raise')
  virtual({}, function* () {
    const mine = new Cancelled({}, 'nobody', undefined)
    const log: unknown[] = []
    yield* moveOn(10, function* () {
      log.push(
        yield* thrownBy(
          shield(() =>
            shield(function* () {
              yield* sleep(20)
              throw mine
            }),
          ),
        ),
      )
      // The cancel that waited outside is not lost by that.
      log.push(((yield* thrownBy(checkpoint())) as Cancelled) === mine)
    })
    t.deepEqual(log, [mine, false])
  })
})
