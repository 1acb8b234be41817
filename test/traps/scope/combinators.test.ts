/**
 * `all`, `allSettled`, `race`, `first` and `any`: when they are over, with what, and that the losers are out before.
 */

import test from 'ava'
import {
  all,
  allSettled,
  any,
  Cancelled,
  clock,
  current,
  first,
  moveOn,
  type Operation,
  race,
  sleep,
  spawn,
  suppressed,
  TaskCancelledError,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

function* after<T>(ms: number, value: T): Operation<T> {
  yield* sleep(ms)
  return value
}

function* failAfter(ms: number, error: unknown): Operation<never> {
  yield* sleep(ms)
  throw error
}

/** Runs until cancelled, and then cleans up for some time. */
function* lingering(log: unknown[], name: string, ms: number): Operation<never> {
  try {
    yield* sleep(1_000_000)
    throw new Error('not cancelled')
  } finally {
    yield* sleep(ms)
    log.push(`${name} out at ${yield* clock()}`)
  }
}

/** An operation that cancels its own task, without anybody else being concerned. */
function* cancelMyself(): Operation<string> {
  const me = yield* current()
  yield* me.cancel('on my own', { wait: false })
  yield* sleep(1)
  return 'never'
}

test('all: results in the order of the operations, whatever the order of their ends', (t) => {
  covers(t, 'effection all: resolves when all of the given operations resolve', 'curio task: task_group')
  const [results, end] = virtual({}, function* () {
    const results: [number, string, boolean] = yield* all([after(30, 1), () => after(10, 'two'), give(true)])
    return [results, yield* clock()]
  })
  t.deepEqual(results, [1, 'two', true])
  t.is(end, 30)
})

test('all of an array of one type is an array of that type', (t) => {
  const sum = virtual({}, function* () {
    const results: readonly number[] = yield* all([3, 1, 2].map((n) => after(n, n)))
    return results.reduce((a, b) => a + b)
  })
  t.is(sum, 6)
})

test('all of an object gives the results under the same names, each with its own type', (t) => {
  virtual({}, function* () {
    const { n, s } = yield* all({ n: after(4, 1), s: () => after(2, 'two') })
    t.is(n + 1, 2)
    t.is(s.toUpperCase(), 'TWO')
    t.is(yield* clock(), 4)
    t.deepEqual(yield* all({}), {})
    t.deepEqual(Object.keys(yield* all({ z: after(1, 1), a: after(2, 2) })), ['z', 'a'])
    const boom = new Error('boom')
    t.is(yield* thrownBy(all({ ok: sleep(1000), bad: failAfter(1, boom) })), boom)
    t.is(yield* clock(), 7)
  })
})

test('all, allSettled, any and first of nothing do not wait', (t) => {
  covers(t, 'effection all: resolves when the given list is empty')
  virtual({}, function* () {
    t.deepEqual(yield* all([]), [])
    t.deepEqual(yield* allSettled([]), [])
    t.is(yield* first([]), undefined)
    const error = yield* thrownBy(any([]))
    t.true(error instanceof AggregateError)
    t.deepEqual((error as AggregateError).errors, [])
    t.is(yield* clock(), 0)
  })
})

test('all: the first error leaves unchanged when the rest is out', (t) => {
  covers(
    t,
    'effection all: rejects when one of the given operations rejects asynchronously and another operation does not complete',
    'effection all: rejects when one of the given operations rejects asynchronously first; rejects when one of the operations reject',
  )
  const boom = new Error('boom')
  const log: unknown[] = []
  const [error, end] = virtual({}, function* () {
    const error = yield* thrownBy(all([lingering(log, 'a', 20), failAfter(5, boom), lingering(log, 'b', 10)]))
    return [error, yield* clock()]
  })
  t.is(error, boom)
  t.deepEqual(log, ['b out at 15', 'a out at 25'])
  t.is(end, 25)
})

test('all: an operation that throws at once', (t) => {
  covers(t, 'effection all: rejects when one of the given operations rejects synchronously first')
  t.is(
    virtual({}, () => thrownBy(all([give(1), fail('now'), sleep(1000)]))),
    'now',
  )
})

test('all: an error in the cleanup of a sibling is suppressed, not lost', (t) => {
  const error = virtual({}, function* () {
    return yield* thrownBy(
      all([
        failAfter(5, new Error('first')),
        function* () {
          try {
            yield* sleep(1000)
          } finally {
            yield* fail(new Error('in cleanup'))
          }
        },
      ]),
    )
  })
  t.is((error as Error).message, 'first')
  t.deepEqual(suppressed(error).map(String), ['Error: in cleanup'])
})

test('all: a task that somebody cancelled has no result to give', (t) => {
  const error = virtual({}, () => thrownBy(all([cancelMyself(), after(5, 1)])))
  t.true(error instanceof TaskCancelledError)
  t.true((error as Error).cause instanceof Cancelled)
})

test('all: what is no operation fails it, and nothing was begun', (t) => {
  const error = virtual({}, () => thrownBy(() => all([sleep(1000), 42 as unknown as Operation<number>])))
  t.true(error instanceof TypeError)
})

test('all waits for what its operations have started', (t) => {
  const end = virtual({}, function* () {
    yield* all([
      function* () {
        yield* spawn(sleep(40))
      },
    ])
    return yield* clock()
  })
  t.is(end, 40)
})

test('all: cancelled from outside, everything inside is out before', (t) => {
  const log: unknown[] = []
  const result = virtual({}, function* () {
    return yield* moveOn(10, all([lingering(log, 'a', 5), lingering(log, 'b', 7)]), 'moved on')
  })
  t.is(result, 'moved on')
  t.deepEqual(log, ['a out at 15', 'b out at 17'])
})

test('allSettled: how each of them ended, and nobody is cancelled', (t) => {
  const boom = new Error('boom')
  const [ends, end] = virtual({}, function* () {
    return [yield* allSettled([after(20, 'a'), failAfter(5, boom), cancelMyself()]), yield* clock()]
  })
  const [a, b, c] = ends
  t.deepEqual(
    [a, b],
    [
      { status: 'fulfilled', value: 'a' },
      { status: 'rejected', reason: boom },
    ],
  )
  t.true(c?.status === 'rejected' && c.reason instanceof TaskCancelledError)
  t.is(end, 20)
})

test('allSettled: cancelled from outside it does not settle, and failures before that are nobody’s concern', (t) => {
  const result = virtual({}, () => moveOn(10, allSettled([failAfter(5, new Error('early')), sleep(1000)]), 'moved on'))
  t.is(result, 'moved on')
})

test('race: the first result wins and the losers are out before it returns', (t) => {
  covers(
    t,
    'effection race: resolves when one of the given operations resolves asynchronously first',
    'curio task: task_any_cancel, task_group_result',
  )
  const log: unknown[] = []
  const [winner, end] = virtual({}, function* () {
    return [yield* race([lingering(log, 'loser', 30), after(10, 'winner')]), yield* clock()]
  })
  t.is(winner, 'winner')
  t.deepEqual(log, ['loser out at 40'])
  t.is(end, 40)
})

test('race: the first error wins, too', (t) => {
  covers(
    t,
    'effection race: rejects when one of the given operations rejects asynchronously first',
    'curio task: task_any_error',
  )
  const boom = new Error('boom')
  t.is(
    virtual({}, () => thrownBy(race([after(20, 1), failAfter(10, boom)]))),
    boom,
  )
})

test('race: who ends at once wins against those behind, which are not even begun', (t) => {
  covers(
    t,
    'effection race: resolves when one of the given operations resolves synchronously first',
    'effection race: rejects when one of the given operations rejects synchronously first',
  )
  const begun: string[] = []
  function* note(name: string): Operation<string> {
    begun.push(name)
    return name
  }
  virtual({}, function* () {
    t.is(yield* race([() => note('a'), () => note('b'), () => fail('c')]), 'a')
    t.is(yield* thrownBy(race([() => fail('x'), () => note('y')])), 'x')
  })
  t.deepEqual(begun, ['a'])
})

test('race: a dead heat is decided by the order, whichever way the loser ends', (t) => {
  virtual({}, function* () {
    t.is(yield* race([after(10, 'a'), after(10, 'b')]), 'a')
    t.is(yield* race([after(10, 'a'), failAfter(10, new Error('too late'))]), 'a')
    t.is(yield* thrownBy(race([failAfter(10, 'first'), after(10, 'b')])), 'first')
  })
})

test('race: an error in the cleanup of a loser is thrown', (t) => {
  const error = virtual({}, () =>
    thrownBy(
      race([
        after(5, 'winner'),
        function* (): Operation<string> {
          try {
            yield* sleep(1000)
            return 'never'
          } finally {
            yield* sleep(1)
            yield* fail(new Error('in cleanup'))
          }
        },
      ]),
    ),
  )
  t.is((error as Error).message, 'in cleanup')
})

test('race: an operation has not won before the tasks that it started are done', (t) => {
  covers(t, 'effection race: transfers tasks created in a contestant into the parent')
  const [winner, end] = virtual({}, function* () {
    function* parent(): Operation<string> {
      yield* spawn(sleep(20))
      return 'parent'
    }
    return [yield* race([parent(), after(10, 'quick')]), yield* clock()]
  })
  t.deepEqual([winner, end], ['quick', 10])
})

test('race: nobody can win a race without operations', (t) => {
  t.throws(() => race([]), { instanceOf: RangeError })
})

test('race: a contestant that somebody cancelled loses', (t) => {
  virtual({}, function* () {
    t.is(yield* race([cancelMyself(), after(50, 'other')]), 'other')
    t.true((yield* thrownBy(race([cancelMyself()]))) instanceof TaskCancelledError)
  })
})

test('race: cancelled from outside, all contestants are', (t) => {
  const log: unknown[] = []
  const result = virtual({}, () => moveOn(10, race([lingering(log, 'a', 3), lingering(log, 'b', 5)]), 'moved on'))
  t.is(result, 'moved on')
  t.deepEqual(log, ['a out at 13', 'b out at 15'])
})

test('first: results that are undefined do not count', (t) => {
  const log: unknown[] = []
  virtual({}, function* () {
    t.is(yield* first([after(1, undefined), after(5, 0), lingering(log, 'rest', 2)]), 0)
    t.is(yield* first([after(1, undefined), after(5, undefined)]), undefined)
    t.is(yield* thrownBy(first([after(5, 1), fail('an error counts')])), 'an error counts')
  })
  t.deepEqual(log, ['rest out at 7'])
})

test('any: errors are tolerated while one succeeds', (t) => {
  const log: unknown[] = []
  const [result, end] = virtual({}, function* () {
    const ops = [failAfter(1, new Error('a')), after(10, 'b'), cancelMyself(), lingering(log, 'loser', 5)]
    return [yield* any(ops), yield* clock()]
  })
  t.deepEqual([result, end], ['b', 15])
  t.deepEqual(log, ['loser out at 15'])
})

test('any: when all fail, all errors are there in the order of the operations', (t) => {
  const error = virtual({}, () => thrownBy(any([failAfter(9, 'a'), failAfter(1, 'b'), cancelMyself()])))
  t.true(error instanceof AggregateError)
  const { errors } = error as AggregateError
  t.deepEqual(errors.slice(0, 2), ['a', 'b'])
  t.true(errors[2] instanceof TaskCancelledError)
})

test('any: a loser that fails on its way out does not spoil the result', (t) => {
  const result = virtual({}, () =>
    any([
      after(5, 'winner'),
      function* (): Operation<string> {
        try {
          yield* sleep(1000)
          return 'never'
        } finally {
          yield* fail(new Error('ignored'))
        }
      },
    ]),
  )
  t.is(result, 'winner')
})

test('the tasks of a combinator have the names of their operations', (t) => {
  const names = virtual({}, function* () {
    const names: string[] = []
    function* hare(): Operation<void> {
      names.push((yield* current()).name)
    }
    yield* all([hare])
    yield* race([hare])
    return names
  })
  t.deepEqual(names, ['hare', 'hare'])
})

test('with any seed the winner is the one that is quicker', (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const log: unknown[] = []
    const winner = virtual({ seed }, () =>
      race([lingering(log, 'a', 2), after(3, 'b'), after(4, 'c'), lingering(log, 'd', 2)]),
    )
    t.is(winner, 'b', `seed ${seed}`)
    t.is(log.length, 2)
  }
})

test('all and race are typed like those of promises', (t) => {
  covers(
    t,
    'effection all: has a type signature equivalent to Promise.all()',
    'effection race: has a type signature equivalent to Promise.race()',
  )
  // What is asserted here is asserted by the compiler; a wrong type is an error of the build.
  const three: Operation<[string, number, boolean]> = all([give('a'), give(1), () => give(true)])
  const list: Operation<readonly string[]> = all(['a', 'b'].map((word) => give(word)))
  const either: Operation<string | number> = race([give('a'), give(1)])
  const of3: Operation<string | number | boolean> = race([give('a'), give(1), give(true)])
  // @ts-expect-error: the second result is a number
  const wrong: Operation<[string, string]> = all([give('a'), give(1)])
  virtual({}, function* () {
    t.deepEqual(yield* three, ['a', 1, true])
    t.deepEqual(yield* list, ['a', 'b'])
    t.deepEqual([yield* either, yield* of3], ['a', 'a'])
    t.deepEqual(yield* wrong as Operation<unknown>, ['a', 1])
  })
})
