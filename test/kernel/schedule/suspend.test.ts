/**
 * `suspend` and `until`: waiting for host code. Called back at once, later, twice, never, or after the task has left.
 *
 * The abort protocol is Trio's: asked at most once per wait; *withdrawn* (anything but false), or *the callback will still
 * come* (false), and then it is the callback that resumes the task, whatever it brings.
 */

import test from 'ava'
import {
  Cancelled,
  checkpoint,
  clock,
  DeadlockError,
  moveOn,
  shield,
  sleep,
  spawn,
  suspend,
  TimeoutError,
  timeout,
  until,
} from 'drupe'
import { park, WaitQueue } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { MODES, thrown, thrownBy, withKernel } from '../../kit.js'

type Resolve = (value: unknown) => void

test('a callback that comes at once is the answer', (t) => {
  virtual({}, function* () {
    t.is(yield* suspend<unknown>((resolve) => resolve('at once')), 'at once')
    t.is(yield* thrownBy(suspend((_, reject) => reject('no'))), 'no')
    t.is(yield* clock(), 0)
  })
})

test('another task may call back', (t) => {
  covers(t, 'trio run: reschedule')
  virtual({}, function* () {
    let resolve: Resolve = () => {}
    const waiter = yield* spawn(suspend<unknown>((r) => void (resolve = r)))
    yield* sleep(5)
    t.is(waiter.state, 'waiting')
    resolve('later')
    t.is(yield* waiter.join(), 'later')
  })
})

test('the first call counts, of both', (t) => {
  virtual({}, function* () {
    t.is(
      yield* suspend<unknown>((resolve, reject) => {
        resolve('first')
        resolve('second')
        reject('third')
      }),
      'first',
    )
    t.is(
      yield* thrownBy(
        suspend<unknown>((resolve, reject) => {
          reject('first')
          resolve('second')
        }),
      ),
      'first',
    )
    yield* sleep(1)
  })
})

test('what begin throws is thrown by suspend', (t) => {
  covers(t, 'effection run: handles error in entering suspend point')
  const boom = new Error('boom')
  virtual({}, function* () {
    t.is(
      yield* thrownBy(
        suspend(() => {
          throw boom
        }),
      ),
      boom,
    )
    t.is(
      yield* thrownBy(
        suspend((resolve) => {
          resolve(undefined)
          throw boom
        }),
      ),
      boom,
    )
  })
})

test('callbacks of a begin that threw do not wake the task out of another wait', (t) => {
  withKernel({}, (kernel) => {
    kernel.runSync(function* () {
      let stray: Resolve = () => {}
      yield* thrownBy(
        suspend<unknown>((resolve) => {
          stray = resolve
          throw new Error('boom')
        }),
      )
      yield* spawn(function* () {
        stray('stray')
      })
      t.is(yield* moveOn(10, park(new WaitQueue()), 'undisturbed'), 'undisturbed')
      t.is(kernel.statistics.suspended, 0)
    })
  })
})

test('callbacks that come too late do nothing: after the answer, after a cancel, after the end', (t) => {
  virtual({}, function* () {
    const late: Resolve[] = []
    const begin = (resolve: Resolve): void => void late.push(resolve)
    const waiter = yield* spawn(function* () {
      yield* thrownBy(timeout(5, suspend<unknown>(begin)))
      return yield* moveOn(100, park(new WaitQueue()), 'undisturbed')
    })
    yield* sleep(10)
    for (const resolve of late) resolve('late')
    t.is(yield* waiter.join(), 'undisturbed')
    for (const resolve of late) resolve('later still')
    yield* sleep(1)
  })
})

test('a cancelled suspend calls its abort function, once, and throws', (t) => {
  virtual({}, function* () {
    let aborted = 0
    const error = yield* thrownBy(
      timeout(
        5,
        suspend(() => () => void aborted++),
      ),
    )
    t.true(error instanceof TimeoutError)
    t.is(aborted, 1)
    t.is(yield* clock(), 5)
  })
})

test('an answered suspend does not call its abort function', (t) => {
  virtual({}, function* () {
    let aborted = 0
    for (const delay of [0, 5]) {
      let resolve: Resolve = () => {}
      yield* spawn(function* () {
        yield* sleep(delay)
        resolve('')
      })
      yield* timeout(
        100,
        suspend<unknown>((r) => {
          resolve = r
          return () => void aborted++
        }),
      )
    }
    t.is(aborted, 0)
  })
})

test('abort says false: the callback will come, and its result wins over the cancel', (t) => {
  covers(t, 'trio run: failed_abort')
  virtual({}, function* () {
    let resolve: Resolve = () => {}
    yield* spawn(function* () {
      yield* sleep(50)
      resolve('came after all')
    })
    const log: unknown[] = []
    yield* moveOn(10, function* () {
      log.push(
        yield* suspend<unknown>((r) => {
          resolve = r
          return () => false
        }),
        yield* clock(),
      )
      log.push(((yield* thrownBy(sleep(1))) as Error).name)
    })
    t.deepEqual(log, ['came after all', 50, 'Cancelled'])
  })
})

test('abort says false and the callback rejects: the task gets that error', (t) => {
  covers(t, 'trio run: slow_abort_basic')
  virtual({}, function* () {
    let reject: (error: unknown) => void = () => {}
    yield* spawn(function* () {
      yield* sleep(50)
      reject('gave up')
    })
    const error = yield* thrownBy(
      moveOn(
        10,
        suspend((_, r) => {
          reject = r
          return () => false
        }),
      ),
    )
    t.is(error, 'gave up')
  })
})

