/**
 * Conformance of streams, part two: how they end. On this side, on the other side, half, and in the
 * middle of something.
 */
import type { BrokenError } from '../../kernel/protocol/errors.js'
import { spawn, waitAllBlocked } from '../raw/call.js'
import type { CheckBody } from './conformance.js'
import { bytesOf, failsWith, holds, same, stillWaits, textOf } from './expect.js'

/** The code of a stream that was broken from outside: Drupe's own, or the OS's name for it. */
const BROKEN = ['DRUPE_BROKEN', 'EPIPE', 'ECONNRESET'] as const

export const endings: readonly CheckBody[] = [
  {
    name: 'after a close of the peer what was written is read, then the end, again and again',
    *run(a, b) {
      const writing = yield* spawn(function* () {
        yield* a.write(bytesOf('last words'))
        yield* a.close()
      })
      same(textOf(yield* b.readExactly(10)), 'last words', 'what was written before')
      same(yield* b.read(), null, 'the end')
      same(yield* b.read(), null, 'the end, once more')
      same(yield* b.readInto(new Uint8Array(1)), 0, 'the end, into a buffer')
      yield* writing.join()
    },
  },
  {
    name: 'the end reaches a read that waits',
    *run(a, b) {
      const reading = yield* spawn(() => b.read())
      yield* waitAllBlocked()
      stillWaits(reading, 'a read')
      yield* a.close()
      same(yield* reading.join(), null, 'what it read')
    },
  },
  {
    name: 'after end the peer reads the end and can still answer',
    needs: 'halfClose',
    *run(a, b) {
      const asking = yield* spawn(function* () {
        yield* a.write(bytesOf('question'))
        yield* a.end()
        return yield* a.readAll()
      })
      same(textOf(yield* b.readAll()), 'question', 'all that was asked')
      yield* b.write(bytesOf('answer'))
      yield* b.close()
      same(textOf(yield* asking.join()), 'answer', 'the answer')
    },
  },
  {
    name: 'after end nothing more can be written',
    needs: 'halfClose',
    *run(a, b) {
      yield* a.end()
      yield* failsWith(() => a.write(bytesOf('x')), 'to write after the end', ...BROKEN, 'DRUPE_CLOSED')
      same(yield* b.read(), null, 'what the peer reads')
    },
  },
  {
    name: 'end while another task writes is a BusyError, and what is being written arrives whole',
    needs: ['bounded', 'halfClose'],
    *run(a, b, plenty) {
      const writing = yield* spawn(() => a.write(new Uint8Array(plenty)))
      yield* waitAllBlocked()
      stillWaits(writing, 'a writer of more than fits')
      yield* failsWith(() => a.end(), 'to end what is being written', 'DRUPE_BUSY')
      same((yield* b.readExactly(plenty)).length, plenty, 'how many bytes came')
      yield* writing.join()
      yield* a.end()
      same(yield* b.read(), null, 'what comes after them')
    },
  },
  {
    name: 'end after the peer has broken it is no error',
    *run(a, b) {
      yield* b.close()
      const write = function* () {
        for (let i = 0; i < 1000; i++) {
          yield* a.write(new Uint8Array(10_000))
          yield* waitAllBlocked()
        }
      }
      yield* failsWith(write, 'to write for ever', ...BROKEN)
      yield* a.end()
      yield* a.end()
    },
  },
  {
    name: 'a write to a peer that has left fails, after a while',
    *run(a, b) {
      yield* b.close()
      const write = function* () {
        for (let i = 0; i < 1000; i++) {
          yield* a.write(new Uint8Array(10_000))
          yield* waitAllBlocked()
        }
      }
      yield* failsWith(write, 'to write for ever', ...BROKEN)
    },
  },
  {
    name: 'a writer that waits for room hears that the peer has left',
    needs: 'bounded',
    *run(a, b, plenty) {
      const writing = yield* spawn(() => failsWith(() => a.write(new Uint8Array(plenty)), 'to write on', ...BROKEN))
      yield* waitAllBlocked()
      stillWaits(writing, 'a writer of more than fits')
      yield* b.close()
      yield* writing.join()
    },
  },
  {
    name: 'a close wakes the reader of this side with a ClosedError',
    *run(a) {
      const reading = yield* spawn(() => failsWith(() => a.read(), 'a read of what is closed', 'DRUPE_CLOSED'))
      yield* waitAllBlocked()
      stillWaits(reading, 'a read')
      yield* a.close()
      yield* reading.join()
    },
  },
  {
    name: 'a close wakes the writer of this side with a ClosedError',
    needs: 'bounded',
    *run(a, _b, plenty) {
      const write = () => a.write(new Uint8Array(plenty))
      const writing = yield* spawn(() => failsWith(write, 'a write to what is closed', 'DRUPE_CLOSED'))
      yield* waitAllBlocked()
      stillWaits(writing, 'a writer of more than fits')
      yield* a.close()
      yield* writing.join()
    },
  },
  {
    name: 'a closed stream says so, refuses everything with a ClosedError, and can be closed again',
    *run(a) {
      holds(!a.closed, 'a new stream is open')
      yield* a.close()
      yield* a.close()
      holds(a.closed, 'a closed stream says that it is closed')
      for (const use of [
        () => a.read(),
        () => a.readInto(new Uint8Array(1)),
        () => a.write(bytesOf('x')),
        () => a.end(),
      ]) {
        yield* failsWith(use, 'to use a closed stream', 'DRUPE_CLOSED')
      }
    },
  },
  {
    name: 'a close works for a task that was cancelled',
    *run(a, b) {
      const closing = yield* spawn(function* () {
        try {
          yield* a.read()
        } finally {
          yield* a.close()
        }
      })
      yield* waitAllBlocked()
      yield* closing.cancel()
      same(yield* b.read(), null, 'what the peer reads')
    },
  },
  {
    name: 'readExactly says what there was when the stream ended too early',
    *run(a, b) {
      const writing = yield* spawn(function* () {
        yield* a.write(bytesOf('half'))
        yield* a.close()
      })
      const error = yield* failsWith(() => b.readExactly(10), 'to read more than there is', 'DRUPE_BROKEN')
      same(textOf((error as BrokenError).partial ?? null), 'half', 'what there was')
      yield* writing.join()
    },
  },
  {
    name: 'readAll reads to the end, which may come at once',
    *run(a, b) {
      const writing = yield* spawn(function* () {
        for (const word of ['all ', 'of ', 'it']) yield* a.write(bytesOf(word))
        yield* a.close()
      })
      same(textOf(yield* b.readAll()), 'all of it', 'all of it')
      same((yield* b.readAll()).length, 0, 'what is left')
      yield* writing.join()
    },
  },
]
