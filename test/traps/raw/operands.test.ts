/**
 * What people write by mistake, as one line each: an error at once that says what to write.
 */
import test from 'ava'
import {
  all,
  ensure,
  map,
  moveOn,
  nursery,
  type Operation,
  race,
  resource,
  run,
  scope,
  sleep,
  spawn,
  suspend,
  type Task,
  ticker,
  timeout,
} from '../../../index.js'
import { virtual } from '../../../testing.js'
import { thrown, thrownBy } from '../../kit.js'

function* five(): Operation<number> {
  return 5
}

const MISTAKES: readonly [string, () => unknown, RegExp][] = [
  ['sleep() without a time', () => sleep(undefined as never), /^TypeError: Cannot sleep: ms must be a number of mill/],
  [
    'a grace that is a string',
    () => nursery(five, { grace: '5000' as never }),
    /^TypeError: Cannot open a nursery: grace must be a number of milliseconds, 0 or more, not "5000"/,
  ],
  [
    'a deadline that is not a number',
    () => scope({ deadline: Number.NaN }, five),
    /^RangeError: Cannot open a scope: deadline must be a time on the kernel clock in milliseconds, not NaN/,
  ],
  [
    'an unknown way to treat errors',
    () => nursery(five, { onError: 'ignore' as never }),
    /^RangeError: .*onError must be one of "cancel", "collect", not "ignore"/,
  ],
  [
    'options where the body should be',
    () => nursery({} as never, five as never),
    /^TypeError: Cannot open a nursery: options must be an object with options, not the function five/,
  ],
  [
    'nursery with an async function',
    () => nursery((async () => {}) as never),
    /body must be a function that returns an operation, not the async function .*; an async function is run with "yield\*/,
  ],
  ['nursery with a generator', () => nursery(five() as never), /body must be .*, not a generator; give the generator/],
  [
    'map with an async function',
    () => map([1], (async () => {}) as never),
    /^TypeError: Cannot map: fn must be a function that returns an operation, not the async function.*yield\* until/,
  ],
  [
    'map over a number',
    () => map(5 as never, five),
    /^TypeError: Cannot map: items must be an iterable or an async iter/,
  ],
  [
    'map a fraction at a time',
    () => map([1], five, { concurrency: 1.5 }),
    /^RangeError: Cannot map: concurrency must be/,
  ],
  [
    'ensure with an async function',
    () => ensure(async () => {}),
    /^TypeError: Cannot ensure the cleanup: cleanup must be .*, not the async function.*yield\* until/,
  ],
  [
    'all of a generator',
    () => all(five() as never),
    /^TypeError: Cannot run all: ops must be a list .*brackets, \[a, b\]/,
  ],
  [
    'all without operations',
    () => all(undefined as never),
    /^TypeError: Cannot run all: ops must be a list of operations/,
  ],
  [
    'all with a promise',
    () => all([five(), Promise.resolve() as never]),
    /ops\[1\] must be .* not a promise; a promise is/,
  ],
  [
    'all by name with a promise',
    () => all({ a: Promise.resolve() as never }),
    /ops\.a must be .* not a promise; a promise/,
  ],
  [
    'race with two arguments',
    () => (race as (...ops: unknown[]) => unknown)(five(), five()),
    /^TypeError: Cannot race: ops must be a list of operations, not a generator; put them into brackets, \[a, b\]/,
  ],
  [
    'spawn of a promise',
    () => spawn(Promise.resolve() as never),
    /^TypeError: Cannot spawn: op must be .*"yield\* until\(/,
  ],
  [
    'spawn with a name that is none',
    () => spawn(five, { name: 5 as never }),
    /^TypeError: Cannot spawn: name must be a s/,
  ],
  [
    'timeout with its arguments swapped',
    () => timeout(five as never, 5 as never),
    /ms must be a number of milliseconds/,
  ],
  [
    'moveOn of an async function',
    () => moveOn(5, (async () => {}) as never),
    /op must be an operation.*async function/,
  ],
  [
    'suspend with an async function',
    () => suspend((async () => {}) as never),
    /^TypeError: Cannot suspend: begin must be/,
  ],
  [
    'a resource that is async',
    () => resource((async () => {}) as never),
    /body must be a function that returns an oper/,
  ],
  [
    'a ticker with an unknown policy',
    () => ticker(5, { late: 'never' as never }),
    /late must be one of "skip", "burst"/,
  ],
]

for (const [what, mistake, message] of MISTAKES) {
  test(`${what} is an error at the call that says what to write`, (t) => {
    t.regex(String(thrown(mistake as () => never)), message)
  })
}

test('a body that returns no operation is an error that says so', (t) => {
  virtual({}, function* () {
    t.regex(String(yield* thrownBy(nursery((() => Promise.resolve()) as never))), /Cannot run a promise: a promise is/)
    t.regex(String(yield* thrownBy(scope((() => 5) as never))), /^TypeError: Cannot run 5/)
    t.regex(String(yield* thrownBy(map([1], (() => undefined) as never))), /^TypeError: Cannot run undefined/)
  })
})

test('a cleanup that returns a promise is an error, not a promise that nobody waits for', (t) => {
  const error = thrown(() =>
    virtual({}, function* () {
      yield* ensure(() => Promise.resolve())
    }),
  )
  t.regex(String(error), /^TypeError: Cannot run a promise: a promise is awaited with "yield\* until\(promise\)"/)
})

test('yield* of a task says that it is joined', (t) => {
  virtual({}, function* () {
    const task: Task<number> = yield* spawn(five)
    const wrong = task as unknown as Operation<number>
    t.regex(String(yield* thrownBy(() => wrong)), /^TypeError: Cannot run task 2 \(five\): .*yield\* task\.join\(\)/)
    t.regex(String(yield* thrownBy(spawn(wrong))), /^TypeError: Cannot run task 2 \(five\): .*yield\* task\.join\(\)/)
    t.is(yield* task.join(), 5)
  })
})

test('suspend without an argument waits until the task is cancelled', (t) => {
  const log: string[] = []
  virtual({}, function* () {
    t.is(
      yield* moveOn(
        5,
        function* () {
          try {
            yield* suspend()
          } finally {
            log.push('out')
          }
        },
        'cancelled',
      ),
      'cancelled',
    )
  })
  t.deepEqual(log, ['out'])
})

test('scope works without options, like nursery', (t) => {
  const result = virtual({}, () =>
    scope(function* (s) {
      yield* s.cancel('enough')
      yield* sleep(5)
      return 'never'
    }),
  )
  t.is(result, undefined)
})

test('what suspend is given back must be a function that calls off', async (t) => {
  const error = await t.throwsAsync(run(() => suspend((() => Promise.resolve()) as never)))
  t.regex(String(error), /^TypeError: Cannot suspend: what begin returns must be a function, not a promise/)
})
