/**
 * Effection's behaviours of `run` and `spawn`, run on the kernel through both bridges.
 *
 * The last test pins what Effection does not do; a version that does will fail it, and the documentation is to change then.
 */

import test from 'ava'
import { type Cancelled, nursery, sleep } from 'drupe'
import { fromEffection } from 'drupe/effection'
import { action, type Operation, spawn, suspend, type Task } from 'effection'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'
import {
  after,
  asGuest,
  failAfter,
  failNow,
  halted,
  messageOf,
  now,
  onKernel,
  pause,
  promised,
  thrownIn,
  turn,
} from './effection-kit.js'

/** Suspends, and writes down that it was left. */
function* lingering(log: string[], name: string, cleanupMs = 0): Operation<void> {
  try {
    yield* suspend()
  } finally {
    if (cleanupMs > 0) yield* pause(cleanupMs)
    log.push(`${name} out`)
  }
}

test('a parent gets the results of its children', async (t) => {
  covers(t, 'effection spawn: can spawn a new child task', 'effection run: can compose operations')
  const sum = await onKernel(function* () {
    const one = yield* spawn(() => after(2, 12))
    const two = yield* spawn(function* () {
      return (yield* after(1, 50)) + (yield* now(5))
    })
    return (yield* one) + (yield* two)
  })
  t.is(sum, 67)
})

test('halting a parent halts its child', async (t) => {
  covers(t, 'effection spawn: halts child when halted')
  const log: string[] = []
  const task = await halted(function* () {
    yield* spawn(() => lingering(log, 'child'))
    yield* suspend()
  })
  t.deepEqual(log, ['child out'])
  t.is(task.state, 'cancelled')
  t.is((task.error as Cancelled).reason, 'halted')
})

test('a parent that returns halts its child, and waits for its cleanup', async (t) => {
  covers(t, 'effection spawn: halts child when finishing normally')
  const log: string[] = []
  const result = await onKernel(function* () {
    yield* spawn(() => lingering(log, 'child', 5))
    yield* turn()
    return 'done'
  })
  t.is(result, 'done')
  t.deepEqual(log, ['child out'])
})

test('a parent that throws halts its child', async (t) => {
  covers(t, 'effection spawn: halts child when errored')
  const log: string[] = []
  await t.throwsAsync(
    onKernel(function* () {
      yield* spawn(() => lingering(log, 'child', 5))
      yield* failAfter(1, 'boom')
    }),
    { message: 'boom' },
  )
  t.deepEqual(log, ['child out'])
})

test('a child that fails fails its parent with the same error', async (t) => {
  covers(t, 'effection spawn: rejects parent when child errors')
  const error = new Error('moo')
  const thrown = await asGuest(() =>
    thrownBy(
      fromEffection(function* () {
        yield* spawn(function* () {
          yield* pause(1)
          throw error
        })
        yield* suspend()
      }),
    ),
  )
  t.is(thrown, error)
})

test('a parent goes on when it has halted its child', async (t) => {
  covers(t, 'effection spawn: finishes normally when child halts')
  const result = await onKernel(function* () {
    const child = yield* spawn(() => suspend())
    yield* turn()
    yield* child.halt()
    return `foo, child ${yield* messageOf(child)}`
  })
  t.is(result, 'foo, child halted')
})

test('a child whose cleanup fails while its parent returns fails the parent', async (t) => {
  covers(t, 'effection spawn: rejects when child errors during completing')
  await t.throwsAsync(
    onKernel(function* () {
      yield* spawn(function* () {
        try {
          yield* suspend()
        } finally {
          yield* failAfter(1, 'moo')
        }
      })
      yield* turn()
      return 'foo'
    }),
    { message: 'moo' },
  )
})

test('a child whose cleanup fails while its parent is halted fails the halt', async (t) => {
  covers(t, 'effection spawn: rejects when child errors during halting')
  const task = await halted(function* () {
    yield* spawn(function* () {
      try {
        yield* suspend()
      } finally {
        yield* failNow('moo')
      }
    })
    yield* suspend()
  })
  t.is(task.state, 'failed')
  t.is((task.error as Error).message, 'moo')
})

