/**
 * `nursery(body)`: left when body and children are done; the first failure cancels the rest and leaves unchanged.
 *
 * Also who may spawn into it and until when, its own cancel, what an outer cancel does while it waits for its children,
 * and where later failures go.
 */

import test from 'ava'
import { type Cancelled, checkpoint, clock, moveOn, nursery, scope, shield, sleep, suppressed, type Task } from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

const FOREVER = Number.POSITIVE_INFINITY

test('a nursery returns what its body returned, after the last child', (t) => {
  const log = virtual({}, function* () {
    const log: unknown[] = []
    const result = yield* nursery(function* (n) {
      yield* n.spawn(function* () {
        yield* sleep(50)
        log.push('child')
      })
      log.push('body')
      return 'result'
    })
    log.push(result, yield* clock())
    return log
  })
  t.deepEqual(log, ['body', 'child', 'result', 50])
})

test('an empty nursery is left at once', (t) => {
  covers(t, 'curio task: task_group_empty')
  t.is(
    virtual({}, function* () {
      yield* nursery(() => give(1))
      return yield* clock()
    }),
    0,
  )
})

test('a nursery knows how many children live in it', (t) => {
  const sizes = virtual({}, function* () {
    const sizes: number[] = []
    yield* nursery(function* (n) {
      sizes.push(n.size)
      for (const ms of [10, 20]) yield* n.spawn(sleep(ms))
      sizes.push(n.size)
      yield* sleep(15)
      sizes.push(n.size)
    })
    return sizes
  })
  t.deepEqual(sizes, [0, 2, 1])
})

test('the first failure of a child leaves unchanged, and cancels the siblings and the body', (t) => {
  covers(t, 'trio run: task_crash_propagation', 'curio task: task_group_error')
  const boom = new Error('boom')
  const log: string[] = []
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(function* () {
          try {
            yield* sleep(1000)
          } finally {
            log.push('sibling')
          }
        })
        yield* n.spawn(function* () {
          yield* sleep(5)
          throw boom
        })
        try {
          yield* sleep(1000)
        } catch (error) {
          log.push((error as Error).name)
          t.is((error as Cancelled).reason, boom)
          throw error
        }
      }),
    )
  })
  t.is(error, boom)
  t.deepEqual(log.sort(), ['Cancelled', 'sibling'])
})

test('the failure of the body leaves unchanged, and cancels the children', (t) => {
  covers(t, 'trio run: nursery_main_block_error_basic', 'curio task: task_group_error_block')
  const boom = new Error('boom')
  const [error, state, end] = virtual({}, function* () {
    let child: Task | undefined
    const error = yield* thrownBy(() =>
      nursery(function* (n) {
        child = yield* n.spawn(sleep(1000))
        yield* sleep(5)
        throw boom
      }),
    )
    return [error, child?.state, yield* clock()]
  })
  t.deepEqual([error, state, end], [boom, 'cancelled', 5])
})

test('a nursery that fails is left when the slowest cleanup is done, not before', (t) => {
  covers(t, 'effection run: can delay halt if child fails')
  const end = virtual({}, function* () {
    yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(function* () {
          try {
            yield* sleep(1000)
          } finally {
            yield* sleep(100)
          }
        })
        yield* checkpoint()
        throw new Error('boom')
      }),
    )
    return yield* clock()
  })
  t.is(end, 100)
})

test('later failures are suppressed, in their order', (t) => {
  covers(t, 'trio run: two_child_crashes', 'effection run: can throw error when child blows up')
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(() => fail(new Error('first')))
        yield* n.spawn(() => fail(new Error('second')))
        yield* n.spawn(function* () {
          try {
            yield* sleep(1000)
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: that is the case
            throw new Error('in cleanup')
          }
        })
        yield* checkpoint()
        throw new Error('body')
      }),
    )
  })
  t.is((error as Error).message, 'first')
  t.deepEqual(
    suppressed(error)
      .map((later) => (later as Error).message)
      .sort(),
    ['body', 'in cleanup', 'second'],
  )
})

test('body and child fail in the same pass: both errors are known', (t) => {
  covers(t, 'trio run: main_and_task_both_crash')
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(() => fail(new Error('child')))
        throw new Error('body')
      }),
    )
  })
  t.is((error as Error).message, 'body')
  t.deepEqual(suppressed(error).map(String), ['Error: child'])
})

