/** Calls from C as a subscription: from other threads and from this one, too many of them, and after the end. Needs glibc. */
import {
  arena,
  BrokenError,
  ClosedError,
  each,
  type ForeignCallbackOptions,
  foreign,
  foreignCallback,
  Kernel,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  run,
  runSync,
  spawn,
  suspend,
  use,
} from '../../../index.js'
import { waitAllBlocked } from '../../../testing.js'
import { thrown, thrownBy } from '../../kit.js'
import {
  type C,
  checks,
  controlled,
  counting,
  joinThread,
  pipeOf,
  qsort,
  sorting,
  startThread,
  types,
} from './foreign-kit.js'

const check = checks('foreignCallback')

/** koffi without C: what C would call is called by the test. */
function scripted(log: string[] = []) {
  let callback: (...args: unknown[]) => unknown = () => {}
  const nothing = (): void => {}
  const koffi = {
    ...{ alloc: nothing, free: nothing, encode: nothing, decode: nothing },
    sizeof: () => 8,
    type: (type: unknown) => (type === 'void' ? { primitive: 'Void' } : CALLBACK),
    pointer: (type: string | object) => type,
    register(made: (...args: unknown[]) => unknown) {
      callback = made
      return 5n
    },
    unregister: () => void log.push('unregistered'),
  }
  return { koffi, call: (...args: unknown[]) => callback(...args) }
}

const CALLBACK = { primitive: 'Callback', proto: { result: 'void' } } as const

check('threads of C’s own call, and each call is an event', async (t, c) => {
  const { start } = types(c)
  const got = await run(function* () {
    const called = yield* foreignCallback<[bigint]>(c.koffi, start, { result: null })
    const threads = [1, 2, 3].map((n) => startThread(c, called, n))
    const numbers: number[] = []
    for (const _thread of threads) numbers.push(Number((yield* called.next()).value?.[0]))
    for (const id of threads) yield* joinThread(c, id, called)
    return numbers
  })
  t.deepEqual(got.sort(), [1, 2, 3])
})

check('a hundred thousand calls, in their order', async (t, c) => {
  const plain: number[] = []
  const { compare } = types(c)
  const decode = (a: bigint, b: bigint) => 256 * Number(c.koffi.decode.uint8(a)) + Number(c.koffi.decode.uint8(b))
  const bytes = new Uint8Array(9000).map((_zero, i) => i)
  const pointer = c.koffi.register((a: bigint, b: bigint) => plain.push(decode(a, b)) * 0, c.koffi.pointer(compare))
  qsort(c)(bytes.slice(), bytes.length, 1, pointer)
  c.koffi.unregister(pointer)
  const got: number[] = []
  await run(function* () {
    const called = yield* foreignCallback(c.koffi, compare, { result: 0, decode, limit: Number.POSITIVE_INFINITY })
    yield* foreign(qsort(c), bytes, bytes.length, 1, called)
    for (let i = 0; i < plain.length; i++) got.push((yield* called.next()).value as number)
  })
  t.true(got.length > 50_000)
  t.deepEqual(got, plain)
})

check('what came before it was closed is read, and then it is at its end', async (t) => {
  const { koffi, call } = scripted()
  await run(function* () {
    const called = yield* foreignCallback<[number]>(koffi, 'f')
    for (const n of [1, 2]) call(n)
    yield* called.close()
    call(3)
    const got: unknown[] = []
    yield* each(called, function* ([n]) {
      got.push(n)
    })
    t.deepEqual([got, called.missed], [[1, 2], 0])
  })
})

check('each reads it until it is closed', async (t, c) => {
  const { compare } = types(c)
  let count = 0
  await run(function* () {
    const called = yield* foreignCallback(c.koffi, compare, { result: 0, limit: 10_000 })
    yield* spawn(function* () {
      yield* sorting(c, 100, called)
      yield* called.close()
    })
    yield* each(called, function* () {
      count++
    })
    t.deepEqual(yield* called.next(), { done: true, value: undefined })
  })
  t.true(count > 100, `${count} calls`)
})

check('decode sees what C has while C waits, and the result is what C gets', async (t, c) => {
  const { koffi } = c
  const { compare } = types(c)
  const [bytes, pairs] = await run(function* () {
    const seen: unknown[] = []
    const decode = (a: bigint, b: bigint) => [koffi.decode(a, 'uint8_t'), koffi.decode(b, 'uint8_t')]
    // Each is larger than each: the two change places.
    const called = yield* foreignCallback(koffi, compare, { result: 1, decode })
    const sorted = new Uint8Array([1, 2])
    yield* foreign(qsort(c), sorted, 2, 1, called)
    seen.push((yield* called.next()).value)
    return [sorted, seen] as const
  })
  t.deepEqual([[...bytes], pairs], [[2, 1], [[1, 2]]])
})

