/**
 * Tasks: spawn, join, wait, what a handle tells, and the implicit nursery that makes a parent wait for its children.
 */

import test from 'ava'
import {
  checkpoint,
  clock,
  current,
  moveOn,
  nursery,
  type Operation,
  sleep,
  spawn,
  type Task,
  TaskCancelledError,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { give, thrownBy, withKernel } from '../../kit.js'

/** Fails after somebody had time to join; what nobody joins is reported as an unhandled rejection. */
function* failLater(error: Error): Operation<never> {
  yield* sleep(1)
  throw error
}

test('join gives what the task returned', (t) => {
  covers(t, 'curio kernel: task_join', 'effection spawn: can spawn a new child task')
  const result = virtual({}, function* () {
    const task = yield* spawn(function* () {
      yield* sleep(5)
      return { answer: 42 }
    })
    const result: { answer: number } = yield* task.join()
    t.is(result, yield* task.join())
    t.is(task.result, result)
    return result
  })
  t.deepEqual(result, { answer: 42 })
})

test('join throws what the task threw, the same object', (t) => {
  covers(t, 'curio kernel: task_join_error')
  withKernel({}, (kernel) => {
    const boom = new Error('boom')
    const task = kernel.spawn(() => failLater(boom))
    const error = kernel.runSync(() => thrownBy(task.join()))
    t.is(error, boom)
    t.is(task.error, boom)
    t.is(task.state, 'failed')
    t.is(task.result, undefined)
  })
})

test('a finished task can be joined, at once and as often as one likes', (t) => {
  covers(t, 'curio task: task_group_join_done')
  virtual({}, function* () {
    const task = yield* spawn(give(7))
    yield* sleep(10)
    t.is(task.state, 'done')
    for (let i = 0; i < 3; i++) t.is(yield* task.join(), 7)
    t.is(yield* clock(), 10)
  })
})

test('many can join one task, and all hear of it in their order', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const task = yield* spawn(function* () {
      yield* sleep(1)
      return 'result'
    })
    yield* nursery(function* (n) {
      for (let i = 0; i < 5; i++) {
        yield* n.spawn(function* () {
          log.push(`${i} ${yield* task.join()}`)
        })
      }
    })
    return log
  })
  t.deepEqual(
    log,
    [0, 1, 2, 3, 4].map((i) => `${i} result`),
  )
})

test('wait waits and says nothing, however it ended', (t) => {
  withKernel({}, (kernel) => {
    const failing = kernel.spawn(() => failLater(new Error('boom')))
    kernel.runSync(function* () {
      t.is(yield* failing.wait(), undefined)
      const cancelled = yield* spawn(sleep(1000))
      yield* checkpoint()
      yield* cancelled.cancel('', { wait: false })
      t.is(yield* cancelled.wait(), undefined)
      t.is(cancelled.state, 'cancelled')
    })
  })
})

test('join of a cancelled task throws a class of its own, with the Cancelled as its cause', (t) => {
  covers(t, 'curio kernel: task_cancel_join')
  virtual({}, function* () {
    const task = yield* spawn(sleep(1000), { name: 'victim' })
    yield* checkpoint()
    yield* task.cancel('no more')
    const error = (yield* thrownBy(task.join())) as TaskCancelledError
    t.true(error instanceof TaskCancelledError)
    t.is(error.code, 'DRUPE_TASK_CANCELLED')
    t.regex(error.message, /task \d+ \(victim\)/)
    t.is(error.cause, task.error)
    t.is((error.cause as { reason: unknown }).reason, 'no more')
  })
})

test('a joiner that waits while the task is cancelled gets the same', (t) => {
  covers(t, 'curio kernel: task_cancel_join_wait')
  virtual({}, function* () {
    const task = yield* spawn(sleep(1000))
    const joiner = yield* spawn(() => thrownBy(task.join()))
    yield* checkpoint()
    yield* task.cancel()
    t.true((yield* joiner.join()) instanceof TaskCancelledError)
  })
})

test('cancelling the joiner leaves the task alone', (t) => {
  virtual({}, function* () {
    const task = yield* spawn(function* () {
      yield* sleep(100)
      return 'whole'
    })
    t.is(yield* moveOn(10, task.join(), 'moved on'), 'moved on')
    t.is(task.state, 'waiting')
    t.is(yield* task.join(), 'whole')
    t.is(yield* clock(), 100)
  })
})

test('joining oneself is an error and not a hang', (t) => {
  const error = virtual({}, function* () {
    return yield* thrownBy((yield* current()).join())
  })
  t.regex((error as Error).message, /for ever/)
})

test('a task knows its states', (t) => {
  const states = virtual({}, function* () {
    const states: string[] = []
    const task: Task = yield* spawn(function* () {
      states.push(task.state)
      yield* spawn(sleep(5))
      yield* checkpoint()
    })
    states.push(task.state)
    yield* checkpoint()
    states.push(task.state)
    yield* sleep(1)
    states.push(task.state)
    t.false(task.ended)
    yield* task.join()
    t.true(task.ended)
    states.push(task.state)
    return states
  })
  t.deepEqual(states, ['new', 'running', 'ready', 'finishing', 'done'])
})

test('a task knows its parent, its name and its id', (t) => {
  covers(t, 'trio run: task_tree_introspection, spawn_name, current_task, root_task', 'curio task: task_diag')
  virtual({}, function* main() {
    const me = yield* current()
    t.is(me.name, 'main')
    t.is(me.parent, null)
    const child = yield* spawn(function* worker(): Operation<Task> {
      return yield* current()
    })
    t.is(yield* child.join(), child)
    t.is(child.name, 'worker')
    t.is(child.parent, me)
    t.not(child.id, me.id)
    yield* nursery(function* (n) {
      t.is((yield* n.spawn(give(1))).parent, me)
    })
    t.is(String(child), `task ${child.id} (worker)`)
  })
})
