/**
 * Events, barriers and results: waiting for something that happens once, or for each other.
 */

import test from 'ava'
import {
  BrokenError,
  checkpoint,
  KernelStateError,
  moveOn,
  nursery,
  sleep,
  spawn,
  TaskCancelledError,
  TimeoutError,
  timeout,
} from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { Barrier } from '../../../traps/sync/barrier.js'
import { Event } from '../../../traps/sync/event.js'
import { Result } from '../../../traps/sync/result.js'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'

test('an event that is set does not make anybody wait', (t) => {
  covers(t, 'curio sync: event_get_immediate')
  virtual({}, function* () {
    const event = new Event()
    yield* event.set()
    t.true(event.isSet)
    yield* event.wait()
    t.deepEqual(event.statistics(), { isSet: true, waiting: 0 })
  })
})

test('an event lets all go that wait, and who comes later', (t) => {
  covers(t, 'curio sync: event_get_wait', 'trio sync: Event')
  const log = virtual({}, function* () {
    const event = new Event()
    const log: number[] = []
    yield* nursery(function* (n) {
      for (let i = 0; i < 3; i++) {
        yield* n.spawn(function* () {
          yield* event.wait()
          log.push(i)
        })
      }
      yield* waitAllBlocked()
      t.deepEqual(event.statistics(), { isSet: false, waiting: 3 })
      t.deepEqual(log, [])
      yield* event.set()
    })
    yield* event.wait()
    return log
  })
  t.deepEqual(log, [0, 1, 2])
})

test('a cancelled wait leaves the event', (t) => {
  covers(t, 'curio sync: event_wait_cancel')
  virtual({}, function* () {
    const event = new Event()
    const waiter = yield* spawn(() => event.wait())
    yield* checkpoint()
    yield* waiter.cancel()
    t.is(event.statistics().waiting, 0)
    yield* event.set()
  })
})

test('a wait for an event that takes too long', (t) => {
  covers(t, 'curio sync: event_wait_timeout')
  virtual({}, function* () {
    const event = new Event()
    t.true((yield* thrownBy(timeout(10, event.wait()))) instanceof TimeoutError)
    t.true((yield* thrownBy(event.wait({ timeout: 10 }))) instanceof TimeoutError)
    t.is(event.statistics().waiting, 0)
  })
})

test('an event that is set in time leaves no timer', (t) => {
  covers(t, 'curio sync: event_wait_notimeout')
  virtual({}, function* () {
    const event = new Event()
    yield* spawn(function* () {
      yield* sleep(5)
      yield* event.set()
    })
    yield* event.wait({ timeout: 1000 })
    event.clear()
    t.false(event.isSet)
    yield* spawn(() => event.set())
    yield* timeout(1000, event.wait())
  })
})

test('who was let go is let go, even if the event is cleared at once', (t) => {
  virtual({}, function* () {
    const event = new Event()
    const waiter = yield* spawn(() => event.wait())
    yield* checkpoint()
    yield* event.set()
    event.clear()
    yield* waiter.join()
    t.is(yield* moveOn(1, event.wait(), 'waits'), 'waits')
  })
})

test('nobody passes a barrier before all are there, and each knows its place', (t) => {
  virtual({}, function* () {
    const barrier = new Barrier(3)
    const log: string[] = []
    for (let round = 0; round < 2; round++) {
      yield* nursery(function* (n) {
        for (const ms of [3, 1, 2]) {
          yield* n.spawn(function* () {
            yield* sleep(ms)
            log.push(`came ${ms}`)
            const place = yield* barrier.wait()
            log.push(`place ${place}`)
            t.is(place, ms - 1)
          })
        }
      })
    }
    const round = ['came 1', 'came 2', 'came 3', 'place 2', 'place 0', 'place 1']
    t.deepEqual(log, [...round, ...round])
    t.deepEqual(barrier.statistics(), { parties: 3, waiting: 0, broken: false })
  })
})

test('who is cancelled at a barrier is not counted any more', (t) => {
  virtual({}, function* () {
    const barrier = new Barrier(2)
    const gone = yield* spawn(() => barrier.wait())
    yield* checkpoint()
    yield* gone.cancel()
    t.true((yield* thrownBy(barrier.wait({ timeout: 1 }))) instanceof TimeoutError)
    const first = yield* spawn(() => barrier.wait())
    yield* checkpoint()
    t.is(yield* barrier.wait(), 1)
    t.is(yield* first.join(), 0)
  })
})

