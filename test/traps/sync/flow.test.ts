/**
 * Flows on virtual time: what each stage gives and when, and that a cancel at any moment loses nothing.
 */
import test from 'ava'
import {
  BusyError,
  type Cursor,
  clock,
  each,
  type Flow,
  flow,
  moveOn,
  type Operation,
  type Source,
  sleep,
  spawn,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

/** Values at times; each is there from its time on. An error among them is thrown once. */
class Timed<T> implements Source<T> {
  closed = 0

  constructor(private readonly items: readonly (readonly [number, T | Error])[]) {}

  open(): Cursor<T> {
    let place = 0
    const { items } = this
    const close = (): void => {
      this.closed++
    }
    return {
      *next() {
        const item = items[place]
        if (item === undefined) return { done: true, value: undefined }
        yield* sleep(Math.max(0, item[0] - (yield* clock())))
        place++
        if (item[1] instanceof Error) throw item[1]
        return { done: false, value: item[1] }
      },
      *close() {
        close()
      },
    }
  }
}

const timed = <T>(...items: readonly (readonly [number, T | Error])[]): Timed<T> => new Timed(items)

/** All that a flow gives, with the time of each. */
function* read<T>(source: Flow<T>): Operation<[number, T][]> {
  const got: [number, T][] = []
  yield* each(source, function* (value) {
    got.push([yield* clock(), value])
  })
  return got
}

/** The same, by a reader that is cancelled every so many milliseconds while it waits. */
function* readInPieces<T>(source: Flow<T>, ms: number): Operation<[number, T][]> {
  const got: [number, T][] = []
  const cursor = source.open()
  for (;;) {
    const step = yield* moveOn(ms, cursor.next(), null)
    if (step === null) continue
    if (step.done) break
    got.push([yield* clock(), step.value])
  }
  yield* cursor.close()
  return got
}

/** Each stage, what it gives and when. */
const STAGES: Readonly<Record<string, () => { flow: Flow<unknown>; gives: unknown[] }>> = {
  debounce: () => ({
    flow: flow(timed([1, 'a'], [3, 'b'], [4, 'c'], [20, 'd'], [24, 'e'])).debounce(5),
    gives: [
      [9, 'c'],
      [24, 'e'],
    ],
  }),
  throttle: () => ({
    flow: flow(timed([1, 'a'], [3, 'b'], [5.5, 'c'], [6, 'd'], [20, 'e'])).throttle(5),
    gives: [
      [1, 'a'],
      [6, 'd'],
      [20, 'e'],
    ],
  }),
  buffer: () => ({
    flow: flow(timed([1, 'a'], [2, 'b'], [3, 'c'], [4, 'd'], [30, 'e'])).buffer(3, 10),
    gives: [
      [3, ['a', 'b', 'c']],
      [14, ['d']],
      [30, ['e']],
    ],
  }),
  'buffer without a time': () => ({
    flow: flow(timed([1, 'a'], [2, 'b'], [30, 'c'])).buffer(2),
    gives: [
      [2, ['a', 'b']],
      [30, ['c']],
    ],
  }),
  merge: () => ({
    flow: flow(timed([1, 'a'], [5, 'b'], [30, 'c'])).merge(timed([2, 'A'], [5, 'B'], [6, 'C'])),
    gives: [
      [1, 'a'],
      [2, 'A'],
      [5, 'b'],
      [5, 'B'],
      [6, 'C'],
      [30, 'c'],
    ],
  }),
  'a chain': () => ({
    flow: flow(timed([1, 1], [2, 2], [9, 3], [10, 4], [11, 5], [40, 6]))
      .merge(timed([50, 7]))
      .filter((n) => n !== 2)
      .map((n) => n * 10)
      .debounce(3)
      .buffer(2, 100)
      .take(2),
    gives: [
      [14, [10, 50]],
      [50, [60, 70]],
    ],
  }),
}

for (const [name, make] of Object.entries(STAGES)) {
  test(`${name} gives what it says, at its time`, (t) => {
    virtual({}, function* () {
      const { flow, gives } = make()
      const got = yield* read(flow)
      const sorted = name === 'merge' ? got.sort(byTime) : got
      t.deepEqual(sorted, gives as typeof got)
    })
  })

  test(`${name}: a reader that is cancelled at any wait loses nothing, and gets it at the same time`, (t) => {
    for (let ms = 0.5; ms <= 31; ms += 0.5) {
      virtual({}, function* () {
        const { flow, gives } = make()
        const got = yield* readInPieces(flow, ms)
        t.deepEqual(name === 'merge' ? got.sort(byTime) : got, gives as typeof got, `every ${ms} ms`)
      })
    }
  })
}

/** Of two that come at the same time either can be first. */
function byTime(a: readonly [number, unknown], b: readonly [number, unknown]): number {
  return a[0] - b[0] || (String(a[1]) < String(b[1]) ? 1 : -1)
}

test('an error leaves, and what a stage holds is there for the next call', (t) => {
  virtual({}, function* () {
    const boom = new Error('boom')
    for (const [stage, rest] of [
      [flow(timed<string>([1, 'a'], [2, boom], [3, 'b'])).buffer(5, 100), ['a', 'b']],
      [flow(timed<string>([1, 'a'], [2, boom])).debounce(10), 'a'],
      [flow(timed<string>([1, 'a'], [1, boom], [3, 'b'])).throttle(10), undefined],
    ] as const) {
      const cursor = stage.open() as Cursor<unknown>
      const first = rest === undefined ? (yield* cursor.next()).value : 'a'
      t.is(first, 'a')
      t.is(yield* thrownBy(cursor.next()), boom)
      t.deepEqual((yield* cursor.next()).value as typeof rest, rest)
      t.true((yield* cursor.next()).done)
    }
  })
})

test('merge: an error of one source leaves, the others go on, and all are closed', (t) => {
  virtual({}, function* () {
    const boom = new Error('boom')
    const sources = [timed<string>([1, 'a'], [2, boom], [4, 'c']), timed<string>([2, 'B'], [3, 'C'])] as const
    const cursor = flow(sources[0]).merge(sources[1]).open()
    const got: unknown[] = []
    for (;;) {
      try {
        const step = yield* cursor.next()
        if (step.done) break
        got.push(step.value)
      } catch (error) {
        got.push(error)
      }
    }
    t.is(got.length, 5)
    for (const one of ['a', boom, 'B', 'C', 'c']) t.true(got.includes(one), String(one))
    yield* cursor.close()
    const others = [timed([1, 1]), timed([1, 2])] as const
    yield* each(flow(others[0]).merge(others[1]), function* () {
      return 'enough'
    })
    t.deepEqual(
      others.map(({ closed }) => closed),
      [1, 1],
    )
  })
})

test('a function of a stage that throws fails that call, and the next value is the next one', (t) => {
  virtual({}, function* () {
    const boom = new Error('boom')
    const fail = (n: number): boolean => {
      if (n === 2) throw boom
      return true
    }
    for (const stage of [
      flow(timed([1, 1], [2, 2], [3, 3])).map(fail),
      flow(timed([1, 1], [2, 2], [3, 3])).filter(fail),
    ]) {
      const cursor = stage.open() as Cursor<unknown>
      yield* cursor.next()
      t.is(yield* thrownBy(cursor.next()), boom)
      t.false((yield* cursor.next()).done)
      t.true((yield* cursor.next()).done)
    }
  })
})

test('two tasks cannot read one cursor at once; two cursors of one flow have states of their own', (t) => {
  virtual({}, function* () {
    const source = flow(timed([5, 'a'], [6, 'b'])).debounce(10)
    const cursor = source.open()
    const reader = yield* spawn(() => cursor.next())
    yield* sleep(1)
    t.true((yield* thrownBy(cursor.next())) instanceof BusyError)
    t.is((yield* reader.join()).value, 'b')
    t.true((yield* cursor.next()).done)
    const [one, two] = [flow(timed([20, 'a'], [21, 'b'])).take(1), source]
    t.deepEqual([(yield* read(one)).length, (yield* read(one)).length], [1, 1])
    t.deepEqual(two.statistics(), [
      { name: 'source', given: 2 },
      { name: 'debounce', given: 1 },
    ])
  })
})

test('take closes its source when it is asked for one more, and a limit of nothing asks for nothing', (t) => {
  virtual({}, function* () {
    const source = timed([1, 'a'], [2, 'b'])
    const cursor = flow(source).take(1).open()
    t.is(yield* moveOn(0.5, cursor.next(), 'cancelled'), 'cancelled')
    t.is((yield* cursor.next()).value, 'a')
    t.is(source.closed, 0)
    t.true((yield* cursor.next()).done)
    t.is(source.closed, 1)
    const none = timed([1, new Error('asked')])
    t.deepEqual(yield* read(flow(none).take(0)), [])
  })
})
