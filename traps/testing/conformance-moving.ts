/**
 * Conformance of streams, part one: bytes arrive, all of them, in order, and a wait for them can be
 * cancelled.
 */
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from '../net/byte-stream.js'
import { spawn, waitAllBlocked } from '../raw/call.js'
import { nursery } from '../scope/nursery.js'
import { moveOn, scope } from '../scope/scope.js'
import type { CheckBody } from './conformance.js'
import { bytesOf, difference, failsWith, holds, pattern, same, stillWaits, textOf } from './expect.js'

/** Moves bytes from one end to the other, in writes of many sizes. */
function* transfer(from: ByteStream, to: ByteStream, bytes: Uint8Array): Operation<void> {
  yield* nursery(function* (n) {
    yield* n.spawn(function* writer() {
      for (let at = 0, size = 1; at < bytes.length; at += size, size = Math.min(size * 3, 100_000)) {
        yield* from.write(bytes.subarray(at, at + size))
      }
    })
    same(difference(yield* to.readExactly(bytes.length), bytes), -1, 'the first byte that is wrong')
  })
}

/** Reads what is written at the other end, while it is written. */
function* exchange(from: ByteStream, to: ByteStream, text: string): Operation<string> {
  const writing = yield* spawn(() => from.write(bytesOf(text)))
  const got = textOf(yield* to.readExactly(text.length))
  yield* writing.join()
  return got
}