check('what decode throws is thrown by the read, after what came before; C gets its result', async (t, c) => {
  const { compare } = types(c)
  const failure = new Error('not this one')
  let calls = 0
  await run(function* () {
    const decode = (): number => {
      if (++calls === 3) throw failure
      return calls
    }
    const called = yield* foreignCallback(c.koffi, compare, { result: 0, decode })
    yield* sorting(c, 100, called)
    t.deepEqual([(yield* called.next()).value, (yield* called.next()).value], [1, 2])
    t.is(yield* thrownBy(called.next()), failure)
    t.deepEqual(yield* called.next(), { done: true, value: undefined })
  })
  t.is(calls, 3)
})

/** What is read after five calls, three of which are kept. */
function* five(options: ForeignCallbackOptions<[number], number>): Operation<unknown[]> {
  const { koffi, call } = scripted()
  const called = yield* foreignCallback<[number], number>(koffi, 'f', { decode: (n) => n, limit: 3, ...options })
  for (const n of [1, 2, 3, 4, 5]) call(n)
  const got: unknown[] = []
  for (let i = 0; i < 3; i++) got.push((yield* called.next()).value)
  return [...got, called.missed]
}

check('more calls than it keeps: it says so', async (t) => {
  t.deepEqual(await run(five({ overflow: 'dropOldest' })), [3, 4, 5, 2])
  t.deepEqual(await run(five({ overflow: 'dropNewest' })), [1, 2, 3, 2])
  const { koffi, call } = scripted()
  await run(function* () {
    const called = yield* foreignCallback<[number]>(koffi, 'f', { limit: 2 })
    for (const n of [1, 2, 3, 4]) call(n)
    t.deepEqual([(yield* called.next()).value, (yield* called.next()).value], [[1], [2]])
    const error = yield* thrownBy(called.next())
    t.true(error instanceof BrokenError)
    t.regex(String(error), /Cannot read the calls from C: 2 of them are waiting .* limit and overflow/)
    t.deepEqual([yield* called.next(), called.missed], [{ done: true, value: undefined }, 1])
  })
})

check('a reader that is cancelled leaves the call to the next, in the same pass, too', async (t) => {
  const { koffi, call } = scripted()
  await run(function* () {
    const called = yield* foreignCallback<[number]>(koffi, 'f')
    for (const inTheSamePass of [false, true]) {
      const first = yield* spawn(() => called.next())
      const second = yield* spawn(() => called.next())
      yield* waitAllBlocked()
      if (inTheSamePass) call(7)
      yield* first.cancel()
      if (!inTheSamePass) call(7)
      t.deepEqual((yield* second.join()).value, [7])
    }
  })
})

check('a call that comes at once while it is read, and one from within decode', async (t) => {
  const { koffi, call } = scripted()
  await run(function* () {
    let nested = false
    const decode = (n: number): number => {
      if (!nested) {
        nested = true
        call(n + 1)
      }
      return n
    }
    const called = yield* foreignCallback(koffi, 'f', { decode })
    const reading = yield* spawn(() => called.next())
    yield* waitAllBlocked()
    call(1)
    t.is((yield* reading.join()).value, 2)
    t.is((yield* called.next()).value, 1)
  })
})

check('a scope that ends while C calls waits for C, and then takes it back', async (t, c) => {
  const { compare } = types(c)
  const { koffi, given } = counting(c.koffi)
  for (let ms = 0; ms < 8; ms++) {
    await run(() =>
      moveOn(ms, function* () {
        const called = yield* foreignCallback(koffi, compare, { result: 0, limit: 3, overflow: 'dropOldest' })
        yield* spawn(sorting(c, 250, called))
        for (;;) yield* called.next()
      }),
    )
    t.is(given.size, 0)
  }
})

check('closed by another task while C has it: no event any more, and the end when C has returned', async (t) => {
  const log: string[] = []
  const { koffi, call } = scripted(log)
  const { fn, end } = controlled()
  await run(function* () {
    const called = yield* foreignCallback(koffi, 'f')
    yield* spawn(foreign(fn, called, called))
    const reading = yield* spawn(() => called.next())
    yield* waitAllBlocked()
    const closing = yield* spawn(() => called.close())
    t.deepEqual(yield* reading.join(), { done: true, value: undefined })
    yield* waitAllBlocked()
    call('late')
    t.deepEqual([log, closing.state], [[], 'waiting'])
    t.regex(String(yield* thrownBy(foreign(fn, called))), /ClosedError: Cannot call controlled: the callback is closed/)
    t.true(thrown(() => called.address) instanceof ClosedError)
    // A cancel does not make it any shorter.
    yield* closing.cancel(undefined, { wait: false })
    yield* waitAllBlocked()
    t.deepEqual([log, closing.state], [[], 'waiting'])
    end(0)
    yield* called.close()
    t.deepEqual(log, ['unregistered'])
    t.deepEqual(yield* called.next(), { done: true, value: undefined })
  })
  t.deepEqual(log, ['unregistered'])
})

check('a call that is on its way when it is closed still finds its function', async (t) => {
  const log: string[] = []
  const { koffi, call } = scripted(log)
  await run(function* () {
    const called = yield* foreignCallback(koffi, 'f')
    // The host's loop hands it over with its next round.
    setImmediate(() => {
      setImmediate(() => {
        call('late')
        log.push('called')
      })
    })
    yield* called.close()
  })
  t.deepEqual(log, ['called', 'unregistered'])
})

