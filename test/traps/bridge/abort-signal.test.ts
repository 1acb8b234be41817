/**
 * Abort signals: `withSignal` is cancelled by one, `signal()` is one of the current scope.
 */

import { AbortController as PackageController } from 'abort-controller'
import test from 'ava'
import {
  type AbortSignalLike,
  Cancelled,
  clock,
  moveOn,
  nursery,
  type Operation,
  run,
  scope,
  shield,
  signal,
  sleep,
  spawn,
  until,
  withSignal,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

/** A signal that counts its listeners. */
function counted(): { signal: AbortSignal; abort: (reason?: unknown) => void; listeners: () => number } {
  const controller = new AbortController()
  const { signal } = controller
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: unknown[]) => {
    listeners++
    Reflect.apply(addEventListener, signal, args)
  }
  signal.removeEventListener = (...args: unknown[]) => {
    listeners--
    Reflect.apply(removeEventListener, signal, args)
  }
  return { signal, abort: (reason) => controller.abort(reason), listeners: () => listeners }
}

test('withSignal: an abort cancels the operation, and its reason is thrown after the cleanup', (t) => {
  const { signal, abort, listeners } = counted()
  const boom = new Error('the client has left')
  const log: unknown[] = []
  const [error, end] = virtual({}, function* () {
    yield* spawn(function* () {
      yield* sleep(10)
      abort(boom)
    })
    const error = yield* thrownBy(
      withSignal(signal, function* () {
        try {
          yield* sleep(1000)
        } catch (error) {
          log.push(error instanceof Cancelled, (error as Cancelled).reason)
          yield* sleep(5)
          throw error
        }
      }),
    )
    return [error, yield* clock()]
  })
  t.is(error, boom)
  t.deepEqual(log, [true, boom])
  t.is(end, 15)
  t.is(listeners(), 0)
})

test('withSignal: an abort while the kernel sleeps in the host wakes it', async (t) => {
  const controller = new AbortController()
  const error = await run(function* () {
    // After this turn, when the kernel has gone to rest.
    setImmediate(() => controller.abort('now'))
    return yield* thrownBy(withSignal(controller.signal, sleep(60_000)))
  })
  t.is(error, 'now')
})

test('withSignal: aborted already, the operation is not begun', (t) => {
  let begun = false
  const error = virtual({}, () =>
    thrownBy(
      withSignal(AbortSignal.abort('before'), function* () {
        begun = true
      }),
    ),
  )
  t.is(error, 'before')
  t.false(begun)
})

test('withSignal: result and error of the operation pass, and no listener stays on a long-lived signal', (t) => {
  const { signal, listeners } = counted()
  virtual({}, function* () {
    for (let i = 0; i < 100; i++) {
      t.is(yield* withSignal(signal, give(i)), i)
      t.is(yield* thrownBy(withSignal(signal, fail('boom'))), 'boom')
      yield* moveOn(1, withSignal(signal, sleep(1000)))
    }
  })
  t.is(listeners(), 0)
})

test('withSignal: an operation that finishes all the same has its result', (t) => {
  const controller = new AbortController()
  const result = virtual({}, () =>
    withSignal(controller.signal, function* () {
      controller.abort()
      try {
        yield* sleep(1000)
      } catch {}
      return 'finished'
    }),
  )
  t.is(result, 'finished')
})

test('withSignal: an abort after the end does nothing', (t) => {
  const controller = new AbortController()
  const result = virtual({}, function* () {
    yield* withSignal(controller.signal, sleep(5))
    controller.abort()
    yield* sleep(5)
    return 'went on'
  })
  t.is(result, 'went on')
})

test('withSignal: two around each other, and each throws its own reason', (t) => {
  const outer = new AbortController()
  const inner = new AbortController()
  const log: unknown[] = []
  virtual({}, function* () {
    yield* spawn(function* () {
      yield* sleep(5)
      inner.abort('inner')
      yield* sleep(5)
      outer.abort('outer')
    })
    const error = yield* thrownBy(
      withSignal(outer.signal, function* () {
        log.push(yield* thrownBy(withSignal(inner.signal, sleep(1000))))
        yield* sleep(1000)
      }),
    )
    log.push(error)
  })
  t.deepEqual(log, ['inner', 'outer'])
})

test('withSignal: signals of the abort-controller package, which have no reason', (t) => {
  const controller = new PackageController()
  const error = virtual({}, function* () {
    yield* spawn(function* () {
      yield* sleep(5)
      controller.abort()
    })
    return yield* thrownBy(withSignal(controller.signal as AbortSignalLike, sleep(1000)))
  })
  t.is((error as Error).name, 'AbortError')
})

test('signal: aborted when the scope around it is cancelled, with the reason', (t) => {
  const reason = new Error('enough')
  const signals = virtual({}, function* () {
    const signals: AbortSignal[] = []
    yield* scope({}, function* (s) {
      signals.push(yield* signal())
      yield* moveOn(10, function* () {
        signals.push(yield* signal())
        yield* sleep(1000)
      })
      t.deepEqual(
        signals.map(({ aborted }) => aborted),
        [false, true],
      )
      yield* s.cancel(reason)
    })
    return signals
  })
  t.true(signals[0]?.aborted)
  t.is(signals[0]?.reason, reason)
  t.is((signals[1] as AbortSignal).reason.name, 'AbortError')
})

