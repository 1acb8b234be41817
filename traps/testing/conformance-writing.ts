/**
 * Conformance of streams, part four: writing in pieces and in parts. What was taken arrives once,
 * and nothing else does.
 */

import { BufferedWriter } from '../net/buffered-writer.js'
import { spawn, waitAllBlocked } from '../raw/call.js'
import { nursery } from '../scope/nursery.js'
import { moveOn } from '../scope/scope.js'
import type { CheckBody } from './conformance.js'
import { bytesOf, difference, holds, pattern, same, textOf } from './expect.js'

export const writing: readonly CheckBody[] = [
  {
    name: 'pieces arrive as if they had been one',
    *run(a, b) {
      const pieces = [10, 0, 70_000, 1, 30_000, 0].map((size) => pattern(size))
      const total = pieces.reduce((sum, piece) => sum + piece.length, 0)
      const writing = yield* spawn(() => a.write(pieces))
      const got = yield* b.readExactly(total)
      let at = 0
      for (const piece of pieces) {
        same(difference(got.subarray(at, at + piece.length), piece), -1, 'the first byte that is wrong')
        at += piece.length
      }
      yield* writing.join()
      yield* a.write([])
    },
  },
  {
    name: 'a string is written as its UTF-8 bytes, and counts as so many',
    *run(a, b) {
      const writing = yield* spawn(function* () {
        yield* a.write('Grüße')
        yield* a.write([' und ', bytesOf('bytes'), ' 🍑'])
        let sent = 0
        for (const part of ['€', '€', '€']) sent += yield* a.writeSome(part)
        yield* a.end()
        return sent
      })
      same(textOf(yield* b.readExactly(22)), 'Grüße und bytes 🍑', 'the text')
      const rest = yield* b.readAll()
      same(yield* writing.join(), rest.length, 'how many bytes writeSome took')
      holds(rest.length > 0 && rest.length <= 9, 'a euro sign has three bytes')
      b.unread('é')
      same(textOf(yield* b.readExactly(2)), 'é', 'what was put back')
    },
  },
  {
    name: 'writeSome takes at least one byte, says how many, and none when it is cancelled',
    needs: 'bounded',
    *run(a, b, plenty) {
      const bytes = pattern(plenty)
      let sent = 0
      let got = 0
      const reader = yield* spawn(function* () {
        yield* waitAllBlocked()
        for (let chunk = yield* b.read(); chunk !== null; chunk = yield* b.read()) {
          same(difference(chunk, bytes.subarray(got, got + chunk.length)), -1, 'the first byte that is wrong')
          got += chunk.length
        }
      })
      while (sent < plenty) {
        const count = yield* moveOn(1, () => a.writeSome([bytes.subarray(sent, sent + 1), bytes.subarray(sent + 1)]), 0)
        holds(count >= 0 && count <= plenty - sent, 'writeSome says how many bytes it took')
        sent += count
      }
      yield* a.close()
      yield* reader.join()
      same(got, plenty, 'how many bytes came')
    },
  },
  {
    name: 'a BufferedWriter over it neither loses a byte nor sends one twice, however often it is cancelled',
    *run(a, b) {
      const bytes = pattern(60_000)
      yield* nursery(function* (n) {
        yield* n.spawn(function* () {
          const out = new BufferedWriter(a, { highWaterBytes: 20_000, lowWaterBytes: 5000 })
          for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 9001) {
            yield* moveOn(0.5, () => out.write(bytes.subarray(at, at + size)))
          }
          while (out.bufferedBytes > 0) yield* moveOn(0.5, () => out.flush())
          yield* a.close()
        })
        same(difference(yield* b.readAll(), bytes), -1, 'the first byte that is wrong')
      })
    },
  },
]
