/**
 * Conformance: whose memory is read and written. A buffer that was transferred while its op waits belongs to somebody else: what
 * that one sees, and what the peer gets, tells whether a driver has touched it.
 */
import type { IoOp } from '../../../kernel/driver/contract.js'
import { gatherOp, lentReadOp, ok, type Rig, readOp, scatterOp, textOf, writeOp } from '../rig.js'
import type { Suite } from './all.js'

/** Takes its memory away from a view, and fills it with what nobody must ever see. */
function takeAway(view: Uint8Array, filling: number): Uint8Array {
  return new Uint8Array(structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] })).fill(filling)
}

const isFull = (bytes: Uint8Array, filling: number): boolean => bytes.every((byte) => byte === filling)

/** All that comes until the end. */
function drain(rig: Rig, fd: number): Uint8Array {
  const pieces: Uint8Array[] = []
  for (;;) {
    const op = readOp(fd, 1 << 20)
    const count = ok(rig.run(op))
    if (count === 0) return Buffer.concat(pieces)
    pieces.push((op.buffer as Uint8Array).slice(0, count))
  }
}

/** Reads what comes until the writer is done. */
function readWhile(rig: Rig, writing: IoOp<unknown>, fd: number, see: (bytes: Uint8Array) => void): void {
  const reading = readOp(fd, 1 << 20)
  rig.submit(reading)
  while (rig.isPending(writing)) {
    rig.driver.poll(false)
    if (rig.isPending(reading)) continue
    see((reading.buffer as Uint8Array).subarray(0, ok(reading.result)))
    rig.submit(reading)
  }
  if (!rig.cancel(reading) && rig.isPending(reading)) rig.finish(reading)
}

const READS: readonly (readonly [string, (fd: number) => [op: IoOp<unknown>, view: Uint8Array]])[] = [
  [
    'a read',
    (fd) => {
      const op = readOp(fd, 1000)
      return [op, op.buffer as Uint8Array]
    },
  ],
  [
    'a read into several pieces',
    (fd) => {
      const view = new Uint8Array(500)
      return [scatterOp(fd, [view, new Uint8Array(500)]), view]
    },
  ],
]