test('a child that ends during the cleanup of its halted parent does not cut that', async (t) => {
  covers(t, 'effection spawn: halts when child finishes during asynchronous halt')
  const log: string[] = []
  const task = await halted(function* () {
    yield* spawn(() => pause(5))
    yield* lingering(log, 'parent', 20)
  })
  t.deepEqual(log, ['parent out'])
  t.is(task.state, 'cancelled')
})

test('children clean up one after the other, the last first', async (t) => {
  covers(t, 'effection spawn: runs destructors in reverse order and in series')
  const log: string[] = []
  await onKernel(function* () {
    for (const name of ['first', 'second']) {
      yield* spawn(function* () {
        try {
          yield* suspend()
        } finally {
          log.push(`${name} start`)
          yield* pause(2)
          log.push(`${name} done`)
        }
      })
    }
    yield* turn()
  })
  t.deepEqual(log, ['second start', 'second done', 'first start', 'first done'])
})

test('a child that would have returned is halted with its parent', async (t) => {
  covers(t, 'effection spawn: halts children on explicit halt')
  let child: Task<string> | undefined
  const message = await onKernel(function* () {
    const parent = yield* spawn(function* () {
      child = yield* spawn(() => after(20, 'foo'))
      yield* suspend()
    })
    yield* turn()
    yield* parent.halt()
    return yield* messageOf(child as Task<string>)
  })
  t.is(message, 'halted')
})

test('the failure of a child is thrown past the catch blocks of its parent', async (t) => {
  covers(t, 'effection spawn: raises an uncatchable error if a spawned child fails')
  const log: unknown[] = []
  await t.throwsAsync(
    onKernel(function* () {
      yield* spawn(() => failAfter(5, 'moo'))
      try {
        yield* pause(10)
      } catch (error) {
        log.push(error)
      }
    }),
    { message: 'moo' },
  )
  t.deepEqual(log, [])
})

test('a root returns its value, and throws its error', async (t) => {
  covers(t, 'effection run: can run an operation; propagates errors')
  t.is(await onKernel(() => now('hello')), 'hello')
  await t.throwsAsync(
    onKernel(() => failNow('boom')),
    { message: 'boom' },
  )
})

test('promises are waited for, one after the other', async (t) => {
  covers(t, 'effection run: can compose multiple promises via generator')
  const sum = await onKernel(function* () {
    return (yield* promised(Promise.resolve(12))) + (yield* promised(Promise.resolve(55)))
  })
  t.is(sum, 67)
})

test('an error of an operation ends the one around it', async (t) => {
  covers(t, 'effection run: rejects generator if subtask promise fails')
  const log: string[] = []
  await t.throwsAsync(
    onKernel(function* () {
      const one = yield* after(1, 12)
      const two = yield* failAfter(1, 'boom')
      log.push('too far')
      return one + two
    }),
    { message: 'boom' },
  )
  t.deepEqual(log, [])
})

test('a root function that throws before there is an operation throws like one', async (t) => {
  covers(t, 'effection run: rejects generator if generator creation fails')
  await t.throwsAsync(
    onKernel(() => {
      throw new Error('boom')
    }),
    { message: 'boom' },
  )
})

test('a rejected promise is thrown, and can be caught; one that is not ends the root', async (t) => {
  covers(t, 'effection run: can recover from errors in promise; propagates errors from promises')
  const boom = (): Promise<number> => Promise.reject(new Error('boom'))
  const sum = await onKernel(function* () {
    const one = yield* promised(Promise.resolve(12))
    let two: number
    try {
      two = yield* promised(boom())
    } catch {
      two = yield* promised(Promise.resolve(8))
    }
    return one + two + (yield* promised(Promise.resolve(55)))
  })
  t.is(sum, 75)
  await t.throwsAsync(
    onKernel(() => promised(boom())),
    { message: 'boom' },
  )
})

test('an error of an operation can be caught, and waits work in the catch', async (t) => {
  covers(t, 'effection run: can recover from errors in operation')
  const result = await onKernel(function* () {
    try {
      yield* failAfter(1, 'boom')
      return 'never'
    } catch {
      return yield* after(1, 'recovered')
    }
  })
  t.is(result, 'recovered')
})

