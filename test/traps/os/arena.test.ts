/** Memory of C's: what is in it, when it is freed, and what is refused afterwards. Needs glibc. */
import {
  type Arena,
  arena,
  ClosedError,
  type ForeignMemory,
  foreign,
  Kernel,
  moveOn,
  nursery,
  type Operation,
  run,
  runSync,
  spawn,
  suspend,
  TooLargeError,
  use,
} from '../../../index.js'
import { waitAllBlocked } from '../../../testing.js'
import { thrown, thrownBy } from '../../kit.js'
import { checks, controlled, counting, pipeOf } from './foreign-kit.js'

const check = checks('arena')

check('values, lists, structs, bytes and strings', async (t, { koffi, libc }) => {
  const Point = koffi.struct({ x: 'double', label: 'const char *' })
  const strlen = libc.func('strlen', 'size_t', ['void *'])
  await run(() =>
    use(arena(koffi), function* (memory) {
      const number = memory.allocate<number>('int')
      t.deepEqual([number.read(), number.bytes], [0, 4])
      number.write(-7)
      t.is(number.read(), -7)

      const list = memory.allocate<number>('int16_t', 3)
      t.deepEqual([[...list.read()], list.bytes], [[0, 0, 0], 6])
      list.write([1, 2])
      list.write(new Int16Array([5]))
      t.deepEqual([...list.read()], [5, 2, 0])

      const name = memory.string('Zoë')
      const point = memory.allocate<{ x: number; label: unknown }>(Point)
      point.write({ x: 1.5, label: name.address })
      t.deepEqual([point.read() as unknown, point.bytes], [{ x: 1.5, label: 'Zoë' }, koffi.sizeof(Point)])
      t.deepEqual([name.read(), name.bytes, Number(yield* foreign(strlen, name))] as unknown, ['Zoë', 5, 4])
      name.write('no')
      t.deepEqual([name.read(), point.read().label], ['no', 'no'])

      const zeros = memory.bytes(3)
      zeros.write(new Uint8Array([9]))
      t.deepEqual([...zeros.read()], [9, 0, 0])
      t.deepEqual([...memory.bytes(new Uint8Array([1, 2])).read()], [1, 2])
      for (const nothing of [memory.bytes(0), memory.bytes(new Uint8Array())]) {
        nothing.write(new Uint8Array())
        t.deepEqual([nothing.read().length, nothing.bytes], [0, 0])
      }
    }),
  )
})

check('C writes to it, and a string whose NUL is gone ends with its memory', async (t, { koffi, libc }) => {
  const memset = libc.func('memset', 'void *', ['void *', 'int', 'size_t'])
  await run(() =>
    use(arena(koffi), function* (memory) {
      const text = memory.string('four')
      yield* foreign(memset, text, 0x78, 5)
      t.is(text.read(), 'xxxxx')
    }),
  )
})

check('what is read is a copy', async (t, { koffi }) => {
  const read = await run(() =>
    use(arena(koffi), function* (memory) {
      const bytes = memory.bytes(new Uint8Array([1]))
      const copy = bytes.read()
      copy[0] = 2
      t.deepEqual([...bytes.read()], [1])
      return copy
    }),
  )
  t.deepEqual([...read], [2])
})

check('it is freed once: at the end of the block, by close, by a cancel, by a failure', async (t, c) => {
  const { koffi, given } = counting(c.koffi)
  function* filled(): Operation<Arena> {
    const memory = yield* arena(koffi)
    memory.bytes(10)
    memory.string('text')
    memory.allocate('int', 3)
    t.is(given.size, 3)
    return memory
  }
  await run(function* () {
    yield* nursery(() => filled())
    t.is(given.size, 0, 'the end')
    const memory = yield* filled()
    yield* memory.close()
    yield* memory.close()
    t.is(given.size, 0, 'closed')
    yield* moveOn(1, () =>
      nursery(function* () {
        yield* filled()
        yield* suspend()
      }),
    )
    t.is(given.size, 0, 'cancelled')
    const failure = yield* thrownBy(
      nursery(function* () {
        yield* filled()
        throw new Error('failed')
      }),
    )
    t.deepEqual([(failure as Error).message, given.size], ['failed', 0])
  })
  runSync(filled)
  t.is(given.size, 0, 'a blocking run')
})

check('a call that has it is waited for, however it is called', async (t, c) => {
  const { koffi, given } = counting(c.koffi)
  const pipe = pipeOf(c)
  const seen: string[] = []
  await run(() =>
    nursery(function* (n) {
      const memory = yield* arena(koffi)
      const bytes = memory.bytes(4)
      const reading = yield* n.spawn(() => pipe.read(bytes, 4))
      yield* waitAllBlocked()
      const closing = yield* n.spawn(() => memory.close())
      yield* waitAllBlocked()
      t.is(given.size, 1)
      yield* closing.cancel(undefined, { wait: false })
      yield* waitAllBlocked()
      t.deepEqual([given.size, closing.state], [1, 'waiting'])
      seen.push('writes')
      pipe.write('four')
      yield* memory.close()
      seen.push('freed')
      t.is(yield* reading.join(), 4)
    }),
  )
  t.deepEqual([seen, given.size], [['writes', 'freed'], 0])
  pipe.close()
})

