/**
 * Cursors over async iterables: one value after the other, to the task that asks, and none lost
 * with a wait that was withdrawn.
 */
import test from 'ava'
import { all, Cancelled, moveOn, run, scope, sleep, spawn, subscribe } from 'drupe'
import { thrownBy } from '../../kit.js'

/** Gives one value for each call of `go`. */
function steps(): { source: AsyncIterable<number>; go: () => void; asked: () => number } {
  let asked = 0
  let waiting: ((result: IteratorResult<number>) => void)[] = []
  const source: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        asked++
        return new Promise((resolve) => waiting.push(resolve))
      },
    }),
  }
  const go = (): void => {
    const [first, ...rest] = waiting
    waiting = rest
    first?.({ done: false, value: asked })
  }
  return { source, go, asked: () => asked }
}

test('a value whose wait was cancelled is the next one', async (t) => {
  const { source, go, asked } = steps()
  await run(function* () {
    const cursor = yield* subscribe(source)
    t.is(yield* moveOn(1, cursor.next(), 'idle'), 'idle')
    t.is(yield* moveOn(1, cursor.next(), 'idle'), 'idle')
    t.is(asked(), 1)
    go()
    t.deepEqual(yield* cursor.next(), { done: false, value: 1 })
    t.is(asked(), 1)
  })
})

test('a value that is there waits for a task that is cancelled first', async (t) => {
  const { source, go } = steps()
  await run(function* () {
    const cursor = yield* subscribe(source)
    yield* moveOn(1, cursor.next())
    go()
    yield* sleep(1)
    yield* scope({}, function* (inner) {
      yield* inner.cancel()
      t.true((yield* thrownBy(cursor.next())) instanceof Cancelled)
    })
    t.deepEqual(yield* cursor.next(), { done: false, value: 1 })
  })
})

test('several tasks that read from one cursor get a value each', async (t) => {
  async function* count(): AsyncGenerator<number> {
    for (let n = 1; n <= 4; n++) yield n
  }
  await run(function* () {
    const cursor = yield* subscribe(count())
    const steps = yield* all([1, 2, 3, 4, 5].map(() => cursor.next()))
    t.deepEqual(
      steps.map(({ value }) => value),
      [1, 2, 3, 4, undefined],
    )
  })
})

test('a source that throws instead of giving a promise fails that call only', async (t) => {
  let calls = 0
  const source: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        if (++calls === 1) throw new Error('not yet')
        return Promise.resolve({ done: calls > 2, value: calls })
      },
    }),
  }
  await run(function* () {
    const cursor = yield* subscribe(source)
    t.like(yield* thrownBy(cursor.next()), { message: 'not yet' })
    t.deepEqual(yield* cursor.next(), { done: false, value: 2 })
    t.true((yield* cursor.next()).done)
  })
})

test('a cursor that is closed while another task waits gives it what was asked for, and then ends', async (t) => {
  async function* slow(): AsyncGenerator<number> {
    await new Promise((resolve) => setTimeout(resolve, 0))
    yield 1
    yield 2
  }
  await run(function* () {
    const cursor = yield* subscribe(slow())
    const waiting = yield* spawn(() => cursor.next())
    yield* sleep(0)
    yield* cursor.close()
    t.deepEqual(yield* waiting.join(), { done: false, value: 1 })
    t.deepEqual(yield* cursor.next(), { done: true, value: undefined })
  })
})
