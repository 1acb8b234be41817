/**
 * What can be run: generators, bare traps, hand-made iterators with and without `throw`, and what cannot.
 *
 * A broken iterator fails its own task and no other; what is no operation is refused at the call, with advice.
 */

import test from 'ava'
import { clock, nursery, type Op, type Operation, sleep, spawn, type Trap, timeout } from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { Trap as RawTrap } from '../../../kernel/protocol/trap.js'
import { covers } from '../../covers.js'
import { fail, give, thrown, thrownBy, withKernel } from '../../kit.js'

/** An operation that TypeScript would not let pass. */
const wild = <T>(op: unknown): Op<T> => op as Op<T>

test('iterators around iterators pass traps through, as long as they hand on the result objects', (t) => {
  const wrapped = <T>(op: Operation<T>): Operation<T> => ({
    [Symbol.iterator]() {
      const inner = op[Symbol.iterator]()
      return { next: (answer) => inner.next(answer), throw: (error) => (inner.throw as (e: unknown) => never)(error) }
    },
  })
  const result = virtual({}, function* () {
    const log: unknown[] = []
    const body = function* (): Operation<string> {
      yield* sleep(4)
      log.push(yield* clock())
      try {
        yield* sleep(100)
      } finally {
        log.push('left')
      }
      return 'whole'
    }
    log.push((yield* thrownBy(timeout(10, wrapped(wrapped(body()))))) instanceof Error)
    return log
  })
  t.deepEqual(result, [4, 'left', true])
})

test('a generator that yields on the traps of another is told to use yield*', (t) => {
  const error = thrown(() =>
    virtual({}, function* () {
      // What was meant as delegation and is none: the trap is yielded bare.
      for (const trap of { [Symbol.iterator]: () => give2() }) yield trap as never
    }),
  )
  t.regex((error as Error).message, /sleep trap/)
})

function* give2(): Generator<Trap> {
  yield sleep(1)
}

test('a hand-made iterator can be a task', (t) => {
  covers(t, 'trio run: async_function_implemented_in_C')
  let round = 0
  const pauses = [sleep(1), sleep(2), clock()]
  const result = virtual(
    {},
    wild<number>({
      [Symbol.iterator]: () => ({
        next(task: { value: unknown } | undefined) {
          const pause = pauses[round] as unknown as { next(): IteratorResult<Trap, unknown> }
          if (round++ < pauses.length) return pause.next()
          return { done: true, value: task?.value }
        },
      }),
    }),
  )
  t.is(result, 3)
})

test('a hand-made iterator without throw fails with what was to be thrown into it', (t) => {
  const states = virtual({}, function* () {
    const stubborn = {
      [Symbol.iterator]: () => ({ next: () => (sleep(1000) as unknown as Iterator<Trap, void>).next() }),
    }
    const cancelled = yield* spawn(wild<void>(stubborn))
    yield* sleep(1)
    yield* cancelled.cancel()
    return [cancelled.state, yield* clock()]
  })
  t.deepEqual(states, ['cancelled', 1])
})

test('a hand-made iterator with throw is thrown into', (t) => {
  const seen: string[] = []
  virtual({}, function* () {
    const task = yield* spawn(
      wild<string>({
        [Symbol.iterator]: () => ({
          next: () => (sleep(1000) as unknown as Iterator<Trap, void>).next(),
          throw(error: Error) {
            seen.push(error.name)
            return { done: true, value: 'went along' }
          },
        }),
      }),
    )
    yield* sleep(1)
    yield* task.cancel()
    seen.push(task.state, String(task.result))
  })
  t.deepEqual(seen, ['Cancelled', 'done', 'went along'])
})

for (const [what, next] of [
  ['undefined', () => undefined],
  ['a number', () => 5],
  [
    'a result whose done throws',
    () => ({
      get done() {
        throw new Error('done')
      },
    }),
  ],
] as const) {
  test(`an iterator whose next() gives ${what} fails its task and no other`, (t) => {
    const neighbour = withKernel({}, (kernel) =>
      kernel.runSync(function* () {
        let ran = false
        const error = yield* thrownBy(() =>
          nursery(function* (n) {
            yield* n.spawn(wild({ [Symbol.iterator]: () => ({ next }) }))
          }),
        )
        yield* spawn(function* () {
          yield* sleep(1)
          ran = true
        })
        yield* sleep(2)
        return error instanceof Error && ran
      }),
    )
    t.true(neighbour)
  })
}