test('with errors: group it is always an AggregateError, of all failures', (t) => {
  covers(t, 'trio run: setting_strict_exception_groups')
  for (const reasons of [
    ['a'],
    ['a', 'b', 'c'],
    [new Error('x'), new Error('y')],
    [Object.freeze(new Error('f')), 'z'],
  ]) {
    const error = virtual({}, function* () {
      return yield* thrownBy(() =>
        nursery(
          function* (n) {
            for (const reason of reasons) yield* n.spawn(() => fail(reason))
          },
          { errors: 'group' },
        ),
      )
    })
    t.true(error instanceof AggregateError)
    t.deepEqual((error as AggregateError).errors, reasons)
    t.regex((error as Error).message, new RegExp(`^${reasons.length} `))
  }
})

test('with errors: group an outer cancel is still a Cancelled', (t) => {
  const result = virtual({}, function* () {
    return yield* moveOn(
      10,
      nursery(
        function* (n) {
          yield* n.spawn(sleep(1000))
        },
        { errors: 'group' },
      ),
      'moved on',
    )
  })
  t.is(result, 'moved on')
})

test('a failing nursery inside another fails that one with the same error', (t) => {
  const boom = new Error('boom')
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (outer) {
        yield* outer.spawn(() =>
          nursery(function* (inner) {
            yield* inner.spawn(() => fail(boom))
          }),
        )
        yield* sleep(1000)
      }),
    )
  })
  t.is(error, boom)
})

test('n.cancel() ends body and children without an error', (t) => {
  const log: unknown[] = []
  virtual({}, function* () {
    const result = yield* nursery(function* (n) {
      yield* n.spawn(function* () {
        log.push(((yield* thrownBy(sleep(1000))) as Cancelled).reason)
      })
      yield* sleep(5)
      log.push(yield* n.cancel('enough'), yield* n.cancel('again'))
      yield* sleep(1000)
      return 'too far'
    })
    log.push(result, yield* clock())
  })
  t.deepEqual(log, [true, false, 'enough', undefined, 5])
})

test('a body that is done before n.cancel() keeps its result', (t) => {
  const result = virtual({}, function* () {
    return yield* nursery(function* (n) {
      yield* n.spawn(function* () {
        yield* sleep(5)
        yield* n.cancel()
      })
      yield* n.spawn(sleep(1000))
      return 'kept'
    })
  })
  t.is(result, 'kept')
})

test('whichever scope cancelled whom, one failure is what is left of a nursery', (t) => {
  covers(t, 'trio run: cancel_scope_exceptiongroup_filtering')
  const crash = new Error('crash')
  const states: string[] = []
  virtual({}, function* () {
    const tasks: Task[] = []
    const error = yield* thrownBy(
      scope({}, (outer) =>
        nursery(
          function* (n) {
            tasks.push(yield* n.spawn(sleep(FOREVER)), yield* n.spawn(sleep(FOREVER)))
            yield* n.cancel()
            yield* shield(waitAllBlocked())
            tasks.push(yield* n.spawn(sleep(FOREVER)))
            yield* outer.cancel()
            tasks.push(yield* n.spawn(() => fail(crash)))
          },
          { errors: 'group' },
        ),
      ),
    )
    states.push(...tasks.map((task) => task.state))
    t.deepEqual((error as AggregateError).errors, [crash])
  })
  t.deepEqual(states, ['cancelled', 'cancelled', 'cancelled', 'failed'])
})

test('a group inside another nursery is one failure there, as it is', (t) => {
  covers(t, 'trio run: nursery_collapse')
  const outer = new Error('outer')
  const inner = new Error('inner')
  for (const errors of ['first', 'group'] as const) {
    const error = virtual({}, () =>
      thrownBy(
        nursery(
          function* (n) {
            yield* n.spawn(sleep(FOREVER))
            yield* n.spawn(() => fail(outer))
            yield* nursery(
              function* (n2) {
                yield* n2.spawn(sleep(FOREVER))
                yield* n2.spawn(() => fail(inner))
                yield* n.cancel()
              },
              { errors },
            )
          },
          { errors: 'group' },
        ),
      ),
    )
    const [first, second] = (error as AggregateError).errors
    t.is((error as AggregateError).errors.length, 2)
    t.is(first, outer)
    if (errors === 'first') t.is(second, inner)
    else t.deepEqual((second as AggregateError).errors, [inner])
  }
})

test('a promise that is yielded by mistake fails its nursery and nothing else', (t) => {
  covers(t, 'trio run: asyncio_function_inside_nursery_does_not_explode')
  virtual({}, function* () {
    let child: Task | undefined
    const error = yield* thrownBy(
      nursery(function* (n) {
        child = yield* n.spawn(sleep(FOREVER))
        yield Promise.resolve() as never
      }),
    )
    t.true(error instanceof TypeError)
    t.is(child?.state, 'cancelled')
  })
})
