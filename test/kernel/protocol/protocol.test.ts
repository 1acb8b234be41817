/**
 * The trap protocol: what a task may yield, what comes back, and that a mistake in one task hurts no other.
 *
 * Traps go through `yield*` typed and without state, so one trap serves many tasks. Everything else that is yielded
 * becomes a TypeError in the task that yielded it, with advice. Nothing that a task does kills the kernel.
 */

import test from 'ava'
import { checkpoint, clock, context, current, type Operation, sleep, spawn, timeout, type Yielded } from 'drupe'
import { IoOp, READ } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { give, thrownBy } from '../../kit.js'

/** Runs a task that yields something odd beside one that does not, and gives the odd one's error. */
function oddly(value: unknown): Error {
  return virtual({}, function* main() {
    let neighbour = 'hurt'
    const odd = yield* spawn(function* odd() {
      try {
        yield value as Yielded
      } catch (error) {
        return error as Error
      }
      return new Error('nothing was thrown')
    })
    yield* spawn(function* () {
      yield* sleep(1)
      neighbour = 'fine'
    })
    const error = yield* odd.join()
    yield* sleep(2)
    if (neighbour !== 'fine') throw new Error('the neighbour did not run')
    return error
  })
}

test('an operation returns through yield* what the kernel answered, typed', (t) => {
  const [at, name, nothing] = virtual({}, function* main(): Operation<[number, string, void]> {
    yield* sleep(7)
    const at: number = yield* clock()
    const name: string = (yield* current()).name
    const nothing: void = yield* checkpoint()
    return [at, name, nothing]
  })
  t.is(at, 7)
  t.is(name, 'main')
  t.is(nothing, undefined)
})

test('a thousand tasks share one sleep trap, and each sleeps its own sleep', (t) => {
  const pause = sleep(10)
  const ends = virtual({}, function* () {
    const ends: number[] = []
    for (let i = 0; i < 1000; i++) {
      yield* spawn(function* () {
        yield* sleep(i % 10)
        yield* pause
        yield* pause
        ends.push((yield* clock()) - (i % 10))
      })
    }
    yield* sleep(100)
    return ends
  })
  t.is(ends.length, 1000)
  t.true(ends.every((end) => end === 20))
})

test('the same trap can be waited in again after it was cancelled', (t) => {
  const pause = sleep(10)
  const end = virtual({}, function* () {
    yield* thrownBy(timeout(5, pause))
    yield* pause
    return yield* clock()
  })
  t.is(end, 15)
})

test('a trap by itself is an operation and can be a task', (t) => {
  t.is(virtual({}, sleep(1)), undefined)
  t.is(virtual({}, clock()), 0)
  t.is(
    virtual({}, function* () {
      return yield* (yield* spawn(clock())).join()
    }),
    0,
  )
})

test('a function that returns a trap can be a task, and gives it its name', (t) => {
  const name = virtual({}, function* () {
    const task = yield* spawn(function pause() {
      return sleep(1)
    })
    return task.name
  })
  t.is(name, 'pause')
})

const ODD: readonly (readonly [what: string, value: unknown, advice: RegExp])[] = [
  [
    'a trap without the star',
    sleep(1),
    /Cannot answer an object \(Trap\), yielded by task 2 \(odd\): .*"yield\* …".*sleep trap/,
  ],
  ['a promise', Promise.resolve(1), /a promise.*"yield\* until\(promise\)"/],
  ['a thenable', { then() {} }, /a promise.*"yield\* until\(promise\)"/],
  ['a generator', give(1), /"yield\* generator"/],
  ['a function', function work() {}, /the function work.*"yield\* f\(\)"/],
  ['a class', class Work {}, /the function Work/],
  ['an Effection effect', { description: 'x', enter() {} }, /fromEffection/],
  ['an async iterable', { async *[Symbol.asyncIterator]() {} }, /each\(iterable, body\)/],
  ['a number', 42, /42.*only operations/],
  ['a string', 'hello', /"hello"/],
  ['a bigint', 10n, /10n/],
  ['a symbol', Symbol('s'), /Symbol\(s\)/],
  ['null', null, /Cannot answer null/],
  ['nothing', undefined, /Cannot answer undefined/],
  ['an array', [sleep(1)], /an object \(Array\)/],
  ['an object without a prototype', Object.create(null), /an object \(no constructor\)/],
]

for (const [what, value, advice] of ODD) {
  test(`yielding ${what} is a TypeError in that task alone, with advice`, (t) => {
    covers(t, 'trio run: calling_asyncio_function_gives_nice_error')
    const error = oddly(value)
    t.true(error instanceof TypeError, String(error))
    t.regex(error.message, advice)
  })
}

test('a bare yield says how to see its line', (t) => {
  t.regex(
    oddly(sleep(1)).message,
    /\(with the star\) around the sleep trap; debug mode \(DRUPE_DEBUG=1\) shows the line$/,
  )
})

test('yielding an object whose properties throw is an error in that task alone', (t) => {
  const hostile = Object.defineProperty({}, 'then', {
    get() {
      throw new Error('hostile')
    },
  })
  t.true(oddly(hostile) instanceof Error)
  t.not(oddly(hostile).message, 'nothing was thrown')
})

test('yielding a revoked proxy is an error in that task alone', (t) => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  t.not(oddly(proxy).message, 'nothing was thrown')
})

test('a task can go on after a bad yield', (t) => {
  const log = virtual({}, function* () {
    const log: unknown[] = []
    for (const odd of [1, 'two', null]) {
      try {
        yield odd as unknown as Yielded
      } catch (error) {
        log.push((error as Error).name)
      }
    }
    yield* sleep(3)
    log.push(yield* clock())
    return log
  })
  t.deepEqual(log, ['TypeError', 'TypeError', 'TypeError', 3])
})

test('bad yields for ever starve nobody', (t) => {
  const count = virtual({}, function* () {
    let over = false
    let count = 0
    yield* spawn(function* () {
      while (!over) {
        try {
          yield 1 as unknown as Yielded
        } catch {
          count++
        }
        if (count > 1_000_000) return
      }
    })
    yield* checkpoint()
    yield* checkpoint()
    over = true
    return count
  })
  t.true(count > 0 && count < 10_000, `${count} bad yields`)
})

test('outside a task nobody answers: what is made there is inert until a task runs it', (t) => {
  covers(t, 'trio run: out_of_context', 'trio local: accessing_runvar_outside_run_call_fails')
  const asked = [current(), clock(), context('colour', 'red').get()] as const
  const answers = virtual({}, function* main() {
    return [(yield* asked[0]).name, yield* asked[1], yield* asked[2]]
  })
  t.deepEqual(answers, ['main', 0, 'red'])
})

test('an I/O operation that is used again is taken until its task has the answer, or the error', (t) => {
  const op = new IoOp(READ, 7, null, 0, 1, Number.POSITIVE_INFINITY)
  t.true(op.claim())
  t.false(op.claim())
  op.next()
  t.false(op.claim())
  op.next({ value: 1 })
  t.true(op.claim())
  op.next()
  t.throws(() => op.throw(new Error('broken')))
  t.true(op.claim())
})
