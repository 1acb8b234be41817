/**
 * Nurseries whose children are looked at one by one: `next` in the order of their ends, leaving early, and `onError: 'collect'`.
 *
 * A failure that nobody looks at is reported through an unhandled rejection; that part lives in test/child.
 */

import test from 'ava'
import {
  all,
  Cancelled,
  checkpoint,
  clock,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  sleep,
  spawn,
  type Task,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, names, thrownBy } from '../../kit.js'

function* after<T>(ms: number, value: T): Operation<T> {
  yield* sleep(ms)
  return value
}

test('next returns the children in the order of their ends, each once, and then null', (t) => {
  covers(t, 'curio task: task_group_iter')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    yield* nursery(
      function* (n) {
        for (const ms of [30, 10, 20]) yield* n.spawn(after(ms, `result ${ms}`))
        for (let task = yield* n.next(); task !== null; task = yield* n.next()) log.push(task.result, yield* clock())
        log.push(yield* n.next())
      },
      { completions: true },
    )
    return log
  })
  t.deepEqual(log, ['result 10', 10, 'result 20', 20, 'result 30', 30, null])
})

test('children that are over before anybody asks are kept for next', (t) => {
  const results = virtual({}, () =>
    nursery(
      function* (n) {
        for (const value of ['a', 'b', 'c']) yield* n.spawn(give(value))
        yield* sleep(10)
        const results: unknown[] = []
        for (let task = yield* n.next(); task !== null; task = yield* n.next()) results.push(task.result)
        return results
      },
      { completions: true },
    ),
  )
  t.deepEqual(results, ['a', 'b', 'c'])
})

test('the first results are taken and the rest is left: everybody is out at the end', (t) => {
  covers(t, 'curio task: task_group_cancel_remaining')
  const log: unknown[] = []
  const states = virtual({}, function* () {
    const tasks: Task[] = []
    yield* nursery(
      function* (n) {
        for (const ms of [10, 20, 1000, 2000]) tasks.push(yield* n.spawn(sleep(ms)))
        log.push((yield* n.next()) === tasks[0], (yield* n.next()) === tasks[1])
        yield* n.cancel('enough')
      },
      { completions: true },
    )
    log.push(yield* clock())
    return tasks.map(({ state }) => state)
  })
  t.deepEqual(log, [true, true, 20])
  t.deepEqual(states, ['done', 'done', 'cancelled', 'cancelled'])
})

test('cancelling a nursery without children is fine, and cancels who comes later', (t) => {
  covers(t, 'curio task: taskgroup_misc')
  virtual({}, function* () {
    const log: unknown[] = []
    yield* nursery(function* (n) {
      log.push(yield* n.cancel())
      const late = yield* n.spawn(sleep(1000))
      log.push(yield* n.cancel())
      yield* late.wait()
      log.push('too far')
    })
    t.deepEqual(log, [true, false])
    t.is(yield* clock(), 0)
  })
})

test('without completions next is an error; a child that is not over has neither result nor error', (t) => {
  covers(t, 'curio task: errors')
  virtual({}, function* () {
    yield* nursery(function* (n) {
      const child = yield* n.spawn(sleep(5))
      t.is(child.result, undefined)
      t.is(child.error, undefined)
      const error = yield* thrownBy(n.next())
      t.true(error instanceof KernelStateError)
      t.regex((error as Error).message, /completions: true/)
    })
  })
})

test('in an empty nursery next does not wait', (t) => {
  t.is(
    virtual({}, () => nursery((n) => n.next(), { completions: true })),
    null,
  )
})

test('daemons are not waited for by next', (t) => {
  const over = virtual({}, () =>
    nursery(
      function* (n) {
        yield* n.spawn(sleep(1000), { daemon: true, name: 'daemon' })
        yield* n.spawn(sleep(10), { name: 'child' })
        const over = [yield* n.next(), yield* n.next()]
        return [names([over[0] as Task]), over[1], yield* clock()]
      },
      { completions: true },
    ),
  )
  t.deepEqual(over, [['child'], null, 10])
})

test('who waits for the next can be cancelled, and nothing is lost by that', (t) => {
  const result = virtual({}, () =>
    nursery(
      function* (n) {
        yield* n.spawn(after(20, 'whole'))
        t.is(yield* moveOn(10, n.next(), null), null)
        return (yield* n.next())?.result
      },
      { completions: true },
    ),
  )
  t.is(result, 'whole')
})

test('collecting: a failure is the child’s own, the others go on', (t) => {
  covers(t, 'curio task: task_group_join')
  const boom = new Error('boom')
  const log = virtual({}, () =>
    nursery(
      function* (n) {
        const failing = yield* n.spawn(() => fail(boom))
        const others = [yield* n.spawn(after(10, 'a')), yield* n.spawn(after(20, 'b'))]
        const log: unknown[] = [yield* thrownBy(failing.join())]
        for (const task of others) {
          log.push(task.ended)
          log.push(yield* task.join())
        }
        return log
      },
      { onError: 'collect' },
    ),
  )
  t.deepEqual(log, [boom, false, 'a', false, 'b'])
})

test('collecting: next gives failures and cancelled children as it gives the others', (t) => {
  const log = virtual({}, () =>
    nursery(
      function* (n) {
        yield* n.spawn(after(10, 'a'))
        yield* n.spawn(function* () {
          yield* sleep(5)
          throw 'boom'
        })
        const victim = yield* n.spawn(sleep(1000))
        yield* checkpoint()
        yield* victim.cancel('', { wait: false })
        const log: unknown[] = []
        for (let task = yield* n.next(); task !== null; task = yield* n.next()) {
          log.push(
            task.state,
            task.state === 'cancelled' ? task.error instanceof Cancelled : (task.result ?? task.error),
          )
        }
        return log
      },
      { onError: 'collect' },
    ),
  )
  t.deepEqual(log, ['cancelled', true, 'failed', 'boom', 'done', 'a'])
})

test('collecting: a failure of the body cancels the children all the same', (t) => {
  const boom = new Error('boom')
  virtual({}, function* () {
    const tasks: Task[] = []
    const error = yield* thrownBy(() =>
      nursery(
        function* (n) {
          tasks.push(yield* n.spawn(sleep(1000)))
          yield* sleep(5)
          throw boom
        },
        { onError: 'collect' },
      ),
    )
    t.is(error, boom)
    t.is(tasks[0]?.state, 'cancelled')
  })
})

test('tasks that exist already are a group through their joins, and stay where they are', (t) => {
  covers(t, 'curio task: task_group_existing')
  virtual({}, function* () {
    const tasks = [yield* spawn(give(2)), yield* spawn(after(10, 4)), yield* spawn(after(5, 6))]
    yield* checkpoint()
    t.deepEqual(yield* all(tasks.map((task) => () => task.join())), [2, 4, 6])
    const slow = yield* spawn(after(100, 8))
    t.is(yield* moveOn(10, all([() => slow.join()]), 'moved on'), 'moved on')
    t.false(slow.ended, 'leaving the group leaves it alone')
    t.is(yield* slow.join(), 8)
  })
})

test('a daemon is out when the body has failed', (t) => {
  covers(t, 'curio task: task_group_daemon_error')
  const boom = new Error('boom')
  virtual({}, function* () {
    const tasks: Task[] = []
    const error = yield* thrownBy(() =>
      nursery(function* (n) {
        tasks.push(yield* n.spawn(sleep(1_000_000), { daemon: true }))
        throw boom
      }),
    )
    t.is(error, boom)
    t.is(tasks[0]?.state, 'cancelled')
    t.is(yield* clock(), 0)
  })
})
