/**
 * Errors: each class has its stable code, a message of the form "Cannot …: …", and keeps what it was given.
 */

import { inspect } from 'node:util'
import test from 'ava'
import {
  BrokenError,
  BusyError,
  Cancelled,
  ClosedError,
  DeadlockError,
  DrupeError,
  ForgottenYieldError,
  KernelStateError,
  nursery,
  SystemError,
  sleep,
  spawn,
  suppressed,
  TaskCancelledError,
  TimeoutError,
  UnsupportedError,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, thrownBy } from '../../kit.js'

const EXAMPLES: readonly (readonly [name: string, code: string, error: DrupeError, message: string])[] = [
  ['Cancelled', 'DRUPE_CANCELLED', new Cancelled({}, 'timeout', undefined), 'Cannot go on: timeout was cancelled'],
  [
    'Cancelled',
    'DRUPE_CANCELLED',
    new Cancelled({}, 'task 3 (x)', 'why'),
    'Cannot go on: task 3 (x) was cancelled (why)',
  ],
  ['TimeoutError', 'DRUPE_TIMEOUT', new TimeoutError('read fd 7', 5), 'Cannot read fd 7: not done within 5 ms'],
  [
    'TaskCancelledError',
    'DRUPE_TASK_CANCELLED',
    new TaskCancelledError('task 1 (x)'),
    'Cannot join task 1 (x): it was cancelled',
  ],
  ['ClosedError', 'DRUPE_CLOSED', new ClosedError('read'), 'Cannot read: it is closed'],
  ['BusyError', 'DRUPE_BUSY', new BusyError('read', 'another task reads'), 'Cannot read: another task reads'],
  ['BrokenError', 'DRUPE_BROKEN', new BrokenError('read 5 bytes', 'the end'), 'Cannot read 5 bytes: the end'],
  [
    'DeadlockError',
    'DRUPE_DEADLOCK',
    new DeadlockError(['a', 'b']),
    'Cannot go on: 2 task(s) wait for each other and nothing else is under way: a; b',
  ],
  ['KernelStateError', 'DRUPE_KERNEL_STATE', new KernelStateError('run', 'closed'), 'Cannot run: closed'],
  [
    'ForgottenYieldError',
    'DRUPE_FORGOTTEN_YIELD',
    new ForgottenYieldError('sleep', 'task 3 (worker)'),
    'Cannot finish task 3 (worker): sleep() was called and never run; write "yield* sleep(…)"',
  ],
  [
    'UnsupportedError',
    'DRUPE_UNSUPPORTED',
    new UnsupportedError('read', 'no files here'),
    'Cannot read: no files here',
  ],
]

for (const [name, code, error, message] of EXAMPLES) {
  test(`${name}: "${message}"`, (t) => {
    covers(t, 'trio cancelled: Cancelled_str')
    t.true(error instanceof DrupeError)
    t.true(error instanceof Error)
    t.is(error.name, name)
    t.is(error.code, code)
    t.is(error.message, message)
    t.is(String(error), `${name}: ${message}`)
  })
}

test('a system error looks like one of Node’s', (t) => {
  const fields = {
    code: 'ECONNREFUSED',
    errno: -111,
    syscall: 'connect',
    text: 'connection refused',
    address: '::1',
    port: 80,
  }
  const error = new SystemError(fields)
  t.is(error.message, 'Cannot connect ::1:80: connection refused (ECONNREFUSED)')
  t.like(error, { code: 'ECONNREFUSED', errno: -111, syscall: 'connect', address: '::1', port: 80 })
  const bare = new SystemError({ code: 'EBADF', errno: -9, syscall: 'read', text: 'bad file descriptor' })
  t.is(bare.message, 'Cannot read: bad file descriptor (EBADF)')
  t.false('address' in bare)
  t.false('port' in bare)
})

test('a broken stream keeps what had arrived', (t) => {
  t.deepEqual(new BrokenError('read', 'the end', new Uint8Array([1, 2])).partial, new Uint8Array([1, 2]))
})

for (const [what, reason] of [
  ['an object without a prototype', Object.create(null)],
  ['an object that cannot be a string', { toString: () => fail('no') }],
  [
    'an object whose toString throws',
    {
      toString() {
        throw new Error('no')
      },
    },
  ],
  ['a symbol', Symbol('s')],
  ['an error', new Error('why')],
  ['null', null],
] as const) {
  test(`${what} can be the reason of a cancel`, (t) => {
    covers(t, 'trio cancelled: cancel_reason')
    const error = virtual({}, function* () {
      const task = yield* spawn(() => thrownBy(sleep(10)))
      yield* sleep(1)
      yield* task.cancel(reason)
      return task.result
    })
    t.true(error instanceof Cancelled)
    t.is((error as Cancelled).reason, reason)
    t.is(typeof (error as Cancelled).message, 'string')
  })
}

test('any value can be thrown, and cancels the siblings', (t) => {
  for (const odd of [Object.create(null), Symbol('s'), undefined, null, 0, '', () => {}]) {
    const [caught, state] = virtual({}, function* () {
      const caught: unknown[] = []
      let state = ''
      try {
        yield* nursery(function* (n) {
          const sibling = yield* n.spawn(sleep(1000))
          yield* sleep(1)
          yield* n.spawn(() => fail(odd))
          try {
            yield* sleep(1000)
          } finally {
            yield* sibling.wait()
            state = sibling.state
          }
        })
      } catch (error) {
        caught.push(error)
      }
      return [caught, state]
    })
    t.deepEqual([(caught as unknown[]).length, state], [1, 'cancelled'])
    t.is((caught as unknown[])[0], odd)
  }
})

test('errors without later ones have none suppressed', (t) => {
  for (const value of [new Error('x'), null, undefined, 'text', 5, {}]) t.deepEqual(suppressed(value), [])
})

test('later failures are listed in their order, and printing shows them', (t) => {
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        for (const name of ['first', 'second', 'third']) yield* n.spawn(() => fail(new Error(name)))
      }),
    )
  })
  t.is((error as Error).message, 'first')
  t.deepEqual(suppressed(error).map(String), ['Error: second', 'Error: third'])
  t.regex(inspect(error), /second[\s\S]*third/)
})

test('later failures of a frozen error are kept as well', (t) => {
  const first = Object.freeze(new Error('first'))
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(() => fail(first))
        yield* n.spawn(() => fail(new Error('second')))
      }),
    )
  })
  t.is(error, first)
  t.deepEqual(suppressed(error).map(String), ['Error: second'])
})

test('the same error thrown twice is not suppressed by itself', (t) => {
  covers(t, 'trio run: nursery_exception_chaining_doesnt_make_context_loops')
  const same = new Error('same')
  const error = virtual({}, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(() => fail(same))
        yield* n.spawn(() => fail(same))
      }),
    )
  })
  t.is(error, same)
  t.deepEqual(suppressed(error), [])
})
