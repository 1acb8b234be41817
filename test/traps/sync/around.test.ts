/**
 * What goes around I/O: tries, rates, keys, flights, pools and flows; each cancelled where it waits.
 */
import test from 'ava'
import {
  all,
  Cancelled,
  clock,
  each,
  exponential,
  fixed,
  flow,
  jittered,
  keyed,
  moveOn,
  nursery,
  pool,
  RateLimiter,
  resource,
  retry,
  singleFlight,
  sleep,
  sleepUntil,
  suppressed,
  TimeoutError,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

test('retry throws the last error, which has those before it', (t) => {
  virtual({}, function* () {
    const error = (yield* thrownBy(
      retry(
        function* (n) {
          throw new Error(`no ${n}`)
        },
        { backoff: fixed(5) },
      ),
    )) as Error
    t.is(error.message, 'no 3')
    t.deepEqual(
      suppressed(error).map((one) => (one as Error).message),
      ['no 1', 'no 2'],
    )
    t.is(yield* clock(), 10)
  })
})

test('retry stops where while says so, where the schedule ends and where the time is over', (t) => {
  virtual({}, function* () {
    let runs = 0
    function* fail(): Generator<never, never> {
      runs++
      throw new Error('no')
    }
    yield* thrownBy(retry(fail, { times: 9, while: (_error, attempt) => attempt < 2 }))
    t.is(runs, 2)
    yield* thrownBy(retry(fail, { times: 9, backoff: [1, 1] }))
    t.is(runs, 5)
    const late = yield* thrownBy(retry(fail, { times: 9, backoff: fixed(10), within: 25 }))
    t.true(late instanceof TimeoutError)
    t.is(suppressed(late).length, 3)
    const slow = yield* thrownBy(retry(() => sleep(100), { times: 2, timeout: 10, backoff: fixed(1) }))
    t.true(slow instanceof TimeoutError)
  })
})

test('a cancel of retry leaves at once, during an attempt and between two', (t) => {
  virtual({}, function* () {
    let runs = 0
    for (const ms of [5, 15]) {
      const start = yield* clock()
      yield* moveOn(
        ms,
        retry(
          function* () {
            runs++
            yield* sleep(10)
            throw new Error('no')
          },
          { times: Number.POSITIVE_INFINITY, backoff: fixed(10) },
        ),
      )
      t.is((yield* clock()) - start, ms)
    }
    t.is(runs, 2)
  })
})

test('a jitter is the same for the same seed', (t) => {
  const time = (seed: number) =>
    virtual({ seed }, function* () {
      yield* thrownBy(
        retry(
          function* () {
            throw new Error('no')
          },
          { backoff: exponential({ first: 10 }), jitter: 0.5 },
        ),
      )
      return yield* clock()
    })
  t.is(time(3), time(3))
  t.not(time(3), time(4))
  t.deepEqual([...jittered([8], 1).delays(() => 0.25)], [6])
})

test('a cancelled acquire takes no token and lets the next one go first', (t) => {
  virtual({}, function* () {
    const limiter = new RateLimiter(1, 10)
    yield* limiter.acquire(1, { timeout: 0 })
    yield* all([
      () => moveOn(10, limiter.acquire()),
      function* () {
        yield* limiter.acquire()
        t.is(yield* clock(), 10)
      },
    ])
    t.is(limiter.statistics().taken, 2)
    t.true((yield* thrownBy(limiter.acquire(1, { timeout: 3 }))) instanceof TimeoutError)
    t.deepEqual(limiter.statistics(), { taken: 2, refused: 0, waiting: 0, burst: 1 })
  })
})

test('the newest task of a key begins when the old one is out', (t) => {
  virtual({}, function* () {
    const log: string[] = []
    yield* nursery(function* () {
      const tasks = yield* keyed<string, void>()
      for (const name of ['a', 'b']) {
        yield* tasks.spawn('key', function* () {
          log.push(`${name} in`)
          try {
            yield* sleep(10)
            log.push(`${name} done`)
          } finally {
            yield* sleep(1)
            log.push(`${name} out`)
          }
        })
        yield* sleep(1)
      }
    })
    t.deepEqual(log, ['a in', 'a out', 'b in', 'b done', 'b out'])
  })
})

test('a flight survives the cancel of one that waits, and not that of all', (t) => {
  virtual({}, function* () {
    let cancelled = 0
    const cache = yield* singleFlight(
      function* (key: string) {
        try {
          yield* sleep(10)
          return key
        } catch (error) {
          if (error instanceof Cancelled) cancelled++
          throw error
        }
      },
      { ttl: 20, maxEntries: 1 },
    )
    t.deepEqual(yield* all([() => moveOn(5, cache.get('a')), cache.get('a')]), [undefined, 'a'])
    t.is(yield* cache.get('a'), 'a')
    yield* all([() => moveOn(5, cache.get('b')), () => moveOn(5, cache.get('b'))])
    t.is(cancelled, 1)
    yield* sleep(30)
    yield* cache.get('a')
    t.deepEqual(cache.statistics(), { hits: 1, misses: 3, joined: 2, evicted: 0, flights: 0, entries: 1 })
  })
})

test('a pool lends again, closes what failed or idled, and all at the end', (t) => {
  const log: string[] = []
  virtual({}, function* () {
    let made = 0
    yield* nursery(function* () {
      const things = yield* pool(
        () =>
          resource<number>(function* (provide) {
            const id = ++made
            try {
              yield* provide(id)
            } finally {
              log.push(`close ${id}`)
            }
          }),
        { size: 1, idleTimeout: 50 },
      )
      t.is(
        yield* things.use(function* (id) {
          return id
        }),
        1,
      )
      yield* moveOn(
        5,
        things.use(() => sleep(100)),
      )
      t.deepEqual(log, ['close 1'])
      yield* all([
        () => things.use(() => sleep(10)),
        function* () {
          t.true((yield* thrownBy(things.use(() => sleep(1), { timeout: 5 }))) instanceof TimeoutError)
        },
      ])
      yield* sleep(60)
      t.deepEqual(log, ['close 1', 'close 2'])
      t.is(
        yield* things.use(function* (id) {
          return id
        }),
        3,
      )
      t.deepEqual(things.statistics(), { open: 1, idle: 1, waiting: 0, opened: 3, failed: 0 })
    })
  })
  t.deepEqual(log, ['close 1', 'close 2', 'close 3'])
})

/** Values with a pause before each. */
function timed<T>(items: readonly (readonly [number, T])[]) {
  return {
    open() {
      let place = 0
      let due: number | null = null
      return {
        *next() {
          const item = items[place]
          if (item === undefined) return { done: true as const, value: undefined }
          due ??= (yield* clock()) + item[0]
          yield* sleepUntil(due)
          due = null
          place++
          return { done: false as const, value: item[1] }
        },
        *close() {},
      }
    },
  }
}

test('flows: buffer, debounce, throttle and merge on time, and what is cancelled is not lost', (t) => {
  virtual({}, function* () {
    const source = timed([
      [1, 'a'],
      [1, 'b'],
      [20, 'c'],
      [1, 'd'],
    ])
    const read = function* <T>(from: { open(): { next(): never } } | Parameters<typeof flow<T>>[0]) {
      const list: T[] = []
      yield* each(from as Parameters<typeof flow<T>>[0], function* (value) {
        list.push(value)
      })
      return list
    }
    t.deepEqual(
      yield* read(
        flow(source)
          .map((x) => `${x}${x}`)
          .filter((x) => x !== 'bb')
          .take(2),
      ),
      ['aa', 'cc'],
    )
    t.deepEqual(yield* read(flow(source).throttle(5)), ['a', 'c'])
    t.deepEqual(
      yield* read(
        flow(
          timed([
            [1, 1],
            [3, 2],
          ]),
        ).merge(
          timed([
            [2, 10],
            [2, 20],
          ]),
        ),
      ),
      [1, 10, 2, 20],
    )
    const cursor = flow(
      timed([
        [4, 1],
        [4, 2],
      ]),
    )
      .buffer(2)
      .open()
    t.is(yield* moveOn(6, cursor.next()), undefined)
    t.deepEqual((yield* cursor.next()).value, [1, 2])
  })
})

test('wherever a step ends, one flight is one, and a key has one task', (t) => {
  // A task has so many traps, then others run, even between a trap that does not wait and its answer.
  for (let traps = 235; traps < 260; traps++) {
    const [loads, starts] = virtual({}, () =>
      nursery(function* (n) {
        let loads = 0
        const users = yield* singleFlight(function* (id: number) {
          loads++
          yield* sleep(1)
          return id
        })
        const tasks = yield* keyed<string>({ existing: 'ignore' })
        for (let i = 0; i < 3; i++) {
          yield* n.spawn(function* () {
            for (let j = 0; j < traps; j++) yield* clock()
            yield* users.get(7)
          })
          yield* n.spawn(function* () {
            for (let j = 0; j < traps; j++) yield* clock()
            yield* tasks.spawn('key', () => sleep(5))
          })
        }
        yield* sleep(2)
        return [loads, tasks.statistics().started]
      }),
    )
    t.deepEqual([loads, starts], [1, 1], `${traps}`)
  }
})

test('members of a pool may be equal', (t) => {
  const used = virtual({}, () =>
    nursery(function* () {
      const numbers = yield* pool(() => resource<number>((provide) => provide(7)), { size: 2 })
      const both = yield* all([
        numbers.use(function* (value) {
          yield* sleep(1)
          return value
        }),
        numbers.use(function* (value) {
          yield* sleep(1)
          return value
        }),
      ])
      return [both, numbers.statistics().open]
    }),
  )
  t.deepEqual(used, [[7, 7], 2])
})

test('100,000 keys, flights and acquires leave nothing', (t) => {
  const left = virtual({}, () =>
    nursery(function* () {
      const tasks = yield* keyed<number>()
      const users = yield* singleFlight(function* (id: number) {
        return id
      })
      for (let i = 0; i < 100_000; i++) {
        yield* tasks.spawn(i, function* () {})
        yield* users.get(i)
      }
      yield* sleep(1)
      return [tasks.statistics().alive, users.statistics().flights, users.statistics().entries]
    }),
  )
  t.deepEqual(left, [0, 0, 0])
})
