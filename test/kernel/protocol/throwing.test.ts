/**
 * Errors that come in while a task is dealing with others: each `catch` keeps its own, whatever other tasks throw meanwhile.
 *
 * JavaScript keeps no current exception and chains nothing by itself; what is asserted is that the kernel adds nothing to
 * that and takes nothing away, through several levels of `yield*`.
 */

import test from 'ava'
import { nursery, type Operation, sleep, spawn, suppressed, suspend } from 'drupe'
import { Sequencer, virtual, waitAllBlocked } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'

type Reject = (error: unknown) => void

const key = new Error('key')
const value = new Error('value')

/** Runs a task that is waiting when `value` is thrown into it; what the task throws. */
function thrownInto(task: (wait: () => Operation<void>) => Operation<void>): unknown {
  return virtual({}, () =>
    thrownBy(
      nursery(function* (n) {
        let reject: Reject = () => {}
        const wait = (): Operation<void> => suspend((_, r) => void (reject = r))
        yield* n.spawn(() => task(wait))
        yield* waitAllBlocked()
        reject(value)
      }),
    ),
  )
}

test('two tasks that wait in a catch each throw their own error again', (t) => {
  covers(t, 'trio run: exc_info')
  virtual({}, function* () {
    const turns = new Sequencer()
    const rethrow = function* (error: Error, first: number, second: number): Operation<unknown> {
      return yield* thrownBy(function* () {
        try {
          yield* turns.at(first)
          throw error
        } catch (caught) {
          yield* turns.at(second)
          throw caught
        }
      })
    }
    const one = yield* spawn(() => rethrow(key, 0, 2))
    const two = yield* spawn(() => rethrow(value, 1, 3))
    t.deepEqual([yield* one.join(), yield* two.join()], [key, value])
    t.deepEqual([key.cause, value.cause], [undefined, undefined])
  })
})

test('an error that is thrown into a catch and swallowed there leaves the first one in hand', (t) => {
  covers(t, 'trio run: exc_info_after_throw_suppressed, exc_info_after_throw_to_inner_suppressed')
  const swallow = function* (wait: () => Operation<void>): Operation<void> {
    t.is(yield* thrownBy(wait()), value)
  }
  for (const wrap of [
    (wait: () => Operation<void>) => swallow(wait),
    function* (wait: () => Operation<void>): Operation<void> {
      yield* swallow(wait)
    },
  ]) {
    const error = thrownInto(function* (wait) {
      try {
        throw key
      } catch (caught) {
        yield* wrap(wait)
        throw caught
      }
    })
    t.is(error, key)
    t.deepEqual(suppressed(error), [])
  }
})

test('an error that is thrown into a catch and not swallowed leaves as it is, with no cause but one that is given', (t) => {
  covers(t, 'trio run: exception_chaining_after_throw, exception_chaining_after_throw_to_inner')
  const inner = function* (wait: () => Operation<void>): Operation<void> {
    try {
      throw new RangeError('inner')
    } catch {
      yield* wait()
    }
  }
  const bare = thrownInto(function* (wait) {
    try {
      throw key
    } catch {
      yield* inner(wait)
    }
  })
  t.is(bare, value)
  t.is(value.cause, undefined)
  const chained = thrownInto(function* (wait) {
    try {
      yield* inner(wait)
    } catch (cause) {
      throw new Error('outer', { cause })
    }
  })
  t.is((chained as Error).cause, value)
})

test('the stack of a child’s error begins in the child', (t) => {
  covers(t, 'trio run: traceback_frame_removal')
  const error = virtual({}, () =>
    thrownBy(
      nursery(function* (n) {
        yield* n.spawn(function* failingChild() {
          yield* sleep(1)
          throw new Error('from below')
        })
      }),
    ),
  )
  const [message, first] = ((error as Error).stack ?? '').split('\n')
  t.is(message, 'Error: from below')
  t.regex(first ?? '', /failingChild/)
})
