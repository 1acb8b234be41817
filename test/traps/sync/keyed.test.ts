/**
 * Keyed tasks: who may be cancelled without the others, what a failure does, and keys that change hands.
 */
import test from 'ava'
import { all, ClosedError, clock, KernelStateError, keyed, moveOn, nursery, sleep, spawn, type Task } from 'drupe'
import { virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

test('joining: all get one task, and it goes on without any of them, the one that started it included', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const tasks = yield* keyed<string, string>({ existing: 'join' })
      let runs = 0
      const ask = function* () {
        const task = yield* tasks.spawn('key', function* () {
          runs++
          yield* sleep(10)
          return 'done'
        })
        return yield* (task as Task<string>).join()
      }
      const first = yield* spawn(ask)
      yield* sleep(1)
      const others = [yield* spawn(ask), yield* spawn(ask)]
      yield* sleep(1)
      yield* first.cancel()
      yield* (others[0] as Task).cancel()
      t.is(yield* (others[1] as Task<string>).join(), 'done')
      t.is(yield* clock(), 10)
      t.is(runs, 1)
      t.deepEqual(tasks.statistics(), { alive: 0, started: 1, replaced: 0, joined: 2, ignored: 0 })
      // The key is free, and the next one begins.
      t.is(yield* ask(), 'done')
      t.is(runs, 2)
    }),
  )
})

test('joining: a failure is the same error for all that join, and that of the nursery of the table', (t) => {
  const boom = new Error('boom')
  const seen: unknown[] = []
  virtual({}, function* () {
    const left = yield* thrownBy(
      nursery(function* () {
        const tasks = yield* keyed<string>({ existing: 'join' })
        const ask = function* () {
          const task = yield* tasks.spawn('key', function* () {
            yield* sleep(5)
            throw boom
          })
          try {
            yield* (task as Task).join()
          } catch (error) {
            seen.push(error)
            throw error
          }
        }
        yield* all([ask, ask, ask])
      }),
    )
    t.is(left, boom)
  })
  t.true(seen.length > 0)
  t.true(seen.every((error) => error === boom || (error as Error).name === 'Cancelled'))
})

test('a caller that is cancelled while the old task leaves: the old one is out, and no new one begins', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const tasks = yield* keyed<string>()
      const log: string[] = []
      const work = (name: string) =>
        function* () {
          log.push(`${name} in`)
          try {
            yield* sleep(100)
          } finally {
            yield* sleep(10)
            log.push(`${name} out`)
          }
        }
      yield* tasks.spawn('key', work('a'))
      yield* sleep(1)
      t.is(yield* moveOn(5, tasks.spawn('key', work('b')), 'cancelled'), 'cancelled')
      yield* sleep(20)
      t.deepEqual(log, ['a in', 'a out'])
      t.is(tasks.get('key'), undefined)
      yield* (yield* tasks.spawn('key', work('c')))?.cancel() ?? sleep(0)
    }),
  )
})

test('of many that replace at the same time the last one stays, and at no time are there two', (t) => {
  virtual({ seed: 5 }, () =>
    nursery(function* () {
      const tasks = yield* keyed<string>()
      let inside = 0
      let most = 0
      let done = 0
      const work = function* () {
        most = Math.max(most, ++inside)
        try {
          yield* sleep(20)
          done++
        } finally {
          yield* sleep(1)
          inside--
        }
      }
      yield* all(Array.from({ length: 50 }, () => () => tasks.spawn('key', work)))
      yield* sleep(100)
      t.deepEqual([most, inside, done], [1, 0, 1])
      const { started, replaced, alive } = tasks.statistics()
      t.deepEqual([started - replaced, alive], [1, 0])
    }),
  )
})

test('a task cannot replace itself; one that is over is no old one, and a table of a nursery that ended is closed', (t) => {
  virtual({}, function* () {
    let tasks = yield* keyed<string>()
    yield* nursery(function* () {
      const table = yield* keyed<string>()
      tasks = table
      const task = yield* table.spawn('key', function* () {
        return yield* thrownBy(table.spawn('key', () => sleep(1)))
      })
      t.true((yield* (task as Task).join()) instanceof KernelStateError)
      yield* table.spawn('key', function* () {})
      yield* sleep(1)
      yield* table.spawn('key', () => sleep(1))
      t.is(table.statistics().replaced, 0)
    })
    t.true((yield* thrownBy(tasks.spawn('key', () => sleep(1)))) instanceof ClosedError)
    t.is(tasks.statistics().alive, 0)
    // Not hung on a start that never was.
    t.true((yield* thrownBy(tasks.spawn('key', () => sleep(1)))) instanceof ClosedError)
  })
})

test('tasks that are cancelled before they began leave their keys free', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const tasks = yield* keyed<number>({ existing: 'ignore' })
      for (let i = 0; i < 1000; i++) {
        const task = (yield* tasks.spawn(i % 10, () => sleep(100))) as Task
        yield* task.cancel()
      }
      t.deepEqual(tasks.statistics(), { alive: 0, started: 1000, replaced: 0, joined: 0, ignored: 0 })
    }),
  )
})