test('an aborted barrier is broken for all until it is made new', (t) => {
  virtual({}, function* () {
    const barrier = new Barrier(2, { name: 'start' })
    const waiter = yield* spawn(() => thrownBy(barrier.wait()))
    yield* checkpoint()
    yield* barrier.abort()
    t.true(barrier.broken)
    const error = (yield* waiter.join()) as Error
    t.true(error instanceof BrokenError)
    t.is(error.message, 'Cannot wait at the barrier start: it was aborted')
    t.true((yield* thrownBy(barrier.wait())) instanceof BrokenError)
    barrier.reset()
    t.is(yield* moveOn(1, barrier.wait(), 'waits'), 'waits')
  })
  for (const bad of [0, -1, 1.5, Number.POSITIVE_INFINITY]) t.true(thrown(() => new Barrier(bad)) instanceof RangeError)
})

test('a result gives its value to those who wait and to who comes later', (t) => {
  covers(t, 'curio sync: value')
  virtual({}, function* () {
    const result = new Result<number>()
    t.deepEqual([result.done, result.state, result.result, result.error], [false, 'pending', undefined, undefined])
    const early = yield* spawn(() => result.join())
    const ender = yield* spawn(() => result.wait())
    yield* checkpoint()
    t.is(result.statistics().waiting, 2)
    t.true(yield* result.set(42))
    t.is(yield* early.join(), 42)
    t.is(yield* ender.join(), undefined)
    t.is(yield* result.join(), 42)
    t.deepEqual([result.done, result.state, result.result], [true, 'done', 42])
  })
})

test('a result that failed throws the very same error into each joiner, and into no waiter', (t) => {
  covers(t, 'curio sync: error')
  virtual({}, function* () {
    const result = new Result<number>()
    const boom = new Error('boom')
    const early = yield* spawn(() => thrownBy(result.join()))
    const ender = yield* spawn(() => result.wait())
    yield* checkpoint()
    yield* result.fail(boom)
    t.is(yield* early.join(), boom)
    yield* ender.join()
    t.is(yield* thrownBy(result.join()), boom)
    t.is(result.error, boom)
    t.is(result.result, undefined)
  })
})

test('a result that was cancelled is wanted by nobody: to set it has no effect, to join it is an error', (t) => {
  virtual({}, function* () {
    const result = new Result<number>({ name: 'answer' })
    const early = yield* spawn(() => thrownBy(result.join()))
    yield* checkpoint()
    t.true(yield* result.cancel('not needed'))
    t.false(yield* result.cancel())
    t.false(yield* result.set(1))
    t.false(yield* result.fail(new Error('late')))
    const error = (yield* early.join()) as Error
    t.true(error instanceof TaskCancelledError)
    t.is(error.message, 'Cannot join the result answer: it was cancelled')
    t.is(error.cause, 'not needed')
    t.true((yield* thrownBy(result.join())) instanceof TaskCancelledError)
    yield* result.wait()
    t.true(result.cancelled)
  })
})

test('a result is settled once', (t) => {
  virtual({}, function* () {
    const result = new Result<number>()
    yield* result.set(1)
    const error = (yield* thrownBy(result.set(2))) as Error
    t.true(error instanceof KernelStateError)
    t.regex(error.message, /^Cannot settle the result: task \d+ \(.*\) is not the first; it is done$/)
    t.true((yield* thrownBy(result.fail(new Error('x')))) instanceof KernelStateError)
    t.false(yield* result.cancel())
    t.is(result.result, 1)
  })
})

test('cancelling who waits for a result leaves the result alone', (t) => {
  virtual({}, function* () {
    const result = new Result<string>()
    const waiter = yield* spawn(() => result.join())
    yield* checkpoint()
    yield* waiter.cancel()
    t.is(result.statistics().waiting, 0)
    t.true((yield* thrownBy(result.join({ timeout: 1 }))) instanceof TimeoutError)
    t.true(yield* result.set('ok'))
    t.is(yield* result.join(), 'ok')
  })
})