check('a call that waits for its turn has it, and gives it back if it is cancelled', async (t, c) => {
  const { koffi, given } = counting(c.koffi)
  const { fn, begun, end } = controlled()
  await run(function* () {
    const bytes = (yield* arena(koffi)).bytes(1)
    const other = yield* arena(koffi)
    const text = other.string('x')
    for (let i = 0; i < 120; i++) yield* spawn(foreign(fn, i))
    yield* waitAllBlocked()
    const waiting = yield* spawn(foreign(fn, text, text, bytes))
    const cancelled = yield* spawn(foreign(fn, text))
    yield* waitAllBlocked()
    const closing = yield* spawn(() => other.close())
    yield* waitAllBlocked()
    yield* cancelled.cancel()
    t.deepEqual([given.size, begun.length], [2, 120])
    yield* waiting.cancel()
    yield* closing.join()
    t.is(given.size, 1)
    for (let i = 0; i < 120; i++) end(i)
  })
  t.is(given.size, 0)
})

check('it is freed when the last call returns, also where nobody can wait for that', async (t, c) => {
  const { koffi, given } = counting(c.koffi)
  const { fn, end } = controlled()
  const kernel = new Kernel()
  let answer: Promise<unknown> | null = null
  runSync(function* () {
    const text = (yield* arena(koffi)).string('x')
    answer = kernel.run(foreign(fn, text))
    // It begins in the other kernel's turn, which the host's loop gives.
    t.is(given.size, 1)
  })
  await t.throwsAsync(async () => answer, { instanceOf: ClosedError })
  t.is(given.size, 0, 'it had not begun')

  await run(function* () {
    const memory = yield* arena(koffi)
    const text = memory.string('x')
    answer = kernel.run(foreign(fn, text))
    yield* suspend<void>((resolve) => void setImmediate(resolve))
    // The blocking run of a third kernel does what this one could not wait for.
    runSync(() => memory.close())
    t.is(given.size, 1)
    end(0)
    t.is(given.size, 0)
  })
  await answer
  await kernel.close()
})

check('after its end each use is refused', async (t, { koffi }) => {
  const { fn, begun } = controlled()
  const [memory, number, text, bytes] = await run(() =>
    use(arena(koffi), function* (made) {
      return [made, made.allocate<number>('int'), made.string('text'), made.bytes(3)] as const
    }),
  )
  const uses: Record<string, () => unknown> = {
    'read the memory': () => number.read(),
    'write the memory': () => text.write('x'),
    'give its address to C': () => bytes.address,
  }
  for (const [action, body] of Object.entries(uses)) {
    const error = thrown(body)
    t.true(error instanceof ClosedError)
    t.is((error as Error).message, `Cannot ${action}: its arena is closed`)
  }
  for (const allocate of [() => memory.allocate('int'), () => memory.bytes(1), () => memory.string('x')]) {
    t.is((thrown(allocate) as Error).message, 'Cannot allocate memory: its arena is closed')
  }
  const message = 'Cannot call controlled: its arena is closed'
  await t.throwsAsync(
    run(() => foreign(fn, 1, text)),
    { instanceOf: ClosedError, message },
  )
  t.is(begun.length, 0)
})

check('a call with a closed piece among others holds none of them', async (t, c) => {
  const { koffi, given } = counting(c.koffi)
  const { fn } = controlled()
  await run(function* () {
    const closed = (yield* arena(koffi)) as Arena
    const text = closed.string('x')
    yield* closed.close()
    const memory = yield* arena(koffi)
    t.true((yield* thrownBy(foreign(fn, memory.bytes(1), text))) instanceof ClosedError)
    yield* memory.close()
  })
  t.is(given.size, 0)
})

check('what does not fit, and what is of another type, is refused', async (t, { koffi }) => {
  await run(() =>
    use(arena(koffi), function* (memory) {
      const text = memory.string('four')
      const bytes = memory.bytes(2)
      t.true(thrown(() => text.write('fives')) instanceof TooLargeError)
      t.is((thrown(() => bytes.write(new Uint8Array(3))) as TooLargeError).maxBytes, 2)
      t.regex(
        String(thrown(() => memory.allocate('int', 2).write([1, 2, 3]))),
        /^RangeError: .*: there is room for 2 items, not 3/,
      )
      t.regex(
        String(thrown(() => memory.allocate<unknown>('int').write('x'))),
        /^TypeError: Cannot write the memory: U/,
      )
      t.regex(String(thrown(() => memory.allocate('int', 2).write(null as never))), /^TypeError: Cannot write the mem/)
      t.regex(
        String(thrown(() => text.write('nul\0'))),
        /^TypeError: Cannot write the memory: value must be a string wi/,
      )
      t.regex(
        String(thrown(() => memory.allocate('no such'))),
        /^TypeError: Cannot allocate memory: Unknown or invalid/,
      )
      t.regex(String(thrown(() => memory.bytes(2 ** 40))), /^Error: Cannot allocate memory: Cannot allocate more than/)
      t.is(text.read(), 'four')
    }),
  )
})

check('a hundred thousand pieces', async (t, c) => {
  const { koffi, given } = counting(c.koffi)
  await run(() =>
    use(arena(koffi), function* (memory) {
      const pieces: ForeignMemory<string>[] = []
      for (let i = 0; i < 100_000; i++) pieces.push(memory.string(String(i)))
      t.is(pieces[99_999]?.read(), '99999')
    }),
  )
  t.is(given.size, 0)
})