test('signal: a cancel from further out counts, and one behind a shield does not', (t) => {
  const log: boolean[] = []
  virtual({}, () =>
    moveOn(10, () =>
      nursery(function* (n) {
        yield* n.spawn(function* () {
          const mine = yield* signal()
          mine.addEventListener('abort', () => log.push(true))
          yield* sleep(1000)
        })
        yield* shield(function* () {
          const mine = yield* signal()
          yield* sleep(20)
          log.push(mine.aborted)
        })
      }),
    ),
  )
  t.deepEqual(log, [true, false])
})

test('signal: in a task without scopes it is the task’s own, and its siblings have others', (t) => {
  const aborted = virtual({}, function* () {
    const signals: AbortSignal[] = []
    function* worker(): Operation<void> {
      signals.push(yield* signal())
      yield* sleep(20)
    }
    const task = yield* spawn(worker)
    yield* spawn(worker)
    yield* sleep(5)
    yield* task.cancel('you')
    return signals.map(({ aborted }) => aborted)
  })
  t.deepEqual(aborted, [true, false])
})

test('signal: one for each scope, however often it is asked for', (t) => {
  virtual({}, function* () {
    const mine = yield* signal()
    t.is(yield* signal(), mine)
    t.not(yield* scope({}, signal), mine)
  })
})

test('signal: the end of a scope without a cancel does not abort', (t) => {
  covers(t, 'effection abort-signal: aborts whenever it passes out of scope')
  const mine = virtual({}, () => nursery(signal))
  t.false(mine.aborted)
})

test('signal: asked for in a cancelled scope before that is delivered, it is aborted', (t) => {
  virtual({}, function* () {
    yield* scope({}, function* (s) {
      yield* s.cancel('why')
      const mine = yield* signal()
      t.true(mine.aborted)
      t.is(mine.reason, 'why')
    })
  })
})

test('signal: cleanup gets a fresh one, which is aborted when the grace is over', (t) => {
  const log: unknown[] = []
  virtual({ grace: 50 }, () =>
    moveOn(10, function* () {
      const before = yield* signal()
      try {
        yield* sleep(1000)
      } finally {
        const fresh = yield* signal()
        fresh.addEventListener('abort', () => log.push('aborted'))
        log.push(before.aborted, fresh.aborted)
        try {
          yield* sleep(1000)
        } finally {
          log.push(fresh.aborted, yield* clock())
        }
      }
    }),
  )
  t.deepEqual(log, [true, false, 'aborted', true, 60])
})

test('both ways at once: a signal that comes in goes out as another', async (t) => {
  const controller = new AbortController()
  const error = await run(() =>
    thrownBy(
      withSignal(controller.signal, function* () {
        const handed = yield* signal()
        queueMicrotask(() => controller.abort('through'))
        yield* until(new Promise((_, reject) => handed.addEventListener('abort', () => reject(handed.reason))))
      }),
    ),
  )
  t.is(error, 'through')
})

test('signal: a task behind a shield can look whether it is cancelled', (t) => {
  covers(t, 'curio kernel: task_cancel_poll')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const task = yield* spawn(function* () {
      const mine = yield* signal()
      yield* shield(function* () {
        log.push(mine.aborted)
        yield* sleep(10)
        log.push(mine.aborted)
      })
    })
    yield* sleep(5)
    yield* task.cancel()
    log.push(`out at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, [false, true, 'out at 10'])
})

test('withSignal: a signal has one listener, however many operations run under it, and none after them', async (t) => {
  const { signal, listeners } = counted()
  const most = await run(function* () {
    const tasks = []
    for (let i = 0; i < 30; i++) tasks.push(yield* spawn(withSignal(signal, sleep(5 + (i % 3)))))
    yield* sleep(1)
    const most = listeners()
    for (const task of tasks) yield* task.join()
    return most
  })
  t.is(most, 1)
  t.is(listeners(), 0)
})

test('withSignal: one abort cancels all operations under the signal', (t) => {
  const { signal, abort } = counted()
  const reasons = virtual({}, function* () {
    const tasks = []
    for (let i = 0; i < 3; i++) tasks.push(yield* spawn(() => thrownBy(withSignal(signal, sleep(1000)))))
    yield* sleep(1)
    abort('enough')
    const reasons = []
    for (const task of tasks) reasons.push(yield* task.join())
    return reasons
  })
  t.deepEqual(reasons, ['enough', 'enough', 'enough'])
})

test('withSignal: whatever a signal is aborted with is thrown, null and false, too', (t) => {
  for (const reason of [null, false, 0, '']) {
    const { signal, abort } = counted()
    const error = virtual({}, function* () {
      yield* spawn(function* () {
        yield* sleep(1)
        abort(reason)
      })
      return yield* thrownBy(withSignal(signal, sleep(1000)))
    })
    t.is(error, reason)
  }
})