export function memory(suite: Suite): void {
  for (const [what, make] of READS) {
    suite.check(
      `${what} whose buffer was transferred writes into nobody's memory, fails, and loses nothing`,
      (t, rig) => {
        const [a, b] = rig.pair()
        const [op, view] = make(b)
        rig.submit(op)
        rig.settle()
        const theirs = takeAway(view, 7)
        rig.write(a, 'x'.repeat(1000))
        t.is(suite.nameOf(rig, rig.finish(op)), 'EFAULT')
        t.true(isFull(theirs, 7))
        t.is(rig.read(b).length, 1000)
        rig.close(a, b)
      },
    )
  }

  suite.check('a write whose buffer was transferred fails and sends nothing of it', (t, rig) => {
    for (const op of [
      writeOp(0, new Uint8Array(16 << 20)),
      gatherOp(0, [new Uint8Array(10), new Uint8Array(16 << 20)]),
    ]) {
      const [a, b] = rig.pair()
      op.fd = a
      op.all = true
      rig.submit(op)
      rig.settle()
      t.true(rig.isPending(op))
      takeAway(op.buffer ?? (op.vector?.[1] as Uint8Array), 7)
      readWhile(rig, op, b, (got) => t.true(isFull(got, 0)))
      t.is(suite.nameOf(rig, op.result), 'EFAULT')
      rig.close(a)
      t.true(isFull(drain(rig, b), 0))
      rig.close(b)
    }
  })

  suite.check('of a small write the peer has all or nothing, whatever happens to its buffer', (t, rig) => {
    for (const size of [1, 4000, 10_000, 30_000, 60_000]) {
      const [a, b] = rig.pair()
      const op = writeOp(a, new Uint8Array(size))
      op.all = true
      rig.submit(op)
      takeAway(op.buffer as Uint8Array, 7)
      if (rig.isPending(op)) rig.finish(op)
      rig.close(a)
      const got = drain(rig, b)
      t.true(isFull(got, 0))
      t.is(got.length, op.result >= 0 ? size : op.moved)
      rig.close(b)
    }
  })

  suite.check('a buffer that was made smaller is not left', (t, rig) => {
    const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => ArrayBuffer
    const [a, b] = rig.pair()
    const shrink = (view: Uint8Array): void => (view.buffer as unknown as { resize(bytes: number): void }).resize(100)
    const reading = readOp(b, 1000)
    reading.buffer = new Uint8Array(new Resizable(1000, { maxByteLength: 1000 }), 0, 1000)
    rig.submit(reading)
    rig.settle()
    shrink(reading.buffer)
    rig.write(a, 'x'.repeat(1000))
    t.is(suite.nameOf(rig, rig.finish(reading)), 'EFAULT')
    t.is(rig.read(b).length, 1000)
    const writing = writeOp(a, new Uint8Array(new Resizable(16 << 20, { maxByteLength: 16 << 20 })))
    writing.all = true
    rig.submit(writing)
    rig.settle()
    shrink(writing.buffer as Uint8Array)
    readWhile(rig, writing, b, (got) => t.true(isFull(got, 0)))
    t.is(suite.nameOf(rig, writing.result), 'EFAULT')
    rig.close(a, b)
  })

  suite.check('shared memory is read into and written from as any other', (t, rig) => {
    const [a, b] = rig.pair()
    const shared = new Uint8Array(new SharedArrayBuffer(1000)).fill(3)
    const reading = readOp(b, 1000)
    reading.buffer = new Uint8Array(new SharedArrayBuffer(1000))
    rig.submit(reading)
    t.is(rig.run(writeOp(a, shared)), 1000)
    t.is(rig.finish(reading), 1000)
    t.true(isFull(reading.buffer, 3))
    rig.close(a, b)
  })

  suite.check('what was borrowed cannot be transferred', (t, rig) => {
    const [a, b] = rig.pair()
    const reading = lentReadOp(b)
    rig.submit(reading)
    rig.write(a, 'abc')
    t.is(rig.finish(reading), 3)
    const { buffer } = reading.buffer as Uint8Array
    const ways = [
      () => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }),
      () => (buffer as { transfer?(): unknown }).transfer?.(),
    ]
    for (const way of ways) {
      try {
        way()
      } catch {
        // Or it is a copy.
      }
      t.is(textOf(reading), 'abc')
    }
    reading.lender?.release(reading)
    rig.close(a, b)
  })

  suite.check('a buffer on loan whose bytes are being written is lent to nobody until that is over', (t, rig) => {
    const [a, b] = rig.pair()
    const [c, d] = rig.pair()
    const [e, f] = rig.pair()
    const borrowing = lentReadOp(b)
    rig.submit(borrowing)
    rig.submit(writeOp(a, new Uint8Array(1000).fill(1)))
    ok(rig.finish(borrowing))
    const chunk = borrowing.buffer as Uint8Array
    // As much as fills the socket; then the chunk, which has to wait.
    const writing = gatherOp(c, [new Uint8Array(16 << 20).fill(1), chunk])
    rig.submit(writing)
    rig.settle()
    t.true(rig.isPending(writing))
    borrowing.lender?.release(borrowing)
    rig.close(b)
    const others = Array.from({ length: 3 }, () => lentReadOp(f))
    for (const op of others) {
      rig.submit(op)
      rig.submit(writeOp(e, new Uint8Array(1000).fill(9)))
      ok(rig.finish(op))
      t.not((op.buffer as Uint8Array).buffer, chunk.buffer)
      op.lender?.release(op)
    }
    const sink = lentReadOp(d)
    let got = 0
    while (got < (16 << 20) + chunk.length) {
      got += ok(rig.run(sink))
      t.true(isFull(sink.buffer as Uint8Array, 1))
    }
    t.is(rig.finish(writing), got)
    rig.close(a, c, d, e, f)
  })
}