test('a halted root leaves through its finally blocks, and is over with the last of them', async (t) => {
  covers(
    t,
    'effection run: can halt generator; halts task when halted generator; can perform async operations in a finally block; can suspend in yielded finally block',
  )
  const log: string[] = []
  const task = await halted(function* () {
    try {
      yield* lingering(log, 'inner', 5)
    } finally {
      log.push('outer out')
    }
  })
  t.is(task.state, 'cancelled')
  t.deepEqual(log, ['inner out', 'outer out'])
})

test('a halt is an operation, over when the cleanup is', async (t) => {
  covers(t, 'effection run: can halt a task as an operation')
  const log: string[] = []
  await onKernel(function* () {
    const task = yield* spawn(() => lingering(log, 'child', 3))
    yield* turn()
    yield* task.halt()
    log.push(yield* messageOf(task))
  })
  t.deepEqual(log, ['child out', 'halted'])
})

test('a child that fails at once ends a suspended root', async (t) => {
  covers(t, 'effection run: can be halted while in the generator')
  await t.throwsAsync(
    onKernel(function* () {
      yield* spawn(() => failNow('boom'))
      yield* suspend()
    }),
    { message: 'boom' },
  )
})

test('a task can halt itself, directly and through a child', async (t) => {
  covers(t, 'effection run: can halt itself; can halt itself between yield points')
  const messages = await onKernel(function* () {
    const messages: string[] = []
    const direct: Task<void> = yield* spawn(function* () {
      yield* turn()
      yield* direct.halt()
    })
    messages.push(yield* messageOf(direct))
    const through: Task<void> = yield* spawn(function* () {
      yield* turn()
      yield* spawn(() => through.halt())
      yield* suspend()
    })
    messages.push(yield* messageOf(through))
    return messages
  })
  t.deepEqual(messages, ['halted', 'halted'])
})

test('the cleanup of a parent whose child failed is waited for', async (t) => {
  covers(t, 'effection run: can delay halt if child fails')
  const log: string[] = []
  await t.throwsAsync(
    onKernel(function* () {
      yield* spawn(() => failNow('boom'))
      yield* lingering(log, 'parent', 20)
    }),
    { message: 'boom' },
  )
  t.deepEqual(log, ['parent out'])
})

test('an action that throws on entering throws there', async (t) => {
  covers(t, 'effection run: handles error in entering suspend point')
  const error = new Error('boom!')
  const seen = await onKernel(() =>
    thrownIn(
      action(() => {
        throw error
      }),
    ),
  )
  t.is(seen, error)
})

test('an action that throws on leaving fails the halt', async (t) => {
  covers(t, 'effection run: handles errors in exiting suspend points')
  const error = new Error('boom!')
  const task = await halted(() =>
    action<void>(() => () => {
      throw error
    }),
  )
  t.is(task.state, 'failed')
  t.is(task.error, error)
})

test('of the failure of a child and that of its parent’s cleanup the last one leaves', async (t) => {
  covers(t, 'effection run: can throw error when child blows up')
  await t.throwsAsync(
    onKernel(function* () {
      yield* spawn(() => failNow('boom'))
      try {
        yield* suspend()
      } finally {
        yield* failNow('bang')
      }
    }),
    { message: 'bang' },
  )
})

test('a cleanup that fails fails the halt, and nothing is hidden by it', async (t) => {
  covers(t, 'effection run: throws an error in halt() if its finally block blows up')
  const task = await halted(function* () {
    try {
      yield* suspend()
    } finally {
      yield* failAfter(1, 'moo')
    }
  })
  t.is((task.error as Error).message, 'moo')
})

test('halting a root that has failed is fine, and changes nothing', async (t) => {
  covers(t, 'effection run: successfully halts when task fails, but shutdown succeeds')
  const [alive, state] = await asGuest(() =>
    nursery(
      function* (n) {
        const task = yield* n.spawn(() => fromEffection(() => failNow('boom!')))
        yield* task.wait()
        yield* sleep(1)
        return [yield* task.cancel(), task.state]
      },
      { onError: 'collect' },
    ),
  )
  t.false(alive)
  t.is(state, 'failed')
})

test('what stays: inside Effection code a caller goes on after an asynchronous finally under it (effection #1190)', async (t) => {
  const log: string[] = []
  await onKernel(function* () {
    const task = yield* spawn(function* () {
      yield* lingering(log, 'inner', 1)
      log.push('went on')
    })
    yield* turn()
    yield* task.halt()
  })
  t.deepEqual(log, ['inner out', 'went on'])
})
