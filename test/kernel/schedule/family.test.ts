/**
 * Parents and children: the nursery that every task has, how failures go up in it, and daemons.
 *
 * A parent is not over before its children; a child's failure is its parent's; a daemon is cancelled and not awaited.
 */

import test from 'ava'
import { checkpoint, clock, current, nursery, type Operation, sleep, spawn, type Task, timeout } from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, names, thrown, thrownBy, withKernel } from '../../kit.js'

test('a parent is not over before its children are', (t) => {
  covers(t, 'effection spawn: halts child when finishing normally')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const parent = yield* spawn(function* () {
      yield* spawn(function* () {
        yield* sleep(50)
        log.push('child')
      })
      return 'result'
    })
    yield* sleep(10)
    log.push(parent.state)
    log.push(yield* parent.join(), yield* clock())
    return log
  })
  t.deepEqual(log, ['finishing', 'child', 'result', 50])
})

test('not even the first task: run returns when all are over', (t) => {
  let end = 0
  t.is(
    virtual({}, function* () {
      yield* spawn(function* () {
        yield* sleep(10)
        yield* spawn(function* () {
          yield* sleep(10)
          end = yield* clock()
        })
      })
      return 'early'
    }),
    'early',
  )
  t.is(end, 20)
})

test('the failure of a child fails its parent with the same error, and cancels the siblings', (t) => {
  covers(t, 'effection spawn: rejects parent when child errors')
  const boom = new Error('boom')
  const log: string[] = []
  const error = thrown(() =>
    virtual({}, function* () {
      yield* spawn(function* () {
        try {
          yield* sleep(1000)
        } finally {
          log.push('sibling left')
        }
      })
      yield* spawn(function* () {
        yield* sleep(1)
        throw boom
      })
      try {
        yield* sleep(1000)
      } finally {
        log.push('parent left')
      }
    }),
  )
  t.is(error, boom)
  t.deepEqual(log.sort(), ['parent left', 'sibling left'])
})

test('a child that fails after the body has returned fails the parent all the same', (t) => {
  covers(t, 'trio run: main_and_task_both_crash')
  const boom = new Error('boom')
  t.is(
    thrown(() =>
      virtual({}, function* () {
        yield* spawn(function* () {
          yield* sleep(5)
          throw boom
        })
        return 'looked fine'
      }),
    ),
    boom,
  )
})

test('a body that fails cancels its children and waits for their cleanup', (t) => {
  covers(t, 'effection spawn: halts child when errored')
  const boom = new Error('boom')
  const log: string[] = []
  t.is(
    thrown(() =>
      virtual({}, function* () {
        yield* spawn(function* () {
          try {
            yield* sleep(1000)
          } finally {
            yield* sleep(5)
            log.push(`clean at ${yield* clock()}`)
          }
        })
        yield* sleep(1)
        throw boom
      }),
    ),
    boom,
  )
  t.deepEqual(log, ['clean at 6'])
})

test('a parent that catches the error at join is cancelled all the same: a child’s failure is its parent’s', (t) => {
  covers(t, 'curio task: task_group_join', 'effection spawn: raises an uncatchable error if a spawned child fails')
  const boom = new Error('boom')
  const log: string[] = []
  const error = thrown(() =>
    virtual({}, function* () {
      const child = yield* spawn(() => fail(boom))
      log.push(String(yield* thrownBy(child.join())))
      log.push(((yield* thrownBy(sleep(1))) as Error).name)
    }),
  )
  t.is(error, boom)
  t.deepEqual(log, ['Error: boom', 'Cancelled'])
})

test('a failure from generations below comes up unchanged', (t) => {
  const boom = new Error('boom')
  function* generation(n: number): Operation<void> {
    if (n === 0) yield* fail(boom)
    yield* spawn(() => generation(n - 1))
    yield* sleep(1000)
  }
  t.is(
    thrown(() => virtual({}, generation(10))),
    boom,
  )
})