check('a function that another call has beside it is held by both', async (t) => {
  const log: string[] = []
  const { koffi } = scripted(log)
  const { fn, end } = controlled()
  const kernel = new Kernel()
  let answer: Promise<unknown> | null = null
  await run(function* () {
    const called = yield* foreignCallback(koffi, 'f')
    // Of another kernel, which nobody waits for here.
    answer = kernel.run(foreign(fn, called))
    yield* suspend<void>((resolve) => void setImmediate(resolve))
    yield* spawn(function* () {
      yield* waitAllBlocked()
      log.push('returns')
      end(0)
    })
  })
  t.deepEqual(log, ['returns', 'unregistered'])
  await answer
  await kernel.close()
})

check('a blocking run reads what the same thread has called, and cannot wait', async (t, c) => {
  const { compare } = types(c)
  const { koffi, given } = counting(c.koffi)
  const message = "Cannot wait for a call from C: it comes through the host's loop; use run, not runSync"
  runSync(function* () {
    const called = yield* foreignCallback(koffi, compare, { result: 0, decode: () => 'called' })
    qsort(c)(new Uint8Array(2), 2, 1, called.address)
    t.is((yield* called.next()).value, 'called')
    const error = yield* thrownBy(called.next())
    t.true(error instanceof KernelStateError)
    t.is((error as Error).message, message)
  })
  // Nobody could wait for that.
  while (given.size > 0) await new Promise(setImmediate)
  t.pass()
})

check('tasks of several kernels read it', async (t) => {
  const { koffi, call } = scripted()
  const other = new Kernel()
  await run(function* () {
    const called = yield* foreignCallback<[number]>(koffi, 'f')
    const theirs = other.run(called.next())
    const ours = yield* spawn(() => called.next())
    yield* suspend<void>((resolve) => void setImmediate(resolve))
    call(1)
    call(2)
    const got = yield* suspend<IteratorResult<[number], undefined>>((resolve) => void theirs.then(resolve))
    t.deepEqual([got.value, (yield* ours.join()).value].sort(), [[1], [2]])
  })
  await other.close()
})

check('what is no function, and a result that C does not want, are errors where it is made', async (t, c) => {
  const { koffi } = c
  const { compare, handler } = types(c)
  const { koffi: counted, given } = counting(koffi)
  const wrong: [string | object, ForeignCallbackOptions<unknown[], unknown>, RegExp][] = [
    ['int', {}, /^Cannot make a callback: type must be the type of a function, as koffi.proto makes it, not "int"/],
    ['no such', {}, /^Cannot make a callback: Unknown or invalid type name/],
    [compare, {}, /^Cannot make a callback with this result: Unexpected Undefined value/],
    [compare, { result: '0' }, /^Cannot make a callback: result must be a value that C need not free, not "0"/],
    [compare, { result: {} }, /^Cannot make a callback with this result: Unexpected Object value/],
    [handler, { result: 0 }, /^Cannot make a callback: result must be left out, for C wants none, not 0/],
  ]
  for (const [type, options, message] of wrong) {
    t.throws(() => foreignCallback(counted, type, options), { instanceOf: TypeError, message })
  }
  t.is(given.size, 0)
})

check('when koffi has no callback left, that is an error', async (t) => {
  const { koffi } = scripted()
  const none = {
    ...koffi,
    register: () => {
      throw new Error('Too many callbacks are in use (max = 8192)')
    },
  }
  const message = 'Cannot make a callback: Too many callbacks are in use (max = 8192)'
  await t.throwsAsync(
    run(() => foreignCallback(none, 'f')),
    { message },
  )
})

check('a thousand of them, one after the other and at once', async (t, c) => {
  const { koffi, given } = counting(c.koffi)
  const { compare } = types(c)
  await run(function* () {
    yield* nursery(function* () {
      for (let i = 0; i < 1000; i++) yield* foreignCallback(koffi, compare, { result: 0 })
      t.is(given.size, 1000)
    })
    for (let i = 0; i < 1000; i++) yield* use(foreignCallback(koffi, compare, { result: 0 }), function* () {})
  })
  t.is(given.size, 0)
})

check('a blocked call, memory and a callback in one scope end together', async (t, c) => {
  const { koffi, given } = counting(c.koffi)
  const pipe = pipeOf(c)
  const seen: string[] = []
  await run(() =>
    nursery(function* (n) {
      yield* n.spawn(() =>
        use(arena(koffi), function* (memory) {
          const called = yield* foreignCallback(koffi, types(c).compare, { result: 0 })
          const bytes = memory.bytes(1)
          yield* n.spawn(sorting(c, 50, called))
          seen.push(`returned ${yield* pipe.read(bytes, 1)} ${given.size}`)
        }),
      )
      yield* waitAllBlocked()
      yield* n.cancel()
      setImmediate(() => {
        seen.push('cancelled')
        pipe.write('x')
      })
    }),
  )
  t.deepEqual([seen, given.size], [['cancelled', 'returned 1 2'], 0])
  pipe.close()
})

/** For the linter: the type is used in signatures only. */
export type { C }
