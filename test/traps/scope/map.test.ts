/**
 * `map`: so many at a time, results in order. `asCompleted`: one result after the other as they come.
 */

import test from 'ava'
import {
  asCompleted,
  Cancelled,
  clock,
  current,
  Kernel,
  map,
  moveOn,
  type Operation,
  sleep,
  spawn,
  TaskCancelledError,
} from 'drupe'
import { assertNoLeaks, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

function* after<T>(ms: number, value: T): Operation<T> {
  yield* sleep(ms)
  return value
}

test('500 jobs, 100 at a time, results in the order of the items', (t) => {
  let most = 0
  const [results, end] = virtual({}, function* () {
    let busy = 0
    const results = yield* map(
      Array.from({ length: 500 }, (_, i) => i),
      function* job(n, index) {
        most = Math.max(most, ++busy)
        // The later ones of a batch are the quicker ones.
        yield* sleep(100 - (n % 100) * 0.5)
        busy--
        return [n, index]
      },
      { concurrency: 100 },
    )
    return [results, yield* clock()] as const
  })
  t.is(most, 100)
  t.deepEqual(
    results,
    Array.from({ length: 500 }, (_, i) => [i, i]),
  )
  t.true(end < 500, `a free place is filled at once: ${end}`)
})

test('without a limit all items are under way at once', (t) => {
  t.is(
    virtual({}, function* () {
      yield* map(new Set([30, 10, 20]), (ms) => sleep(ms))
      return yield* clock()
    }),
    30,
  )
})

test('no more items are taken than there is room for, and an endless source is closed', (t) => {
  const log: unknown[] = []
  function* numbers(): Generator<number> {
    try {
      for (let n = 0; ; n++) {
        log.push(n)
        yield n
      }
    } finally {
      log.push('closed')
    }
  }
  const error = virtual({}, () =>
    thrownBy(
      map(
        numbers(),
        function* (n) {
          yield* sleep(10)
          if (n === 2) throw new Error('enough')
        },
        { concurrency: 2 },
      ),
    ),
  )
  t.is((error as Error).message, 'enough')
  t.deepEqual(log, [0, 1, 2, 3, 'closed'])
})

test('an error of the source fails it, and what was begun is cancelled', (t) => {
  const log: unknown[] = []
  function* broken(): Generator<number> {
    yield 1
    throw new Error('no more')
  }
  const error = virtual({}, () =>
    thrownBy(
      map(broken(), function* () {
        try {
          yield* sleep(1000)
        } catch (error) {
          log.push(error instanceof Cancelled)
          throw error
        }
      }),
    ),
  )
  t.is((error as Error).message, 'no more')
  t.deepEqual(log, [true])
})

test('the first error of a job cancels the others and leaves unchanged', (t) => {
  const boom = new Error('boom')
  const out: number[] = []
  const error = virtual({}, () =>
    thrownBy(
      map(
        [1, 2, 3, 4, 5, 6],
        function* (n) {
          if (n === 4) throw boom
          try {
            yield* sleep(n === 1 ? 5 : 1000)
          } finally {
            out.push(n)
          }
        },
        { concurrency: 3 },
      ),
    ),
  )
  t.is(error, boom)
  t.deepEqual(out.sort(), [1, 2, 3])
})

test('cancelled, all jobs are', (t) => {
  const out: number[] = []
  const result = virtual({}, () =>
    moveOn(
      10,
      map(
        [1, 2, 3, 4],
        function* (n) {
          try {
            yield* sleep(1000)
          } finally {
            out.push(n)
          }
        },
        { concurrency: 2 },
      ),
      'moved on',
    ),
  )
  t.is(result, 'moved on')
  t.deepEqual(out.sort(), [1, 2])
})

test('a job keeps its place until what it started is done', (t) => {
  const starts = virtual({}, function* () {
    const starts: number[] = []
    yield* map(
      [1, 2],
      function* () {
        starts.push(yield* clock())
        yield* spawn(sleep(20))
      },
      { concurrency: 1 },
    )
    return starts
  })
  t.deepEqual(starts, [0, 20])
})

test('a job that somebody cancelled has no result to give', (t) => {
  const error = virtual({}, () =>
    thrownBy(
      map([1], function* () {
        yield* (yield* current()).cancel('', { wait: false })
        yield* sleep(1)
      }),
    ),
  )
  t.true(error instanceof TaskCancelledError)
})

test('an async iterable is read as there is room', async (t) => {
  const kernel = new Kernel()
  const log: unknown[] = []
  async function* numbers(): AsyncGenerator<number> {
    try {
      for (let n = 1; n < 4; n++) {
        log.push(n)
        yield n
      }
    } finally {
      log.push('closed')
    }
  }
  const results = await kernel.run(() => map(numbers(), (n) => give(n * 2), { concurrency: 1 }))
  t.deepEqual(results, [2, 4, 6])
  t.deepEqual(log, [1, 2, 3, 'closed'])
  assertNoLeaks(kernel)
  await kernel.close()
})

test('a concurrency that makes no sense is refused at once', (t) => {
  for (const concurrency of [0, -1, 1.5, Number.NaN]) {
    t.throws(() => map([], () => give(1), { concurrency }), { instanceOf: RangeError })
  }
})

test('a hundred thousand items, ten at a time', (t) => {
  const results = virtual({}, () =>
    map(
      Array.from({ length: 100_000 }, (_, i) => i),
      (n) => after(1, n),
      { concurrency: 10 },
    ),
  )
  t.is(results.length, 100_000)
  t.is(results.at(-1), 99_999)
})

test('asCompleted: results as they come', (t) => {
  covers(t, 'curio task: task_group_iter')
  const log: unknown[] = []
  virtual({}, function* () {
    yield* asCompleted([after(30, 'a'), after(10, 'b'), after(20, 'c')], function* (result, index) {
      log.push([index, result, yield* clock()])
    })
  })
  t.deepEqual(log, [
    [1, 'b', 10],
    [2, 'c', 20],
    [0, 'a', 30],
  ])
})

test('asCompleted: a body that takes its time misses nothing', (t) => {
  const log: unknown[] = []
  virtual({}, function* () {
    yield* asCompleted([after(1, 'a'), after(2, 'b'), after(3, 'c')], function* (result) {
      yield* sleep(100)
      log.push(result)
    })
    log.push(yield* clock())
  })
  t.deepEqual(log, ['a', 'b', 'c', 301])
})

test('asCompleted: an error of an operation or of the body cancels the rest', (t) => {
  virtual({}, function* () {
    const seen: unknown[] = []
    const body = function* (result: unknown): Operation<void> {
      seen.push(result)
    }
    t.is(yield* thrownBy(asCompleted([after(1, 'a'), fail('boom'), after(1000, 'c')], body)), 'boom')
    t.is(yield* thrownBy(asCompleted([after(1, 'a'), after(1000, 'c')], () => fail('body'))), 'body')
    t.is(yield* clock(), 1)
    t.deepEqual(seen, [])
  })
})

test('asCompleted of nothing does not wait', (t) => {
  t.is(
    virtual({}, () => asCompleted([], () => give(1))),
    undefined,
  )
})