test('a failure while the kernel’s other tasks work fails none of them', (t) => {
  withKernel({}, (kernel) => {
    const other = kernel.spawn(function* () {
      yield* sleep(20)
      return 'fine'
    })
    t.is(
      thrown(() => kernel.runSync(() => fail('one'))),
      'one',
    )
    t.is(
      kernel.runSync(() => other.join()),
      'fine',
    )
  })
})

test('a daemon is cancelled, not awaited', (t) => {
  covers(t, 'curio task: task_group_daemon')
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const parent = yield* spawn(function* () {
      yield* spawn(
        function* () {
          try {
            yield* sleep(1_000_000)
          } finally {
            yield* sleep(1)
            log.push('daemon left')
          }
        },
        { daemon: true },
      )
      yield* spawn(sleep(10))
      return 'result'
    })
    log.push(yield* parent.join(), yield* clock())
    return log
  })
  t.deepEqual(log, ['daemon left', 'result', 11])
})

test('a daemon of the first task does not keep the run', (t) => {
  const names_ = virtual({}, function* () {
    const daemon = yield* spawn(sleep(1_000_000), { daemon: true, name: 'daemon' })
    yield* sleep(1)
    return [daemon]
  })
  t.deepEqual(names(names_), ['daemon'])
  t.is(names_[0]?.state, 'cancelled')
})

test('the failure of a daemon is a failure', (t) => {
  covers(t, 'curio task: task_group_daemon')
  const boom = new Error('boom')
  t.is(
    thrown(() =>
      virtual({}, function* () {
        yield* spawn(() => fail(boom), { daemon: true })
        yield* sleep(10)
      }),
    ),
    boom,
  )
})

test('a daemon can be joined like any other task, and what it started goes with it', (t) => {
  covers(t, 'curio task: task_join_daemon')
  const states = virtual({}, function* () {
    const child: { task?: Task } = {}
    const daemon = yield* spawn(
      function* () {
        child.task = yield* spawn(sleep(1000))
        yield* sleep(1000)
      },
      { daemon: true },
    )
    const short = yield* spawn(give(5), { daemon: true })
    t.is(yield* short.join(), 5)
    return [daemon, child]
  })
  t.is((states[0] as Task).state, 'cancelled')
  t.is((states[1] as { task: Task }).task.state, 'cancelled')
})

test('spawn, current and clock are answered even in a cancelled task', (t) => {
  virtual({}, function* () {
    const task = yield* spawn(function* () {
      const error = yield* thrownBy(sleep(1000))
      yield* clock()
      yield* current()
      yield* spawn(give(1))
      throw error
    })
    yield* checkpoint()
    yield* task.cancel()
    t.is(task.state, 'cancelled')
  })
})

test('a task that fails before it ever waits fails', (t) => {
  covers(
    t,
    'trio run: initial_task_error',
    'trio run: child_crash_basic',
    'effection run: can be halted while in the generator',
  )
  const boom = new Error('boom')
  t.is(
    thrown(() => virtual({}, () => fail(boom))),
    boom,
  )
  t.is(
    thrown(() =>
      virtual({}, function* () {
        yield* spawn(() => fail(boom))
      }),
    ),
    boom,
  )
})

test('a child that fails wakes a parent that waits for something else', (t) => {
  covers(t, 'trio run: child_crash_wakes_parent')
  const boom = new Error('boom')
  const [error, end] = virtual({}, function* () {
    const error = yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(() => fail(boom))
        yield* sleep(Number.POSITIVE_INFINITY)
      }),
    )
    return [error, yield* clock()]
  })
  t.is(error, boom)
  t.is(end, 0)
})

test('a timeout around a join ends the join and not the task', (t) => {
  virtual({}, function* () {
    const task = yield* spawn(sleep(100))
    t.is(((yield* thrownBy(timeout(10, task.join()))) as Error).name, 'TimeoutError')
    t.false(task.ended)
    t.true(yield* task.cancel())
  })
})
