/**
 * Cursors over async iterables: a value that was asked for goes to a task, whichever is cancelled
 * meanwhile.
 */
import test from 'ava'
import { each, moveOn, type Operation, race, run, spawn, subscribe, suspend, until } from 'drupe'
import { waitAllBlocked } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

/** A source whose values come when the test says so. */
class Slow {
  readonly asked: { resolve(value: number): void; reject(error: unknown): void }[] = []
  /** Called for each value before the task that waits for it goes on. */
  settled: () => void = () => {};

  [Symbol.asyncIterator](): AsyncIterator<number> {
    const next = (): Promise<IteratorResult<number>> => {
      const promise = new Promise<IteratorResult<number>>((resolve, reject) => {
        this.asked.push({ resolve: (value) => resolve({ done: false, value }), reject })
      })
      const tell = (): void => this.settled()
      promise.then(tell, tell)
      return promise
    }
    return { next }
  }
}

/** Lets promises that are settled tell those who wait. */
function* settled(): Operation<void> {
  for (let i = 0; i < 5; i++) yield* until(Promise.resolve())
}

test('with a limit around each next, every value is had, and in order', async (t) => {
  await run(function* () {
    const source = new Slow()
    const cursor = yield* subscribe(source)
    const got: unknown[] = []
    for (let value = 1; value <= 5; value++) {
      t.is(yield* moveOn(1, cursor.next(), 'idle'), 'idle')
      t.is(source.asked.length, value)
      source.asked[value - 1]?.resolve(value)
      got.push((yield* cursor.next()).value)
    }
    t.deepEqual(got, [1, 2, 3, 4, 5])
  })
})

test('a value that comes together with the cancel is for the next call', async (t) => {
  await run(function* () {
    const source = new Slow()
    const cursor = yield* subscribe(source)
    const reader = yield* spawn(() => cursor.next())
    yield* waitAllBlocked()
    yield* suspend((resolve) => {
      source.settled = resolve
      source.asked[0]?.resolve(1)
    })
    // This task was called back first, and the reader is ready, too.
    t.is(reader.state, 'ready')
    yield* reader.cancel()
    t.is(reader.state, 'cancelled')
    t.is((yield* cursor.next()).value, 1)
    t.is(source.asked.length, 1)
  })
})

test('the loser of a race leaves its value', async (t) => {
  await run(function* () {
    const [a, b] = [new Slow(), new Slow()]
    const [one, other] = [yield* subscribe(a), yield* subscribe(b)]
    yield* spawn(function* () {
      yield* waitAllBlocked()
      a.asked[0]?.resolve(1)
      b.asked[0]?.resolve(2)
    })
    const first = yield* race([one.next(), other.next()])
    const second = first.value === 1 ? yield* other.next() : yield* one.next()
    t.deepEqual([first.value, second.value].sort(), [1, 2])
  })
})

test('an error that nobody stayed to hear is thrown at the next call, and is no unhandled rejection', async (t) => {
  await run(function* () {
    const source = new Slow()
    const cursor = yield* subscribe(source)
    t.is(yield* moveOn(1, cursor.next(), 'idle'), 'idle')
    const boom = new Error('boom')
    source.asked[0]?.reject(boom)
    yield* settled()
    t.is(yield* thrownBy(() => cursor.next()), boom)
  })
})

test('an iterator whose results are no objects fails the read', async (t) => {
  for (const result of [null, undefined, 5]) {
    const source = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(result as never) }) }
    await t.throwsAsync(
      run(() => each(source, function* () {})),
      { instanceOf: TypeError, message: /must be an object, not/ },
    )
  }
})
