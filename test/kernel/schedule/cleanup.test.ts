/**
 * Cleanup after a cancel: it may wait, start helpers, fail, and be asked again; what the task makes of it is its outcome.
 */

import test from 'ava'
import { Cancelled, checkpoint, clock, type Nursery, nursery, shield, sleep, spawn, type Task, timeout } from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrown, thrownBy, withKernel } from '../../kit.js'

test('a cancel during cleanup does not cut the cleanup short', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        for (let i = 0; i < 3; i++) {
          yield* sleep(10)
          log.push(`step ${i}`)
        }
      }
    })
    yield* checkpoint()
    yield* task.cancel('first', { wait: false })
    yield* sleep(15)
    yield* task.cancel('again')
    log.push(task.state)
    return log
  })
  t.deepEqual(log, ['step 0', 'step 1', 'step 2', 'cancelled'])
})

test('a cleanup that fails fails the task with that error', (t) => {
  covers(t, 'effection run: throws an error in halt() if its finally block blows up')
  withKernel({}, (kernel) => {
    const boom = new Error('boom')
    const task = kernel.spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        yield* sleep(1)
        // biome-ignore lint/correctness/noUnsafeFinally: that is the case
        throw boom
      }
    })
    const error = kernel.runSync(function* () {
      const joiner = yield* spawn(() => thrownBy(task.join()))
      yield* sleep(1)
      yield* task.cancel()
      return yield* joiner.join()
    })
    t.is(error, boom)
    t.is(task.state, 'failed')
  })
})

test('a cancelled task may finish all the same: its result counts', (t) => {
  virtual({}, function* () {
    const task = yield* spawn(function* () {
      yield* thrownBy(sleep(1000))
      return 'made it'
    })
    yield* checkpoint()
    t.true(yield* task.cancel())
    t.is(task.state, 'done')
    t.is(yield* task.join(), 'made it')
  })
})

test('an error instead of the Cancelled fails the task', (t) => {
  const boom = new Error('boom')
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        const task = yield* n.spawn(function* () {
          try {
            yield* sleep(1000)
          } catch (cause) {
            boom.cause = cause
            throw boom
          }
        })
        yield* checkpoint()
        yield* task.cancel('', { wait: false })
        yield* sleep(1000)
      }),
    )
  })
  t.is(error, boom)
  t.true(boom.cause instanceof Cancelled)
})

test('a Cancelled of somebody else is a failure, and does not pass for one’s own', (t) => {
  const stolen = virtual({}, function* () {
    const victim = yield* spawn(sleep(1000))
    yield* checkpoint()
    yield* victim.cancel()
    return victim.error
  })
  t.true(stolen instanceof Cancelled)
  const caught = thrown(() =>
    virtual({}, function* () {
      throw stolen
    }),
  )
  t.is(caught, stolen)
})

test('the canceller can be cancelled while it waits; the cancelled goes on leaving', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const slow = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        yield* sleep(100)
        log.push('clean')
      }
    })
    yield* checkpoint()
    log.push(((yield* thrownBy(timeout(10, () => slow.cancel()))) as Error).name)
    t.false(slow.ended)
    yield* slow.wait()
    log.push(slow.state)
    return log
  })
  t.deepEqual(log, ['TimeoutError', 'clean', 'cancelled'])
})

test('two tasks that cancel each other are both out', (t) => {
  virtual({}, function* () {
    const pair: Task<void>[] = []
    for (const other of [1, 0]) {
      pair.push(
        yield* spawn(function* () {
          yield* checkpoint()
          yield* (pair[other] as Task).cancel()
        }),
      )
    }
    for (const task of pair) yield* task.wait()
    t.true(pair.some((task) => task.state === 'cancelled'))
  })
})

test('cleanup may start helpers, and waits for them', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        yield* nursery(function* (n) {
          for (const ms of [20, 10]) {
            yield* n.spawn(function* () {
              yield* sleep(ms)
              yield* checkpoint()
              log.push(`helper ${ms}`)
            })
          }
        })
        yield* spawn(function* () {
          yield* sleep(5)
          log.push('helper of the task itself')
        })
        log.push('clean')
      }
    })
    yield* checkpoint()
    yield* task.cancel()
    log.push(task.state)
    return log
  })
  t.deepEqual(log, ['helper 10', 'helper 20', 'clean', 'helper of the task itself', 'cancelled'])
})

test('helpers of a cleanup that does its work are no swallowers', (t) => {
  const swallowed: string[] = []
  virtual({ instruments: [{ swallowed: (task) => void swallowed.push(task.name) }] }, function* () {
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        yield* nursery(function* (n) {
          yield* n.spawn(sleep(1), { name: 'helper' })
        })
      }
    })
    yield* checkpoint()
    yield* task.cancel()
  })
  t.deepEqual(swallowed, [])
})

test('a stranger that spawns into a cancelled nursery gets a task that is cancelled', (t) => {
  virtual({}, function* () {
    let late: Task | undefined
    const box: { nursery?: Nursery } = {}
    const stranger = yield* spawn(function* () {
      yield* sleep(5)
      late = yield* (box.nursery as Nursery).spawn(sleep(1000))
    })
    yield* nursery(function* (n) {
      const slow = yield* n.spawn(function* () {
        yield* shield(sleep(10))
      })
      box.nursery = n
      yield* checkpoint()
      yield* n.cancel()
      yield* slow.wait()
    })
    yield* stranger.wait()
    t.is(late?.state, 'cancelled')
    t.is(yield* clock(), 10)
  })
})

test('a timeout that runs out during the cleanup after a cancel does not cut it, and is nobody’s error', (t) => {
  covers(t, 'curio kernel: task_cancel_timeout')
  const log = virtual({}, function* () {
    const log: string[] = []
    const task = yield* spawn(function* () {
      try {
        yield* timeout(10, function* () {
          try {
            yield* sleep(1000)
          } finally {
            yield* sleep(20)
            log.push(`clean at ${yield* clock()}`)
          }
        })
      } catch (error) {
        log.push((error as Error).name)
        throw error
      }
    })
    yield* sleep(5)
    yield* task.cancel()
    log.push(task.state)
    return log
  })
  t.deepEqual(log, ['clean at 25', 'Cancelled', 'cancelled'])
})