export const moving: readonly CheckBody[] = [
  {
    name: 'what is written at one end is read at the other, both ways at once',
    *run(a, b) {
      yield* nursery(function* (n) {
        yield* n.spawn(() => transfer(a, b, pattern(120_000)))
        yield* n.spawn(() => transfer(b, a, pattern(90_000)))
      })
    },
  },
  {
    name: 'a read waits for bytes, and has them as soon as they come',
    *run(a, b) {
      const reading = yield* spawn(() => b.read())
      yield* waitAllBlocked()
      stillWaits(reading, 'a read without anything to read')
      yield* a.write(bytesOf('x'))
      same(textOf(yield* reading.join()), 'x', 'what it read')
    },
  },
  {
    name: 'a read returns at most what was asked for, and the rest later',
    *run(a, b) {
      const writing = yield* spawn(() => a.write(bytesOf('abcdef')))
      let got = ''
      while (got.length < 6) {
        const chunk = yield* b.read(2)
        holds(chunk !== null && chunk.length >= 1 && chunk.length <= 2, 'a read of at most 2 bytes returns 1 or 2')
        got += textOf(chunk)
      }
      same(got, 'abcdef', 'what was read')
      yield* writing.join()
    },
  },
  {
    name: 'readInto fills the buffer from its beginning and says how far',
    *run(a, b) {
      const writing = yield* spawn(() => a.write(bytesOf('abc')))
      const buffer = new Uint8Array(10).fill(46)
      let filled = 0
      while (filled < 3) filled += yield* b.readInto(buffer.subarray(filled))
      same(textOf(buffer), 'abc.......', 'the buffer')
      yield* writing.join()
    },
  },
  {
    name: 'what a read returned is the reader’s, and what was written the writer’s again',
    *run(a, b) {
      const bytes = bytesOf('first')
      const writing = yield* spawn(() => a.write(bytes))
      const got = yield* b.readExactly(5)
      yield* writing.join()
      bytes.fill(0)
      same(yield* exchange(a, b, 'other'), 'other', 'the next message')
      same(textOf(got), 'first', 'the first message')
    },
  },
  {
    name: 'a write of nothing returns, and nobody reads it',
    *run(a, b) {
      yield* a.write(new Uint8Array(0))
      same(yield* exchange(a, b, 'x'), 'x', 'what comes next')
    },
  },
  {
    name: 'operands that are none are refused',
    *run(a) {
      yield* failsWith(() => a.read(0), 'to read at most 0 bytes', 'RangeError')
      yield* failsWith(() => a.read(Number.NaN), 'to read at most NaN bytes', 'RangeError')
      yield* failsWith(() => a.write(5 as never), 'to write a number', 'TypeError')
      yield* failsWith(() => a.readInto('text' as never), 'to read into a string', 'TypeError')
      yield* failsWith(() => a.read(1, { timeout: -1 }), 'to wait for −1 ms', 'RangeError')
    },
  },
  {
    name: 'a second reader gets a BusyError, and the first is not disturbed',
    *run(a, b) {
      const first = yield* spawn(() => b.read())
      yield* waitAllBlocked()
      yield* failsWith(() => b.read(), 'a second reader', 'DRUPE_BUSY')
      yield* failsWith(() => b.readInto(new Uint8Array(1)), 'a second reader', 'DRUPE_BUSY')
      yield* a.write(bytesOf('x'))
      same(textOf(yield* first.join()), 'x', 'what the first one reads')
    },
  },
  {
    name: 'a writer waits when there is no room, and goes on when there is',
    needs: 'bounded',
    *run(a, b, plenty) {
      const bytes = pattern(plenty)
      const writing = yield* spawn(() => a.write(bytes))
      yield* waitAllBlocked()
      stillWaits(writing, 'a writer of more than fits')
      same(difference(yield* b.readExactly(plenty), bytes), -1, 'the first byte that is wrong')
      yield* writing.join()
    },
  },
  {
    name: 'a second writer gets a BusyError, and the first is not disturbed',
    needs: 'bounded',
    *run(a, b, plenty) {
      const bytes = pattern(plenty)
      const first = yield* spawn(() => a.write(bytes))
      yield* waitAllBlocked()
      yield* failsWith(() => a.write(bytesOf('x')), 'a second writer', 'DRUPE_BUSY')
      same(difference(yield* b.readExactly(plenty), bytes), -1, 'the first byte that is wrong')
      yield* first.join()
    },
  },
  {
    name: 'a reader and a writer on one end do not disturb each other',
    *run(a, b) {
      const reading = yield* spawn(() => a.read())
      yield* waitAllBlocked()
      same(yield* exchange(a, b, 'out'), 'out', 'what went out')
      yield* b.write(bytesOf('in'))
      same(textOf(yield* reading.join()).slice(0, 1), 'i', 'what came in')
    },
  },
  {
    name: 'a read that is cancelled has read nothing',
    *run(a, b) {
      for (let i = 0; i < 3; i++) {
        const reading = yield* spawn(() => b.read())
        yield* waitAllBlocked()
        yield* reading.cancel()
        same(yield* exchange(a, b, `kept ${i}`), `kept ${i}`, 'what comes after the cancel')
      }
    },
  },
  {
    name: 'a read that is cancelled when bytes come has them, or leaves them',
    *run(a, b) {
      for (let i = 0; i < 10; i++) {
        const reading = yield* spawn(() => b.read(1))
        yield* waitAllBlocked()
        const writing = yield* spawn(() => a.write(bytesOf('x')))
        yield* reading.cancel()
        const got = reading.state === 'done' ? reading.result : yield* b.read(1)
        same(textOf(got ?? null), 'x', 'the byte')
        yield* writing.join()
      }
    },
  },
  {
    name: 'a task that was cancelled reads nothing, even if it need not wait',
    *run(a, b) {
      const writing = yield* spawn(() => a.write(bytesOf('x')))
      yield* waitAllBlocked()
      const got = yield* scope({}, function* (s) {
        yield* s.cancel()
        return yield* b.read()
      })
      same(got, undefined, 'what the cancelled task reads')
      same(textOf(yield* b.read()), 'x', 'what is still there')
      yield* writing.join()
    },
  },
  {
    name: 'a read that runs out of time has read nothing, and says so',
    *run(a, b) {
      yield* failsWith(() => b.read(1, { timeout: 1 }), 'a read with a timeout', 'DRUPE_TIMEOUT')
      same(yield* moveOn(1, () => b.read(), 'moved on'), 'moved on', 'a read inside moveOn')
      same(yield* exchange(a, b, 'kept'), 'kept', 'what comes after')
    },
  },
  {
    name: 'a write that is cancelled or runs out of time ends',
    needs: 'bounded',
    *run(a, b, plenty) {
      const bytes = new Uint8Array(plenty)
      yield* failsWith(() => a.write(bytes, { timeout: 1 }), 'a write with a timeout', 'DRUPE_TIMEOUT')
      const writing = yield* spawn(() => b.write(bytes))
      yield* waitAllBlocked()
      stillWaits(writing, 'a writer of more than fits')
      yield* writing.cancel()
      same(writing.state, 'cancelled', 'the writer')
    },
  },
]
