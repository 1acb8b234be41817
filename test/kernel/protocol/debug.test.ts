/**
 * Debug mode: the forgotten `yield*` is found, and code that forgets nothing runs as without it.
 */

import test from 'ava'
import {
  checkpoint,
  current,
  ForgottenYieldError,
  moveOn,
  nursery,
  type Operation,
  scope,
  shield,
  sleep,
  spawn,
  suspend,
  timeout,
} from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { give, thrown, thrownBy } from '../../kit.js'

const debug = { debug: true }

test('a program that forgets nothing runs in debug mode as it does without', (t) => {
  covers(t, 'curio kernel: kernel_debug')
  const result = virtual(debug, function* () {
    const queue = new WaitQueue()
    const pause = sleep(1)
    yield* pause
    yield* pause
    yield* checkpoint()
    yield* current()
    const child = yield* spawn(function* () {
      yield* suspend((resolve) => resolve())
      return yield* park<string>(queue)
    })
    yield* sleep(1)
    yield* wake(queue, 1, 'woken')
    yield* thrownBy(timeout(1, sleep(5)))
    yield* moveOn(1, sleep(5))
    yield* shield(sleep(1))
    yield* scope({}, (s) => s.cancel())
    yield* nursery(function* (n) {
      yield* (yield* n.spawn(sleep(10))).cancel()
    })
    return yield* child.join()
  })
  t.is(result, 'woken')
})

for (const [name, forget] of [
  ['sleep', () => sleep(1)],
  ['spawn', () => spawn(give(1))],
  ['wake', () => wake(new WaitQueue())],
  ['nursery', () => nursery(() => give(1))],
  ['timeout', () => timeout(1, sleep(1))],
  ['moveOn', () => moveOn(1, sleep(1))],
  ['shield', () => shield(sleep(1))],
  ['scope', () => scope({}, () => give(1))],
] as const) {
  test(`a ${name} without yield* fails the task that made it, at the line that made it`, (t) => {
    covers(t, 'trio run: nursery_warn_use_async_with')
    const error = thrown(() =>
      virtual(debug, function* () {
        yield* sleep(1)
        forget()
        return 'done'
      }),
    )
    t.true(error instanceof ForgottenYieldError, String(error))
    t.regex((error as Error).message, new RegExp(`${name}\\(\\) was called and never run`))
    t.regex((error as Error).stack ?? '', /debug\.test/)
  })
}

test('without debug mode nothing is found, and nothing fails', (t) => {
  t.is(
    virtual({}, function* () {
      sleep(1)
      return yield* give('done')
    }),
    'done',
  )
})

test('an operation that one task makes and another runs is not forgotten', (t) => {
  const result = virtual(debug, function* () {
    const made = [timeout(10, sleep(1)), sleep(2)] as const
    const runner = yield* spawn(function* () {
      yield* sleep(1)
      for (const op of made) yield* op
      return 'ran'
    })
    return yield* runner.join()
  })
  t.is(result, 'ran')
})

test('an operation that is spawned is not forgotten', (t) => {
  virtual(debug, function* () {
    yield* spawn(sleep(1))
    yield* spawn(timeout(10, sleep(1)))
    yield* spawn(() => moveOn(10, sleep(1)))
  })
  t.pass()
})

test('operations that were made outside are nobody’s to forget', (t) => {
  const spare = sleep(1)
  t.is(
    virtual(debug, function* () {
      yield* sleep(1)
      return spare !== undefined
    }),
    true,
  )
})

test('a failing task fails with its own error, whatever it forgot', (t) => {
  const boom = new Error('boom')
  const error = thrown(() =>
    virtual(debug, function* () {
      sleep(1)
      throw boom
    }),
  )
  t.is(error, boom)
})

test('each task answers for its own: the forgetful child fails, its innocent sibling is only cancelled', (t) => {
  const states = virtual(debug, function* () {
    const states: string[] = []
    const error = yield* thrownBy(() =>
      nursery(function* (n) {
        const good = yield* n.spawn(function* good() {
          try {
            yield* sleep(100)
          } finally {
            states.push((yield* current()).name)
          }
        })
        yield* n.spawn(function* forgetful() {
          yield* sleep(1)
          sleep(50)
        })
        yield* good.wait()
      }),
    )
    states.push((error as Error).name)
    return states
  })
  t.deepEqual(states, ['good', 'ForgottenYieldError'])
})

test('a debug kernel inside a task of another leaves that one’s books alone', (t) => {
  t.is(
    virtual(debug, function* outer() {
      const later = timeout(10, sleep(1))
      virtual(debug, function* inner() {
        yield* sleep(1)
      })
      yield* later
      return yield* give('fine')
    }),
    'fine',
  )
  const error = thrown(() =>
    virtual(debug, function* outer() {
      yield* sleep(1)
      virtual(debug, function* inner() {
        yield* sleep(1)
      })
      timeout(10, sleep(1))
    }),
  )
  t.true(error instanceof ForgottenYieldError, String(error))
})

test('a task that only makes and runs operations keeps no list of them', (t) => {
  const steps = virtual(debug, function* (): Operation<number> {
    let steps = 0
    for (let i = 0; i < 10_000; i++) {
      yield* checkpoint()
      yield* moveOn(1, give(1))
      steps++
    }
    return steps
  })
  t.is(steps, 10_000)
})