test('abort is asked at most once per wait, even when the grace runs out or another scope is cancelled', (t) => {
  covers(t, 'trio run: slow_abort_edge_cases')
  virtual({ grace: 10 }, function* () {
    let asked = 0
    let resolve: Resolve = () => {}
    yield* spawn(function* () {
      yield* sleep(100)
      resolve('at last')
    })
    const result = yield* moveOn(20, () =>
      moveOn(
        5,
        suspend<unknown>((r) => {
          resolve = r
          return () => {
            asked++
            return false
          }
        }),
      ),
    )
    t.is(result, 'at last')
    t.is(asked, 1)
  })
})

test('abort may call back itself', (t) => {
  virtual({}, function* () {
    t.is(
      yield* timeout(
        5,
        suspend<unknown>((resolve) => () => resolve('partial result')),
      ),
      'partial result',
    )
    t.is(
      yield* thrownBy(
        timeout(
          5,
          suspend((_, reject) => () => reject('my own error')),
        ),
      ),
      'my own error',
    )
  })
})

test('a suspend behind a shield is not aborted', (t) => {
  covers(t, 'trio run: cancel_shield_abort')
  virtual({}, function* () {
    let aborted = false
    let resolve: Resolve = () => {}
    yield* spawn(function* () {
      yield* sleep(50)
      resolve('whole')
    })
    const result = yield* moveOn(
      10,
      shield(
        suspend<unknown>((r) => {
          resolve = r
          return () => void (aborted = true)
        }),
      ),
    )
    t.is(result, 'whole')
    t.false(aborted)
  })
})

test('a cancelled task does not even begin', (t) => {
  virtual({}, function* () {
    let begun = false
    const task = yield* spawn(function* () {
      yield* suspend(() => void (begun = true))
    })
    yield* task.cancel()
    t.false(begun)
  })
})

test('suspended tasks are counted, and only while they are', (t) => {
  withKernel({}, (kernel) => {
    kernel.runSync(function* () {
      const resolves: Resolve[] = []
      for (let i = 0; i < 3; i++) yield* spawn(suspend<unknown>((r) => void resolves.push(r)))
      yield* checkpoint()
      t.is(kernel.statistics.suspended, 3)
      for (const resolve of resolves) resolve('')
      t.is(kernel.statistics.suspended, 0)
      yield* checkpoint()
    })
  })
})

test('nobody left to call back is a deadlock in a blocking run', (t) => {
  const error = thrown(() => virtual({}, until(Promise.resolve(1))))
  t.true(error instanceof DeadlockError)
  t.regex((error as Error).message, /suspend/)
})

for (const mode of MODES.filter(({ hosted }) => hosted)) {
  test(`${mode.name}: until waits for promises`, async (t) => {
    const boom = new Error('boom')
    const log = await mode.run(function* () {
      const log: unknown[] = []
      log.push(yield* until(Promise.resolve('resolved')))
      log.push(yield* thrownBy(until(Promise.reject(boom))))
      log.push(yield* until(new Promise((resolve) => setTimeout(resolve, 0, 'later'))))
      log.push(yield* until(async () => 'from a function'))
      log.push(yield* until({ then: (resolve: (value: string) => void) => resolve('thenable') } as PromiseLike<string>))
      return log
    })
    t.deepEqual(log, ['resolved', boom, 'later', 'from a function', 'thenable'])
  })

  test(`${mode.name}: a cancelled until aborts its signal, and nobody hears of the promise any more`, async (t) => {
    let signal: AbortSignal | undefined
    const result = await mode.run(function* () {
      return yield* moveOn(
        5,
        until(
          (s) =>
            new Promise((_, reject) => {
              signal = s
              s.addEventListener('abort', () => reject(s.reason))
            }),
        ),
        'moved on',
      )
    })
    t.is(result, 'moved on')
    t.true(signal?.aborted)
  })

  test(`${mode.name}: a function that throws instead of returning a promise throws through until`, async (t) => {
    const boom = new Error('boom')
    const error = await mode.run(() =>
      thrownBy(
        until(() => {
          throw boom
        }),
      ),
    )
    t.is(error, boom)
  })

  test(`${mode.name}: a promise that settles after a cancel is ignored, rejections too`, async (t) => {
    const log = await mode.run(function* () {
      let fail = (_: Error): void => {}
      const late = new Promise((_, reject) => {
        fail = reject
      })
      const first = yield* moveOn(1, until(late), 'moved on')
      fail(new Error('late'))
      yield* until(new Promise((resolve) => setTimeout(resolve, 0)))
      return first
    })
    t.is(log, 'moved on')
  })

  test(`${mode.name}: host code calls back from anywhere`, async (t) => {
    const result = await mode.run(() =>
      suspend<string>((resolve) => {
        const timer = setTimeout(() => Promise.resolve().then(() => queueMicrotask(() => resolve('deep'))), 0)
        return () => clearTimeout(timer)
      }),
    )
    t.is(result, 'deep')
  })
}

test('a Cancelled that comes out of suspend names the scope', (t) => {
  virtual({}, function* () {
    const task = yield* spawn(suspend(() => {}))
    yield* checkpoint()
    yield* task.cancel('stop')
    t.true(task.error instanceof Cancelled)
    t.is((task.error as Cancelled).reason, 'stop')
  })
})
