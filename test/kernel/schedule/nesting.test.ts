/**
 * Scopes are blocks: they close in the reverse order of their opening, each in the task that opened it.
 *
 * With `yield*` there is no other way. These tests step through operations by hand, which can leave one in the middle,
 * and show that the kernel notices, or at least loses neither a task nor a timer by it.
 */

import test from 'ava'
import * as doors from 'drupe'
import {
  checkpoint,
  clock,
  current,
  KernelStateError,
  moveOn,
  type Nursery,
  nursery,
  type Operation,
  scope,
  sleep,
  spawn,
  type Task,
  type Yielded,
} from 'drupe'
import * as lowlevel from 'drupe/lowlevel'
import * as testing from 'drupe/testing'
import { virtual, waitAllBlocked } from 'drupe/testing'
import type { Resumed } from '../../../kernel/protocol/trap.js'
import { covers } from '../../covers.js'
import { fail, thrownBy } from '../../kit.js'

type Steps = Iterator<Yielded, unknown, unknown>

/** Runs an operation up to this many traps and leaves it in the last of them. */
function partly(steps: Steps, traps: number): Operation<void> {
  let left = traps
  const next = (answer?: unknown): IteratorResult<Yielded, void> =>
    left-- === 0 ? { done: true, value: undefined } : (steps.next(answer) as IteratorResult<Yielded, void>)
  return {
    [Symbol.iterator]: () => ({ next, throw: (error) => steps.throw?.(error) as IteratorResult<Yielded, void> }),
  }
}

/** Goes on with an operation that was left in a trap, whose answer is not looked at. */
function theRestOf(steps: Steps): Operation<unknown> {
  const answered: Resumed = { value: undefined }
  return {
    [Symbol.iterator]: () => ({
      next: (answer: unknown = answered) => steps.next(answer),
      throw: (error) => steps.throw?.(error) as IteratorResult<Yielded, unknown>,
    }),
  }
}

const opened = (op: Operation<unknown>): Steps => op[Symbol.iterator]()

/** A scope whose body waits once; `partly` of two traps is inside it. */
const waitingScope = (): Steps => opened(scope({}, () => checkpoint()))

test('a scope that is closed before one inside it is an error, and the inner one closes as usual', (t) => {
  covers(t, 'trio run: cancel_scope_misnesting_1')
  virtual({}, function* () {
    const outer = waitingScope()
    const inner = waitingScope()
    yield* partly(outer, 2)
    yield* partly(inner, 2)
    const error = yield* thrownBy(theRestOf(outer))
    t.true(error instanceof KernelStateError)
    t.is((error as Error).message, 'Cannot close the scope: it is not the innermost one')
    yield* theRestOf(inner)
    t.is(yield* moveOn(10, sleep(1000), 'timers work'), 'timers work')
  })
})

test('a nursery that is left before one inside it is an error; nobody is lost', (t) => {
  covers(t, 'trio run: nursery_nested_child_misnest, cancel_scope_misnesting_2')
  const log: string[] = []
  virtual({}, function* () {
    const careless = yield* spawn(function* careless() {
      const error = yield* thrownBy(
        nursery(function* (n) {
          yield* n.spawn(function* () {
            yield* sleep(10)
            log.push('outer child')
          })
          const inner = nursery(function* (n) {
            yield* n.spawn(function* () {
              yield* sleep(20)
              log.push('inner child')
            })
            yield* checkpoint()
          })
          yield* partly(opened(inner), 3)
        }),
      )
      t.true(error instanceof KernelStateError)
      t.is((error as Error).message, 'Cannot leave the nursery: it is not the innermost scope')
    })
    yield* careless.join()
    t.is(yield* clock(), 20)
  })
  t.deepEqual(log, ['outer child', 'inner child'])
})

test('a scope is closed by nobody but the task that opened it', (t) => {
  covers(t, 'trio run: cancel_scope_misnesting_3')
  virtual({}, function* () {
    const steps = waitingScope()
    yield* partly(steps, 2)
    const stranger = yield* spawn(() => thrownBy(theRestOf(steps)))
    t.true((yield* stranger.join()) instanceof KernelStateError)
    t.is(yield* moveOn(10, sleep(1000), 'still here'), 'still here')
  })
})

test('children in a nursery that their task never left are that task’s own: it waits for them', (t) => {
  covers(t, 'trio run: nursery_misnest')
  virtual({}, () =>
    nursery(function* (outer) {
      const child = yield* outer.spawn(function* careless() {
        const inner = nursery(function* (n) {
          yield* n.spawn(sleep(10), { name: 'grandchild' })
          yield* checkpoint()
        })
        yield* partly(opened(inner), 3)
      })
      yield* waitAllBlocked()
      t.is(child.state, 'finishing')
      yield* child.join()
      t.is(yield* clock(), 10)
    }),
  )
})

test('they clean up when that task is cancelled, and their errors are its errors', (t) => {
  covers(t, 'trio run: asyncexitstack_nursery_misnest, asyncexitstack_nursery_misnest_cleanup')
  const log: string[] = []
  const careless = (end: () => Operation<unknown>) =>
    function* () {
      const inner = nursery(function* (n: Nursery) {
        yield* n.spawn(function* () {
          try {
            yield* sleep(10)
          } finally {
            log.push('cleaned up')
            yield* end()
          }
        })
        yield* checkpoint()
      })
      yield* partly(opened(inner), 3)
    }
  virtual({}, function* () {
    const cancelled = yield* spawn(careless(() => sleep(1)))
    yield* waitAllBlocked()
    yield* cancelled.cancel()
    t.is(cancelled.state, 'cancelled')
    t.deepEqual(log, ['cleaned up'])
    const boom = new Error('boom')
    t.is(yield* thrownBy(() => nursery((n) => n.spawn(careless(() => fail(boom))))), boom)
  })
})

test('an inner nursery that fails leaves the outer one as it was', (t) => {
  covers(t, 'trio run: task_nursery_stack, nursery_explicit_exception')
  virtual({}, () =>
    nursery(function* (outer) {
      const boom = new Error('boom')
      const parents: (Task | null)[] = []
      const where = function* (n: Nursery): Operation<boolean> {
        const before = n.size
        parents.push((yield* spawn(sleep(0))).parent)
        return n.size === before + 1
      }
      t.true(yield* where(outer))
      t.is(
        yield* thrownBy(
          nursery(function* (inner) {
            t.true(yield* where(inner))
            throw boom
          }),
        ),
        boom,
      )
      t.true(yield* where(outer))
      const me = yield* current()
      t.true(parents.every((parent) => parent === me))
    }),
  )
})

test('only the kernel makes scopes, nurseries and tasks: the doors have their types, and no classes to make or extend', (t) => {
  covers(t, 'trio run: Nursery_init, Nursery_private_init, Nursery_subclass, CancelScope_subclass')
  const exported = new Set([doors, lowlevel, testing].flatMap((door) => Object.keys(door)))
  t.true(exported.has('nursery'))
  t.deepEqual(
    ['Nursery', 'Scope', 'Task'].filter((name) => exported.has(name)),
    [],
  )
})
