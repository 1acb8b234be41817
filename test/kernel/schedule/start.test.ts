/**
 * `n.start` and `started`: a task that is ready before it becomes a member.
 *
 * Until it has said so it is its starter's affair, errors and cancels included; from then on it is a child of the nursery
 * like any other, and what it has started comes with it.
 */

import test from 'ava'
import {
  type Cancelled,
  ClosedError,
  checkpoint,
  clock,
  current,
  KernelStateError,
  type Nursery,
  nursery,
  type Operation,
  scope,
  sleep,
  spawn,
  started,
  suppressed,
  type Task,
} from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

const FOREVER = Number.POSITIVE_INFINITY

/** Takes its time until it is ready, and as long again. */
function* service(ms: number): Operation<void> {
  yield* sleep(ms)
  yield* started(ms)
  yield* sleep(ms)
}

test('start waits until the task is ready and gives its value; the nursery waits for the rest', (t) => {
  covers(t, 'trio run: nursery_start')
  virtual({}, function* () {
    for (const ms of [10, 25]) {
      const begun = yield* clock()
      yield* nursery(function* (n) {
        t.is(n.size, 0)
        t.is(yield* n.start<number>(() => service(ms)), ms)
        t.is((yield* clock()) - begun, ms)
        t.is(n.size, 1)
      })
      t.is((yield* clock()) - begun, 2 * ms)
    }
  })
})

test('what is wrong before a task is ready comes out of start, and the nursery goes on', (t) => {
  covers(t, 'trio run: nursery_start')
  virtual({}, () =>
    nursery(function* (n) {
      const boom = new Error('boom')
      t.is(yield* thrownBy(n.start(() => fail(boom))), boom)
      t.true((yield* thrownBy(() => n.start(5 as never))) instanceof TypeError)
      const silent = yield* thrownBy(n.start(() => give('no word')))
      t.true(silent instanceof KernelStateError)
      t.regex((silent as Error).message, /without yield\* started/)
      t.false(n.cancelled)
      t.is(n.size, 0)
    }),
  )
})

test('a task says once that it is ready, and only if somebody waits for that', (t) => {
  covers(t, 'trio run: nursery_start')
  virtual({}, function* () {
    t.true((yield* thrownBy(started())) instanceof KernelStateError)
    yield* nursery(function* (n) {
      yield* n.start(function* () {
        yield* started()
        t.true((yield* thrownBy(started())) instanceof KernelStateError)
      })
    })
  })
})

test('a start that is cancelled takes the task with it; one that is ready without waiting is started', (t) => {
  covers(t, 'trio run: nursery_start')
  virtual({ grace: 0 }, function* () {
    yield* nursery(function* (n) {
      let task: Task | undefined
      yield* scope({}, function* (s) {
        yield* s.cancel()
        const error = yield* thrownBy(
          n.start(function* () {
            task = yield* current()
            yield* sleep(1)
            yield* started('never')
          }),
        )
        t.is((error as Cancelled).scope, s)
      })
      t.is(task?.state, 'cancelled')

      // Not a wait in it: it has moved before the cancel could reach it, and its failure is the nursery's from then on.
      yield* scope({}, function* (s) {
        yield* s.cancel()
        t.is(yield* n.start(() => started('at once')), 'at once')
      })
    })
  })
})

test('the failure of a task that has started is the nursery’s, as it is', (t) => {
  covers(t, 'trio run: trio_run_strict_before_started')
  virtual({}, function* () {
    const boom = new Error('boom')
    for (const errors of ['first', 'group'] as const) {
      let atStart: unknown
      const before = yield* thrownBy(
        nursery(
          function* (n) {
            atStart = yield* thrownBy(n.start(() => fail(boom)))
            throw atStart
          },
          { errors },
        ),
      )
      const after = yield* thrownBy(
        nursery(
          function* (n) {
            yield* n.start(function* () {
              yield* started()
              throw boom
            })
          },
          { errors },
        ),
      )
      t.is(atStart, boom)
      for (const error of [before, after]) {
        if (errors === 'first') t.is(error, boom)
        else t.deepEqual((error as AggregateError).errors, [boom])
      }
    }
  })
})

