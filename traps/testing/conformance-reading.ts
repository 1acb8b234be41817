/**
 * Conformance of streams, part three: reading up to somewhere. However a reading ends, no byte is
 * lost.
 */
import type { BrokenError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from '../net/byte-stream.js'
import { spawn, waitAllBlocked } from '../raw/call.js'
import { nursery } from '../scope/nursery.js'
import { moveOn } from '../scope/scope.js'
import type { CheckBody } from './conformance.js'
import { bytesOf, difference, failsWith, pattern, same, stillWaits, textOf } from './expect.js'

/**
 * Begins a reading that cannot be done yet, cancels it half-way, and lets the same be read again.
 */
function* interrupted<T>(
  a: ByteStream,
  b: ByteStream,
  read: () => Operation<T>,
  rest: () => Operation<void>,
): Operation<T> {
  for (const piece of ['first ', 'second ']) {
    const reading = yield* spawn(read)
    yield* waitAllBlocked()
    // In lockstep a write returns when it was read, and only a reader that waits reads it.
    yield* a.write(bytesOf(piece))
    yield* waitAllBlocked()
    stillWaits(reading, 'a reading that has only a part')
    yield* reading.cancel()
    yield* failsWith(() => b.readExactly(1000, { timeout: 1 }), 'a reading with a timeout', 'DRUPE_TIMEOUT')
  }
  const writing = yield* spawn(rest)
  const got = yield* read()
  yield* writing.join()
  return got
}

export const reading: readonly CheckBody[] = [
  {
    name: 'readUntil returns what comes before the delimiter and the delimiter, however it is cut up',
    *run(a, b) {
      const writing = yield* spawn(function* () {
        for (const piece of ['ab-', '-=', 'cd--', '=--=rest']) yield* a.write(bytesOf(piece))
      })
      same(textOf(yield* b.readUntil('--=')), 'ab--=', 'the first')
      same(textOf(yield* b.readUntil(bytesOf('--='))), 'cd--=', 'the second')
      same(textOf(yield* b.readUntil('--=')), '--=', 'the third, an empty one')
      same(textOf(yield* b.readExactly(4)), 'rest', 'what comes after')
      yield* writing.join()
    },
  },
  {
    name: 'readLine returns lines without their endings, the last one even without one, then null',
    *run(a, b) {
      const writing = yield* spawn(function* () {
        yield* a.write(bytesOf('one\r\n\ntwo \u00fc\n\r\nla'))
        yield* a.write(bytesOf('st'))
        yield* a.close()
      })
      const lines: (string | null)[] = []
      for (let i = 0; i < 7; i++) lines.push(yield* b.readLine())
      same(JSON.stringify(lines), JSON.stringify(['one', '', 'two \u00fc', '', 'last', null, null]), 'the lines')
      yield* writing.join()
    },
  },
  {
    name: 'all ways of reading go on where another one stopped',
    *run(a, b) {
      const writing = yield* spawn(() => a.write(bytesOf('line\nbytes until; read and the rest')))
      same(yield* b.readLine(), 'line', 'a line')
      same(textOf(yield* b.readExactly(6)), 'bytes ', 'so many bytes')
      same(textOf(yield* b.readUntil(';')), 'until;', 'until a delimiter')
      let got = ''
      while (got.length < 5) got += textOf(yield* b.read(5 - got.length))
      same(got, ' read', 'reads')
      const buffer = new Uint8Array(4)
      for (let filled = 0; filled < 4; ) filled += yield* b.readInto(buffer.subarray(filled))
      same(textOf(buffer), ' and', 'into a buffer')
      const closing = yield* spawn(function* () {
        yield* writing.join()
        yield* a.close()
      })
      same(textOf(yield* b.readAll()), ' the rest', 'the rest')
      yield* closing.join()
    },
  },
  {
    name: 'a readExactly that is cancelled or runs out of time half-way loses nothing',
    *run(a, b) {
      const rest = () => a.write(bytesOf('third'))
      same(textOf(yield* interrupted(a, b, () => b.readExactly(18), rest)), 'first second third', 'all of it')
    },
  },
  {
    name: 'a readUntil that is cancelled or runs out of time half-way loses nothing',
    *run(a, b) {
      const rest = () => a.write(bytesOf('third.'))
      same(textOf(yield* interrupted(a, b, () => b.readUntil('.'), rest)), 'first second third.', 'all of it')
    },
  },
  {
    name: 'a readLine that is cancelled or runs out of time half-way loses nothing',
    *run(a, b) {
      const rest = () => a.write(bytesOf('third\n'))
      same(yield* interrupted(a, b, () => b.readLine(), rest), 'first second third', 'the line')
    },
  },
  {
    name: 'a readAll that is cancelled or runs out of time half-way loses nothing',
    *run(a, b) {
      const rest = function* () {
        yield* a.write(bytesOf('third'))
        yield* a.close()
      }
      same(textOf(yield* interrupted(a, b, () => b.readAll(), rest)), 'first second third', 'all of it')
    },
  },
  {
    name: 'a readExactly of much that is cancelled again and again loses nothing',
    *run(a, b) {
      const bytes = pattern(150_000)
      yield* nursery(function* (n) {
        yield* n.spawn(function* () {
          for (let at = 0; at < bytes.length; at += 17_000) yield* a.write(bytes.subarray(at, at + 17_000))
        })
        let got: Uint8Array | undefined
        for (let ms = 0; got === undefined; ms = (ms + 1) % 4)
          got = yield* moveOn(ms, () => b.readExactly(bytes.length), undefined)
        same(difference(got, bytes), -1, 'the first byte that is wrong')
      })
    },
  },
  {
    name: 'too much is an error that says so and leaves the bytes where they are',
    *run(a, b) {
      const writing = yield* spawn(() => a.write(bytesOf('a long line\nx')))
      yield* failsWith(() => b.readLine(5), 'a line longer than 5 bytes', 'DRUPE_TOO_LARGE')
      yield* failsWith(() => b.readUntil('e\n', 11), 'a delimiter that ends at byte 12', 'DRUPE_TOO_LARGE')
      same(yield* b.readLine(12), 'a long line', 'the line, for those who have room')
      const closing = yield* spawn(function* () {
        yield* writing.join()
        yield* a.write(bytesOf('yz'))
        yield* a.close()
      })
      yield* failsWith(() => b.readAll({ maxBytes: 2 }), 'more than 2 bytes', 'DRUPE_TOO_LARGE')
      same(textOf(yield* b.readAll({ maxBytes: 3 })), 'xyz', 'all of it')
      yield* closing.join()
    },
  },
  {
    name: 'readUntil says what there was when the stream ended too early, and null when it ended before',
    *run(a, b) {
      const writing = yield* spawn(function* () {
        yield* a.write(bytesOf('half'))
        yield* a.close()
      })
      const error = yield* failsWith(() => b.readUntil('\n'), 'a stream without the delimiter', 'DRUPE_BROKEN')
      same(textOf((error as BrokenError).partial ?? null), 'half', 'what there was')
      same(yield* b.readUntil('\n'), null, 'the end')
      same(yield* b.readLine(), null, 'the end, as a line')
      yield* writing.join()
    },
  },
  {
    name: 'bytes that were put back are read first',
    *run(a, b) {
      b.unread(bytesOf('back '))
      b.unread(bytesOf('put '))
      const writing = yield* spawn(() => a.write(bytesOf('and new\n')))
      same(yield* b.readLine(), 'put back and new', 'the line')
      yield* writing.join()
      const reader = yield* spawn(() => b.readLine())
      yield* waitAllBlocked()
      yield* failsWith(
        function* () {
          b.unread(bytesOf('x'))
        },
        'to put back while somebody reads',
        'DRUPE_BUSY',
      )
      yield* reader.cancel()
    },
  },
  {
    name: 'while a task reads up to somewhere another one gets a BusyError, and none of its bytes',
    *run(a, b) {
      const first = yield* spawn(() => b.readUntil('.'))
      yield* waitAllBlocked()
      yield* a.write(bytesOf('for the first'))
      yield* waitAllBlocked()
      for (const read of [
        () => b.read(),
        () => b.readInto(new Uint8Array(9)),
        () => b.readLine(),
        () => b.readExactly(1),
        () => b.readAll(),
      ]) {
        yield* failsWith(read, 'a second reader', 'DRUPE_BUSY')
      }
      yield* a.write(bytesOf('.'))
      same(textOf(yield* first.join()), 'for the first.', 'what the first one reads')
    },
  },
  {
    name: 'a task that was cancelled reads nothing of the read-ahead either',
    *run(a, b) {
      b.unread(bytesOf('kept\n'))
      for (const read of [
        () => b.read(),
        () => b.readInto(new Uint8Array(9)),
        () => b.readLine(),
        () => b.readExactly(1),
      ]) {
        const late = yield* spawn(read as () => Operation<unknown>)
        yield* late.cancel()
        same(late.state, 'cancelled', 'the reader')
      }
      same(yield* b.readLine(), 'kept', 'what is still there')
      yield* a.close()
    },
  },
  {
    name: 'operands that are none are refused by all ways of reading',
    *run(a) {
      yield* failsWith(() => a.readExactly(-1), 'to read exactly −1 bytes', 'RangeError')
      yield* failsWith(() => a.readExactly(Number.NaN), 'to read exactly NaN bytes', 'RangeError')
      yield* failsWith(() => a.readUntil(''), 'to read until nothing', 'RangeError')
      yield* failsWith(() => a.readLine(0), 'a line of 0 bytes', 'RangeError')
      yield* failsWith(() => a.readAll({ maxBytes: 0 }), 'all of 0 bytes', 'RangeError')
      yield* failsWith(() => a.readLine(1, { timeout: -1 }), 'to wait for −1 ms', 'RangeError')
      yield* failsWith(() => a.write([1, 2] as never), 'to write numbers', 'TypeError')
      same((yield* a.readExactly(0)).length, 0, 'no bytes')
    },
  },
]
