/**
 * Conformance: gathered writes. Pieces arrive as if they had been one, wherever the system stops in the middle of them.
 */

import { gatherOp, ok, type Rig, readOp, writeOp } from '../rig.js'
import { needing, type Suite } from './all.js'

/** Pieces of the given sizes; byte number n of them all is n * 7 + (n >> 8). */
function piecesOf(sizes: readonly number[]): Uint8Array[] {
  let at = 0
  return sizes.map((size) =>
    Uint8Array.from({ length: size }, () => {
      const n = at++
      return (n * 7 + (n >> 8)) & 255
    }),
  )
}

function isRight(bytes: Uint8Array, from = 0): boolean {
  return bytes.every((byte, i) => byte === (((from + i) * 7 + ((from + i) >> 8)) & 255))
}

/** Reads so many bytes, polling the driver meanwhile. */
function drain(rig: Rig, fd: number, count: number, most = 50_000): Uint8Array {
  const received = new Uint8Array(count)
  const op = readOp(fd, most)
  for (let at = 0; at < count; ) {
    op.length = Math.min(most, count - at)
    const moved = ok(rig.run(op))
    if (moved === 0) return received.subarray(0, at)
    received.set((op.buffer as Uint8Array).subarray(0, moved), at)
    at += moved
  }
  return received
}

export function gather(suite: Suite): void {
  const shapes: readonly (readonly [string, readonly number[]])[] = [
    ['one piece', [100]],
    ['a header and a body', [30, 20_000]],
    ['a body between two small pieces', [1, 100_000, 1]],
    ['empty pieces at the front, between and at the end', [0, 3, 0, 0, 5000, 0, 2, 0]],
    ['three thousand small pieces', Array.from({ length: 3000 }, (_, i) => i % 40)],
    ['three thousand large pieces', Array.from({ length: 3000 }, () => 5000)],
    [
      'small and large ones in turns, more than one call can take',
      Array.from({ length: 2500 }, (_, i) => [10, 6000][i % 2] as number),
    ],
  ]
  for (const [shape, sizes] of shapes) {
    suite.check(`a gathered write of ${shape} arrives whole and in order`, (t, rig) => {
      const [a, b] = rig.pair()
      const op = gatherOp(a, piecesOf(sizes))
      rig.submit(op)
      const received = drain(rig, b, op.length)
      t.true(isRight(received))
      t.is(rig.finish(op), op.length)
      t.is(op.moved, op.length)
      rig.close(a, b)
    })
  }

  suite.check('a gathered write of no pieces, or of empty ones, is a write of nothing', (t, rig) => {
    const [a, b] = rig.pair()
    t.is(rig.run(gatherOp(a, [])), 0)
    t.is(rig.run(gatherOp(a, [new Uint8Array(0), new Uint8Array(0)])), 0)
    rig.write(a, 'x')
    t.is(rig.read(b), 'x')
    rig.close(a, b)
  })

  suite.check('a gathered write waits in the middle when there is no room, and goes on where it stopped', (t, rig) => {
    const [a, b] = rig.pair()
    const op = gatherOp(a, piecesOf(Array.from({ length: 900 }, (_, i) => (i % 3 === 0 ? 17 : 9973))))
    t.false(rig.submit(op))
    rig.settle()
    t.true(rig.isPending(op))
    t.true(isRight(drain(rig, b, op.length, 3001)))
    t.is(rig.finish(op), op.length)
    rig.close(a, b)
  })

  const unix = needing(suite, 'unixSockets')
  unix.check('a plain gathered write takes what fits, also in the middle of a piece', (t, rig) => {
    const [a, b] = rig.pair('unix', { family: 'unix', path: `\0drupe-gather-${process.pid}-${suite.name}` })
    const pieces = piecesOf(Array.from({ length: 400 }, () => 4999))
    const total = 400 * 4999
    let sent = 0
    let received = 0
    while (sent < total) {
      // What is left, cut where the last write stopped.
      let skip = sent
      const rest = pieces.flatMap((piece) => {
        const from = Math.min(skip, piece.length)
        skip -= from
        return [piece.subarray(from)]
      })
      const op = gatherOp(a, rest, false)
      rig.submit(op)
      rig.settle()
      while (rig.isPending(op)) {
        const got = drain(rig, b, 1000)
        t.true(isRight(got, received))
        received += got.length
      }
      t.true(op.result > 0 && op.result <= op.length)
      sent += ok(op.result)
    }
    t.true(isRight(drain(rig, b, total - received), received))
    rig.close(a, b)
  })

  suite.check(
    'a gathered write that is cancelled half-way says how far it came, and nothing of it comes later',
    (t, rig) => {
      const [a, b] = rig.pair()
      const op = gatherOp(a, piecesOf(Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? 100 : 9000))))
      t.false(rig.submit(op))
      t.true(isRight(drain(rig, b, 10_000)))
      if (!rig.cancel(op)) rig.finish(op)
      t.true(op.moved > 10_000 && op.moved < op.length)
      rig.close(a)
      const rest = drain(rig, b, op.length)
      t.is(rest.length, op.moved - 10_000)
      t.true(isRight(rest, 10_000))
      rig.close(b)
    },
  )

  suite.check('a gathered write to a connection that breaks fails, and says how far it came', (t, rig) => {
    const [a, b] = rig.pair()
    const op = gatherOp(a, piecesOf(Array.from({ length: 2000 }, () => 9000)))
    t.false(rig.submit(op))
    rig.read(b)
    rig.close(b)
    t.regex(suite.nameOf(rig, rig.finish(op)), /EPIPE|ECONNRESET/)
    t.true(op.moved > 0 && op.moved < op.length)
    rig.close(a)
  })

  suite.check(
    'a gathered write whose length is not the sum of its pieces is refused, untouched memory aside',
    (t, rig) => {
      const [a, b] = rig.pair()
      const op = gatherOp(a, [new Uint8Array([1, 2]), new Uint8Array([3])])
      for (const length of [4, -1, Number.NaN]) {
        op.length = length
        t.is(suite.nameOf(rig, rig.run(op)), 'EFAULT')
      }
      rig.close(a, b)
    },
  )

  suite.check('the same op writes a buffer, then pieces, then a buffer', (t, rig) => {
    const [a, b] = rig.pair()
    const op = writeOp(a, new Uint8Array([65]))
    op.all = true
    t.is(rig.run(op), 1)
    op.buffer = null
    op.vector = [new Uint8Array([66]), new Uint8Array([67])]
    op.length = 2
    t.is(rig.run(op), 2)
    op.buffer = new Uint8Array([68])
    op.vector = null
    op.length = 1
    t.is(rig.run(op), 1)
    let got = ''
    while (got.length < 4) got += rig.read(b)
    t.is(got, 'ABCD')
    rig.close(a, b)
  })

  suite.check('datagrams are not gathered', (t, rig) => {
    const fd = rig.socket('udp4')
    t.is(suite.nameOf(rig, rig.run(gatherOp(fd, [new Uint8Array(1)]))), 'EINVAL')
    rig.close(fd)
  })
}