test('an error before the task is ready keeps its cause', (t) => {
  covers(t, 'trio run: start_exception_preserves_cause_and_context')
  virtual({}, () =>
    nursery(function* (n) {
      const cause = new SyntaxError('first')
      const error = yield* thrownBy(n.start(() => fail(new Error('second', { cause }))))
      t.is((error as Error).cause, cause)
      t.deepEqual(suppressed(error), [])
    }),
  )
})

test('children that fail before their parent is ready fail the start, the first one leading', (t) => {
  covers(t, 'trio run: internal_error_old_nursery_multiple_tasks')
  virtual({}, () =>
    nursery(function* (n) {
      const error = yield* thrownBy(
        n.start(function* () {
          yield* spawn(() => fail('first'))
          yield* spawn(() => fail('second'))
          yield* sleep(1)
          yield* started()
        }),
      )
      t.is(error, 'first')
      t.false(n.cancelled)
    }),
  )
})

test('starting in a nursery that has ended is an error at once', (t) => {
  covers(t, 'trio run: nursery_start')
  virtual({}, function* () {
    let kept: Nursery | undefined
    yield* nursery(function* (n) {
      kept = n
      yield* checkpoint()
    })
    let ran = false
    const error = yield* thrownBy(
      (kept as Nursery).start(function* () {
        ran = true
        yield* service(10)
      }),
    )
    t.true(error instanceof ClosedError, String(error))
    t.false(ran)
    t.is(yield* clock(), 0)
  })
})

for (const when of ['before', 'after'] as const) {
  test(`sleeping children of a task that moves into a nursery cancelled just ${when} are cancelled`, (t) => {
    covers(t, 'trio run: nursery_start_with_cancelled_nursery')
    const states = virtual({}, function* () {
      const children: Task[] = []
      yield* nursery(function* (n) {
        const target = yield* n.start<Nursery>(() =>
          nursery(function* (inner) {
            yield* started(inner)
            yield* sleep(FOREVER)
          }),
        )
        yield* target.start(function* () {
          for (let i = 0; i < 2; i++) children.push(yield* spawn(sleep(FOREVER)))
          yield* waitAllBlocked()
          if (when === 'before') yield* target.cancel()
          yield* started()
        })
        if (when === 'after') yield* target.cancel()
      })
      return children.map((child) => child.state)
    })
    t.deepEqual(states, ['cancelled', 'cancelled'])
  })
}

test('a nursery stays open for what is being started in it', (t) => {
  covers(t, 'trio run: nursery_start_keeps_nursery_open')
  virtual({}, function* () {
    const slow = function* (): Operation<void> {
      yield* sleep(20)
      yield* started()
      yield* sleep(15)
    }
    yield* nursery(function* (outer) {
      yield* nursery(function* (n) {
        yield* outer.spawn(() => n.start(slow))
        yield* sleep(10)
        yield* outer.spawn(() => n.start(slow))
      })
      t.is(yield* clock(), 45)
    })
    yield* nursery(function* (outer) {
      yield* nursery(function* (n) {
        yield* outer.spawn(() =>
          thrownBy(
            n.start(function* () {
              yield* sleep(5)
              throw new Error('too bad')
            }),
          ),
        )
        yield* waitAllBlocked()
      })
      t.is(yield* clock(), 50)
    })
  })
})

test('a task that has started has another parent, and its own children move with it', (t) => {
  covers(t, 'trio run: task_tree_introspection')
  virtual({}, function* main() {
    const me = yield* current()
    yield* nursery(function* (n) {
      const starter = yield* n.spawn(function* starter() {
        const sizes = [n.size]
        const task = yield* n.start<Task>(function* moving() {
          const self = yield* current()
          const child = yield* spawn(sleep(FOREVER), { name: 'child', daemon: true })
          t.is(self.parent?.name, 'starter')
          yield* started(self)
          t.is(self.parent, me)
          t.is(child.parent, self)
          yield* sleep(1)
        })
        t.is(task.name, 'moving')
        return [...sizes, n.size]
      })
      t.deepEqual(yield* starter.join(), [1, 2])
    })
  })
})
