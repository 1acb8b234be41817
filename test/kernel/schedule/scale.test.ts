/**
 * Size: a hundred thousand tasks, deep `yield*`, deep trees and long chains of scopes, wide
 * nurseries.
 *
 * Nothing here measures speed. What is asserted is that size changes no behaviour and overflows no
 * stack, and that what should be done in constant time is not done in linear time by a margin that
 * shows (the process would time out).
 */

import test from 'ava'
import { clock, moveOn, nursery, type Operation, scope, sleep, spawn, type Task, timeout } from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'

test('a hundred thousand tasks sleep beside each other', (t) => {
  const [sum, end] = virtual({}, function* () {
    let sum = 0
    yield* nursery(function* (n) {
      for (let i = 0; i < 100_000; i++) {
        yield* n.spawn(function* () {
          yield* sleep(i % 1000)
          sum += i
        })
      }
    })
    return [sum, yield* clock()]
  })
  t.is(sum, (100_000 * 99_999) / 2)
  t.is(end, 999)
})

test('a hundred thousand waiting tasks are cancelled as one, and each cleans up once', (t) => {
  const cleaned = virtual({}, function* () {
    let cleaned = 0
    const queue = new WaitQueue()
    yield* moveOn(10, function* () {
      yield* nursery(function* (n) {
        for (let i = 0; i < 100_000; i++) {
          yield* n.spawn(function* () {
            try {
              yield* park(queue)
            } finally {
              yield* sleep(1)
              cleaned++
            }
          })
        }
      })
    })
    return [cleaned, queue.length]
  })
  t.deepEqual(cleaned, [100_000, 0])
})

test('leaving the middle of a long queue does not search it', (t) => {
  const order = virtual({}, function* () {
    const queue = new WaitQueue()
    const tasks: Task<void>[] = []
    let woken = 0
    yield* nursery(function* (n) {
      for (let i = 0; i < 100_000; i++) {
        tasks.push(
          yield* n.spawn(function* () {
            yield* park(queue)
            woken++
          }),
        )
      }
      yield* sleep(1)
      for (let i = 25_000; i < 75_000; i++) yield* (tasks[i] as Task).cancel('', { wait: false })
      yield* sleep(1)
      yield* wake(queue, 1_000_000)
    })
    return woken
  })
  t.is(order, 50_000)
})

function* dive(depth: number, bottom: () => Operation<void>): Operation<number> {
  if (depth === 0) {
    yield* bottom()
    return 0
  }
  return 1 + (yield* dive(depth - 1, bottom))
}

test('yield* a thousand levels deep', (t) => {
  t.is(
    virtual({}, () =>
      dive(1000, function* () {
        for (let i = 0; i < 10; i++) yield* sleep(1)
      }),
    ),
    1000,
  )
})

test('an error comes up through a thousand levels of yield*, each finally once', (t) => {
  let finals = 0
  function* down(depth: number): Operation<void> {
    try {
      if (depth > 0) yield* down(depth - 1)
      else yield* sleep(1000)
    } finally {
      yield* sleep(0)
      finals++
    }
  }
  const error = virtual({}, function* () {
    return yield* thrownBy(timeout(5, down(1000)))
  })
  t.is((error as Error).name, 'TimeoutError')
  t.is(finals, 1001)
})

test('a tree of tasks a thousand generations deep ends, and is cancelled, without overflowing the stack', (t) => {
  let ended = 0
  function* generation(depth: number, bottom: () => Operation<void>): Operation<void> {
    try {
      if (depth === 0) yield* bottom()
      else yield* spawn(generation(depth - 1, bottom))
    } finally {
      ended++
    }
  }
  virtual(
    {},
    generation(1000, () => sleep(1)),
  )
  t.is(ended, 1001)
  ended = 0
  virtual(
    {},
    moveOn(
      1,
      generation(1000, () => sleep(100)),
    ),
  )
  t.is(ended, 1001)
})

test('a chain of ten thousand tasks, each of which joins the next, ends without overflowing the stack', (t) => {
  const end = virtual({}, function* () {
    let last: Task<number> = yield* spawn(function* () {
      yield* sleep(1)
      return 0
    })
    for (let i = 0; i < 10_000; i++) {
      const next = last
      last = yield* spawn(function* () {
        return 1 + (yield* next.join())
      })
    }
    return yield* last.join()
  })
  t.is(end, 10_000)
})

test('a chain of ten thousand parents that wait for their children ends without overflowing the stack', (t) => {
  let made = 0
  function* generation(depth: number): Operation<void> {
    made++
    if (depth > 0) yield* spawn(() => generation(depth - 1))
    else yield* sleep(1)
  }
  virtual({}, generation(10_000))
  t.is(made, 10_001)
})

test('a failure at the bottom of ten thousand generations comes up unchanged', (t) => {
  const boom = new Error('boom')
  function* generation(depth: number): Operation<void> {
    if (depth === 0) throw boom
    yield* spawn(() => generation(depth - 1))
    yield* sleep(1000)
  }
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(() => generation(10_000))
      }),
    )
  })
  t.is(error, boom)
})

test('five hundred scopes inside each other', (t) => {
  covers(t, 'trio run: very_deep_cancel_scope_nesting')
  function* nested(depth: number): Operation<string | undefined> {
    if (depth > 0) return yield* scope({}, () => nested(depth - 1))
    yield* sleep(1)
    return 'bottom'
  }
  t.is(virtual({}, nested(500)), 'bottom')
  t.is(virtual({}, moveOn(0, nested(500), 'cancelled')), 'cancelled')
})
