/**
 * Streams as sequences: items one after the other, limits for each of them, and nothing lost between them.
 */
import test from 'ava'
import { BusyError, clock, each, moveOn, type Operation, sleep, spawn, subscribe, TooLargeError } from 'drupe'
import { memoryStreams, virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

function* collect(into: string[], line: string): Operation<void> {
  into.push(line)
}

test('lines end with the stream, the last one without an ending, and the stream stays open', (t) => {
  virtual({}, function* () {
    const [a, b] = memoryStreams({ chunk: 1 })
    yield* a.write('eins\r\nzwei\n\nünf')
    yield* a.end()
    const got: string[] = []
    yield* each(b.lines(), (line) => collect(got, line))
    t.deepEqual(got, ['eins', 'zwei', '', 'ünf'])
    t.false(b.closed)
    yield* each(b.lines(), (line) => collect(got, line))
    t.is(got.length, 4)
  })
})

test('the time and the size are of one line; what came of a late or a long one is still there', (t) => {
  virtual({}, function* () {
    const [a, b] = memoryStreams()
    const lines = yield* subscribe(b.lines({ maxBytes: 6, timeout: 100 }))
    yield* spawn(function* () {
      for (const part of ['one\n', 'two\n', 'la', 'te\n', 'much too long\n']) {
        yield* a.write(part)
        yield* sleep(80)
      }
    })
    t.is((yield* lines.next()).value, 'one')
    t.is((yield* lines.next()).value, 'two')
    yield* sleep(80)
    t.is((yield* lines.next()).value, 'late')
    t.like(yield* thrownBy(lines.next()), { name: 'TooLargeError', maxBytes: 6 })
    t.is(yield* b.readLine(), 'much too long')
    const began = yield* clock()
    t.like(yield* thrownBy(lines.next()), { name: 'TimeoutError', ms: 100 })
    t.is((yield* clock()) - began, 100)
    yield* a.write('after all\n')
    t.is(yield* b.readLine(), 'after all')
  })
})

test('a cancelled next leaves its item to the following one; after close there is none', (t) => {
  virtual({}, function* () {
    const [a, b] = memoryStreams()
    const cursor = b.lines().open()
    t.is(yield* moveOn(5, cursor.next(), null), null)
    yield* a.write('still here\nand more\n')
    t.deepEqual(yield* cursor.next(), { done: false, value: 'still here' })
    yield* cursor.close()
    yield* cursor.close()
    t.deepEqual(yield* cursor.next(), { done: true, value: undefined })
    t.is(yield* b.readLine(), 'and more')
  })
})

test('chunks are no larger than asked for; two that read at once are a BusyError', (t) => {
  virtual({}, function* () {
    const [a, b] = memoryStreams()
    yield* a.write('abcdefg')
    const [one, two] = [b.chunks({ maxBytes: 3 }).open(), b.chunks().open()]
    t.is(((yield* one.next()).value as Uint8Array).length, 3)
    t.is(((yield* two.next()).value as Uint8Array).length, 4)
    const waiting = yield* spawn(one.next())
    yield* sleep(1)
    t.true((yield* thrownBy(two.next())) instanceof BusyError)
    yield* a.close()
    t.true((yield* waiting.join()).done)
  })
})

test('a body that is slow holds up the peer, and one that returns something ends the sequence', (t) => {
  virtual({}, function* () {
    const [a, b] = memoryStreams({ capacity: 4 })
    const writing = yield* spawn(thrownBy(a.write('1\n2\n3\n4\n5\n6\n')))
    const found = yield* each(b.lines(), function* (line) {
      yield* sleep(10)
      return line === '2' ? line : undefined
    })
    t.is(found, '2')
    t.false(writing.ended)
    t.is(yield* b.readLine(), '3')
    yield* b.close()
    t.is(((yield* writing.join()) as Error).name, 'BrokenError')
  })
})

test('readAll has a limit without being asked; more can be allowed, and none at all', (t) => {
  const most = 64 * 1024 * 1024
  virtual({}, function* () {
    const [a, b] = memoryStreams({ capacity: Number.POSITIVE_INFINITY })
    const piece = new Uint8Array(most / 4 + 1)
    for (let i = 0; i < 4; i++) yield* a.write(piece)
    yield* a.end()
    const error = yield* thrownBy(b.readAll())
    t.true(error instanceof TooLargeError)
    t.is((error as TooLargeError).maxBytes, most)
    t.is((yield* b.readAll({ maxBytes: Number.POSITIVE_INFINITY })).length, 4 * piece.length)
  })
})
