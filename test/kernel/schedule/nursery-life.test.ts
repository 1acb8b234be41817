/**
 * The life of a nursery: who may spawn into it and until when, daemons, outer cancels, and what it takes as a scope.
 *
 * How failures leave it is in nursery.test.ts.
 */

import test from 'ava'
import {
  Cancelled,
  ClosedError,
  checkpoint,
  clock,
  moveOn,
  type Nursery,
  nursery,
  type Operation,
  scope,
  sleep,
  spawn,
  type Task,
  timeout,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrown, thrownBy } from '../../kit.js'

test('a child spawns into the nursery it lives in, even while only children are left', (t) => {
  covers(t, 'trio run: nursery_closure')
  const log = virtual({}, function* () {
    const log: string[] = []
    function* generation(n: Nursery, depth: number): Operation<void> {
      yield* sleep(10)
      log.push(`${depth} at ${yield* clock()}`)
      if (depth > 0) yield* n.spawn(() => generation(n, depth - 1))
    }
    yield* nursery(function* (n) {
      yield* n.spawn(() => generation(n, 2))
    })
    log.push(`out at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log, ['2 at 10', '1 at 20', '0 at 30', 'out at 30'])
})

test('a task outside spawns into it while it lives; the child belongs to the nursery', (t) => {
  virtual({}, function* () {
    const box: { n?: Nursery; child?: Task } = {}
    const outside = yield* spawn(function* () {
      yield* sleep(5)
      box.child = yield* (box.n as Nursery).spawn(sleep(100))
    })
    yield* nursery(function* (n) {
      box.n = n
      yield* n.spawn(sleep(10))
    })
    t.is(box.child?.state, 'done')
    t.is(yield* clock(), 105)
    yield* outside.join()
  })
})

test('spawning into a nursery that has ended is a ClosedError', (t) => {
  covers(t, 'trio run: nursery_closure', 'curio task: task_group_use_error')
  virtual({}, function* () {
    let kept: Nursery | undefined
    yield* nursery(function* (n) {
      kept = n
      yield* give(1)
    })
    const error = yield* thrownBy((kept as Nursery).spawn(give(1)))
    t.true(error instanceof ClosedError)
    t.is((error as ClosedError).code, 'DRUPE_CLOSED')
    t.false(yield* (kept as Nursery).cancel())
  })
})

test('an outer cancel while it waits for its children reaches them, and it waits for their cleanup', (t) => {
  covers(t, 'curio task: task_group_cancel')
  const log: string[] = []
  const result = virtual({}, function* () {
    const result = yield* moveOn(
      10,
      nursery(function* (n) {
        yield* n.spawn(function* () {
          try {
            yield* sleep(1000)
          } finally {
            yield* sleep(20)
            log.push(`clean at ${yield* clock()}`)
          }
        })
        return 'body is done'
      }),
      'moved on',
    )
    log.push(`out at ${yield* clock()}`)
    return result
  })
  t.is(result, 'moved on')
  t.deepEqual(log, ['clean at 30', 'out at 30'])
})

test('a child that fails in its cleanup after an outer cancel: the failure leaves, not the cancel', (t) => {
  covers(t, 'effection spawn: rejects when child errors during halting')
  const boom = new Error('boom')
  const error = virtual({}, function* () {
    return yield* thrownBy(
      moveOn(10, () =>
        nursery(function* (n) {
          yield* n.spawn(function* () {
            try {
              yield* sleep(1000)
            } finally {
              // biome-ignore lint/correctness/noUnsafeFinally: that is the case
              throw boom
            }
          })
        }),
      ),
    )
  })
  t.is(error, boom)
})

test('a child that was cancelled by hand is no failure', (t) => {
  covers(t, 'effection spawn: finishes normally when child halts')
  const result = virtual({}, function* () {
    return yield* nursery(function* (n) {
      const child = yield* n.spawn(sleep(1000))
      const other = yield* n.spawn(function* () {
        yield* sleep(10)
        return 'untouched'
      })
      yield* checkpoint()
      yield* child.cancel()
      return yield* other.join()
    })
  })
  t.is(result, 'untouched')
})

test('the nursery’s children are not the task’s: plain spawn goes to the innermost', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* nursery(function* () {
      yield* spawn(function* () {
        yield* sleep(10)
        log.push('inner')
      })
    })
    log.push('between')
    yield* nursery(function* (outer) {
      yield* nursery(function* () {
        yield* outer.spawn(function* () {
          yield* sleep(10)
          log.push('outer')
        })
      })
      log.push('inner left')
    })
    return log
  })
  t.deepEqual(log, ['inner', 'between', 'inner left', 'outer'])
})

test('a daemon in a nursery is cancelled when all else is done, and the body counts', (t) => {
  covers(t, 'curio task: task_wait_none')
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* nursery(function* (n) {
      yield* n.spawn(
        function* () {
          try {
            for (;;) {
              yield* sleep(10)
              log.push('tick')
            }
          } finally {
            log.push('daemon out')
          }
        },
        { daemon: true },
      )
      yield* n.spawn(sleep(15))
      yield* sleep(25)
      log.push('body out')
    })
    return log
  })
  t.deepEqual(log, ['tick', 'tick', 'body out', 'daemon out'])
})

test('a nursery in a scope with a deadline is cancelled with it', (t) => {
  covers(t, 'curio task: task_group_timeout')
  virtual({}, function* () {
    const states: string[] = []
    const result = yield* scope({ deadline: 10 }, () =>
      nursery(function* (n) {
        const child = yield* n.spawn(sleep(1000))
        try {
          yield* sleep(1000)
        } finally {
          yield* child.wait()
          states.push(child.state)
        }
      }),
    )
    t.is(result, undefined)
    t.deepEqual(states, ['cancelled'])
  })
})

test('a nursery takes deadline, grace and shield like any scope', (t) => {
  virtual({}, function* () {
    t.is(
      yield* nursery(
        function* (n) {
          t.is(n.deadline, 10)
          t.is(n.name, 'pool')
          yield* sleep(1000)
        },
        { deadline: 10, name: 'pool' },
      ),
      undefined,
    )
    t.is(yield* clock(), 10)
    const shielded = yield* moveOn(
      5,
      nursery(
        function* (n) {
          return yield* (yield* n.spawn(function* () {
            yield* sleep(50)
            return 'whole'
          })).join()
        },
        { shield: true },
      ),
      'cut',
    )
    t.is(shielded, 'whole')
    t.is(yield* clock(), 60)
  })
})

test('a failed spawn leaves the nursery as it was', (t) => {
  t.is(
    virtual({}, function* () {
      return yield* nursery(function* (n) {
        yield* thrownBy(() => n.spawn(undefined as never))
        return n.size
      })
    }),
    0,
  )
})

test('the same nursery operation cannot run twice, but the function can', (t) => {
  const pool = () =>
    nursery(function* (n) {
      yield* n.spawn(sleep(5))
      return yield* clock()
    })
  t.deepEqual(
    virtual({}, function* () {
      return [yield* pool(), yield* pool()]
    }),
    [0, 5],
  )
})

test('timeouts inside children blame nobody else', (t) => {
  const errors = virtual({}, function* () {
    const errors: string[] = []
    yield* nursery(function* (n) {
      for (const ms of [30, 10, 20]) {
        yield* n.spawn(function* () {
          const error = yield* thrownBy(timeout(ms, sleep(1000)))
          errors.push(`${(error as { ms?: number }).ms} at ${yield* clock()}`)
        })
      }
    })
    return errors
  })
  t.deepEqual(errors, ['10 at 10', '20 at 20', '30 at 30'])
})

test('a Cancelled that is thrown by hand into a nursery it does not belong to is a failure', (t) => {
  const stray = new Cancelled({}, 'nobody', undefined)
  t.is(
    thrown(() =>
      virtual({}, function* () {
        yield* nursery(function* (n) {
          yield* n.spawn(() => fail(stray))
        })
      }),
    ),
    stray,
  )
})
