/**
 * A pipe between streams in memory, where every step can be stopped: each way to end early, and where the bytes are then.
 */
import test from 'ava'
import { type ByteStream, connect, listen, moveOn, nursery, type Operation, pipe, scope, sleep, spawn } from 'drupe'
import { lockstepStreams, memoryStreams, SimNetwork, virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

const text = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? undefined)

test('a slow reader sets the pace, and the count is of bytes', (t) => {
  virtual({}, function* () {
    const [a, from] = memoryStreams({ capacity: 10 })
    const [to, b] = memoryStreams({ capacity: 4 })
    const told: number[] = []
    const piping = yield* spawn(pipe(from, to, { end: true, onProgress: (bytes) => told.push(bytes) }))
    const writing = yield* spawn(a.write('0123456789abcdefghijklmnopqrstuvwxyz'))
    yield* sleep(1)
    t.false(writing.ended)
    t.deepEqual(told, [4])
    yield* sleep(1000)
    t.deepEqual(told, [4])
    yield* spawn(function* () {
      yield* writing.join()
      yield* a.end()
    })
    t.is(text(yield* b.readAll()), '0123456789abcdefghijklmnopqrstuvwxyz')
    t.is(yield* piping.join(), 36)
    t.is(told.at(-1), 36)
    t.true(told.every((bytes, i) => bytes > (told[i - 1] ?? 0)))
    t.false(from.closed || to.closed)
  })
})

test('maxBytes stops it, ends nothing, and leaves the rest; none is none', (t) => {
  virtual({}, function* () {
    const [a, from] = memoryStreams()
    const [to, b] = memoryStreams()
    yield* a.write('head and body')
    t.is(yield* pipe(from, to, { maxBytes: 0 }), 0)
    t.is(yield* pipe(from, to, { maxBytes: 4, end: true }), 4)
    t.is(text(yield* from.read()), ' and body')
    yield* to.write('!')
    t.is(text(yield* b.readExactly(5)), 'head!')
  })
})

for (const at of [0, 1, 2, 3, 5, 8]) {
  test(`cancelled after ${at} ms, it has lost nothing and doubled nothing`, (t) => {
    virtual({}, function* () {
      const [a, from] = memoryStreams({ capacity: 7 })
      const [to, b] = memoryStreams({ capacity: 3, chunk: 2 })
      const sent = 'the quick brown fox jumps over the lazy dog'
      yield* spawn(function* () {
        yield* a.write(sent)
        yield* a.end()
      })
      let got = ''
      yield* spawn(function* () {
        for (let bytes = yield* b.read(); bytes !== null; bytes = yield* b.read()) {
          got += text(bytes)
          yield* sleep(1)
        }
      })
      let through = 0
      yield* moveOn(at, () => pipe(from, to, { onProgress: (bytes) => (through = bytes) }))
      const rest = yield* pipe(from, to, { end: true })
      t.is(through + rest, sent.length)
      yield* sleep(100)
      t.is(got, sent)
    })
  })
}

test('in lockstep, and out of time: what was not taken is back', (t) => {
  virtual({}, function* () {
    const [a, from] = lockstepStreams()
    const [to, b] = lockstepStreams()
    yield* spawn(a.write('abc'))
    t.like(yield* thrownBy(pipe(from, to, { timeout: 50 })), { name: 'TimeoutError', ms: 50 })
    t.is(text(yield* from.read()), 'abc')
    yield* b.close()
  })
})

test('a progress function that throws ends it; what it was told is written, the rest is back', (t) => {
  virtual({}, function* () {
    const [a, from] = memoryStreams()
    const [to, b] = memoryStreams({ capacity: 4 })
    yield* a.write('abcdefgh')
    const onProgress = (): never => {
      throw new Error('enough')
    }
    t.like(yield* thrownBy(pipe(from, to, { onProgress })), { message: 'enough' })
    t.is(text(yield* from.read()), 'efgh')
    t.is(text(yield* b.read()), 'abcd')
  })
})

test('cancelled in the very pass in which its write was done, it says so once', (t) => {
  virtual({}, function* () {
    const [a, from] = memoryStreams()
    const [to, b] = memoryStreams({ capacity: 4 })
    yield* a.write('abcdefgh')
    let through = 0
    yield* scope(function* (s) {
      yield* spawn(function* () {
        yield* sleep(1)
        yield* b.readExactly(4)
        yield* s.cancel()
      })
      yield* pipe(from, to, { onProgress: (bytes) => (through = bytes) })
    })
    const back = text(yield* from.read())
    t.is(back, 'abcdefgh'.slice(through))
    yield* to.end()
    t.is((yield* b.readAll()).length, through - 4)
  })
})

test('another task that reads from the source, against the rules, does not hide why the pipe ended', (t) => {
  virtual({}, function* () {
    const [a, from] = memoryStreams()
    const [to] = memoryStreams({ capacity: 1 })
    yield* a.write('abc')
    const error = yield* thrownBy(function* () {
      yield* spawn(function* () {
        yield* sleep(1)
        yield* moveOn(100, from.read())
      })
      yield* pipe(from, to, { timeout: 10 })
    })
    t.like(error, { name: 'TimeoutError' })
  })
})

test('over a simulated network it borrows, and a reset of the target leaves the source whole', (t) => {
  const network = new SimNetwork({ latency: 1 })
  const { main } = network.run({
    *main(): Operation<readonly unknown[]> {
      const listener = yield* listen({ port: 80 })
      function* pair(): Operation<readonly [ByteStream, ByteStream]> {
        return yield* nursery(function* (n) {
          const accepting = yield* n.spawn(listener.accept())
          return [yield* connect({ host: 'main', port: 80 }), yield* accepting.join()] as const
        })
      }
      const [a, from] = yield* pair()
      const [to, b] = yield* pair()
      yield* to.write('unread')
      yield* sleep(10)
      yield* b.close()
      yield* sleep(10)
      yield* a.write('kept')
      const error = yield* thrownBy(pipe(from, to))
      const kept = text(yield* from.read())
      for (const one of [a, from, to, listener]) yield* one.close()
      return [(error as { code: string }).code, kept]
    },
  })
  t.deepEqual(main, ['ECONNRESET', 'kept'])
})