for (const [what, op, message] of [
  ['undefined', undefined, /Cannot .*undefined/],
  ['null', null, /Cannot .*null/],
  ['a promise', Promise.resolve(), /Cannot .* a promise.*until/],
  ['an async function', async () => {}, /Cannot .*(a promise|async).*until/],
  ['a function that returns nothing', () => {}, /Cannot run undefined/],
  ['a number', 5, /Cannot .* 5/],
  ['a string', 'abc', /Cannot .* "abc"/],
  ['an array', [1, 2], /Cannot .* an object \(Array\)/],
] as const) {
  test(`running ${what} is a TypeError at the call`, (t) => {
    covers(t, 'trio run: nice_error_on_bad_calls_to_run_or_spawn')
    const atRun = thrown(() => virtual({}, wild(op)))
    t.true(atRun instanceof TypeError)
    t.regex((atRun as Error).message, message)
    const atSpawn = virtual({}, function* () {
      const error = yield* thrownBy(() => spawn(wild(op)))
      yield* sleep(1)
      return error
    })
    t.true(atSpawn instanceof TypeError)
    t.regex((atSpawn as Error).message, message)
  })
}

test('a function that throws instead of returning an operation throws at the spawn', (t) => {
  covers(t, 'effection run: rejects generator if generator creation fails')
  const boom = new Error('boom')
  const caught = virtual({}, function* () {
    return yield* thrownBy(spawn(() => fail2(boom)))
  })
  t.is(caught, boom)
})

function fail2(error: Error): Operation<void> {
  throw error
}

test('an exception in the answer to a trap goes to the task that asked', (t) => {
  covers(t, 'curio kernel: kernel_badtrap')
  const queue = new WaitQueue()
  const result = virtual({}, function* () {
    // No such code: the kernel of another version, say.
    const unknown = yield* thrownBy(new RawTrap<void>(99, null, null, 0))
    // Operands that no trap function would let through.
    const broken = yield* thrownBy(new RawTrap<void>(6, null, null, Number.POSITIVE_INFINITY))
    yield* spawn(function* () {
      yield* sleep(1)
      yield* wake(queue, 1, 'woken')
    })
    return [(unknown as Error).message, broken instanceof Error, yield* park(queue)]
  })
  t.regex(String(result[0]), /code 99/)
  t.deepEqual(result.slice(1), [true, 'woken'])
})

test('what run is given is what it returns, and what it throws', (t) => {
  covers(t, 'trio run: basic', 'curio kernel: hello, raise', 'effection run: can run an operation; propagates errors')
  t.is(virtual({}, give(42)), 42)
  const error = new Error('unchanged')
  t.is(
    thrown(() => virtual({}, fail(error))),
    error,
  )
  for (const odd of [undefined, null, 0, 'text']) {
    t.is(
      thrown(() => virtual({}, fail(odd))),
      odd,
    )
  }
})

test('arguments are given where the operation is made, and everything that takes one takes a function of none', (t) => {
  covers(t, 'curio kernel: coro_partial')
  function* add(a: number, b: number, c: number): Operation<number> {
    yield* sleep(1)
    return a + b + c
  }
  const bound = add.bind(null, 1, 2)
  const results = virtual({}, function* () {
    const results = [yield* add(1, 2, 3), yield* timeout(5, add(1, 2, 3)), yield* timeout(5, () => add(1, 2, 3))]
    for (const op of [add(1, 2, 3), () => add(1, 2, 3), () => bound(3), add.bind(null, 1, 2, 3)]) {
      results.push(yield* (yield* spawn(op)).join())
    }
    return results
  })
  t.deepEqual(results, [6, 6, 6, 6, 6, 6, 6])
})
