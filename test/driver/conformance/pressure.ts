/**
 * Conformance, part four: under pressure. Readers that do not read, writers that are cut off, more news than fits, and
 * descriptors that are closed while the system still has their operations.
 */

import { CANCELED, CLOSED, type IoOp } from '../../../kernel/driver/contract.js'
import { PATIENCE_MS } from '../../patience.js'
import { acceptOp, connectOp, lentReadOp, levelOp, ok, type Rig, readOp, textOf, writeOp } from '../rig.js'
import type { Suite } from './all.js'

/** Bytes that tell where they are. */
function pattern(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((from + i) * 31 + ((from + i) >> 8)) & 0xff)
}

/** Connections that have carried large pieces before, each with a reader and another piece that has arrived for it. */
function largeReaders(rig: Rig, count: number): { pairs: [number, number][]; reads: IoOp<unknown>[] } {
  const pairs = Array.from({ length: count }, () => rig.pair())
  const reads = pairs.map(([, b]) => lentReadOp(b))
  const feed = (): void => {
    for (const [a] of pairs) rig.submit(writeOp(a, pattern(40_000)))
  }
  for (const op of reads) rig.submit(op)
  feed()
  for (const op of reads) ok(rig.finish(op))
  for (const op of reads) rig.submit(op)
  rig.settle()
  feed()
  return { pairs, reads }
}

export function pressure(suite: Suite): void {
  suite.check('a reader that stops reading stops the writer, and then loses nothing', (t, rig) => {
    const [a, b] = rig.pair()
    const reading = lentReadOp(b)
    rig.submit(reading)
    rig.write(a, '!')
    t.is(rig.finish(reading), 1)
    const bytes = 64 << 20
    const writing = writeOp(a, new Uint8Array(bytes).fill(7))
    writing.all = true
    rig.submit(writing)
    rig.pass(50)
    t.true(rig.isPending(writing), 'took everything although nobody reads')
    let got = 0
    while (got < bytes) {
      const count = ok(rig.run(reading))
      const { buffer } = reading as { buffer: Uint8Array }
      t.true(buffer[0] === 7 && buffer[count - 1] === 7)
      got += count
    }
    t.is(rig.finish(writing), bytes)
    rig.close(a, b)
  })

  suite.check('a poll lends no more buffers than it may, and the others have their turn', (t, rig) => {
    const pairs = Array.from({ length: 40 }, () => rig.pair())
    const reads = pairs.map(([, b]) => lentReadOp(b))
    for (const op of reads) rig.submit(op)
    rig.settle()
    for (const [a] of pairs) rig.submit(writeOp(a, pattern(3)))
    const lent = (): number => reads.filter((op) => op.lender !== null).length
    for (let i = 0; i < 20; i++) rig.driver.poll(false, 0)
    t.is(lent(), 0)
    for (let i = 0; i < 20 && lent() < 5; i++) rig.driver.poll(false, 5 - lent())
    t.is(lent(), 5)
    for (const op of reads) t.is(rig.finish(op), 3)
    for (const op of reads) op.lender?.release(op)
    rig.close(...pairs.flat())
  })

  suite.check('connections that are not read do not starve one that is', (t, rig) => {
    const pairs = Array.from({ length: 80 }, () => rig.pair())
    const reads = pairs.map(([, b]) => lentReadOp(b))
    for (const [i, op] of reads.entries()) {
      rig.submit(op)
      rig.write((pairs[i] as [number, number])[0], '0')
      rig.finish(op)
    }
    for (let round = 1; round <= 6; round++) {
      for (const [a] of pairs) rig.write(a, String(round))
      rig.pass(2)
    }
    const [a, b] = rig.pair()
    const op = lentReadOp(b)
    rig.submit(op)
    rig.write(a, 'through')
    rig.finish(op)
    t.is(textOf(op), 'through')
    for (const read of reads) {
      let text = ''
      while (text.length < 6) {
        ok(rig.run(read))
        text += textOf(read)
      }
      t.is(text, '123456')
    }
    rig.close(a, b, ...pairs.flat())
  })

  suite.check('of many that can be read, nobody is read twice before everybody was read once', (t, rig) => {
    const pairs = Array.from({ length: 100 }, () => rig.pair())
    const reads = pairs.map(([, b]) => lentReadOp(b))
    for (const op of reads) rig.submit(op)
    rig.settle()
    const feed = (fd: number): void => {
      rig.submit(writeOp(fd, Uint8Array.of(1)))
    }
    const order: IoOp<unknown>[] = []
    const limit = rig.driver.now() + PATIENCE_MS
    for (const [a] of pairs) feed(a)
    while (order.length < reads.length) {
      t.true(rig.driver.now() < limit, 'not all are read')
      const before = rig.completed.length
      rig.driver.poll(false)
      const served = rig.completed.slice(before).filter((op) => reads.includes(op))
      order.push(...served)
      // Who was served has more at once, and asks for it when that has arrived.
      for (const op of served) feed((pairs[reads.indexOf(op)] as [number, number])[0])
      rig.driver.poll(false)
      for (const op of rig.completed.slice(before).filter((op) => reads.includes(op))) {
        if (!served.includes(op)) order.push(op)
        if (rig.submit(op)) order.push(op)
      }
    }
    t.is(new Set(order.slice(0, reads.length)).size, reads.length)
    rig.close(...pairs.flat())
  })

  suite.check('more readers keep what they were lent than the system has buffers: nobody waits for them', (t, rig) => {
    const pairs = Array.from({ length: 200 }, () => rig.pair())
    const reads = pairs.map(([, b]) => lentReadOp(b))
    for (const op of reads) rig.submit(op)
    for (let round = 0; round < 3; round++) {
      for (const [i, [a]] of pairs.entries()) rig.write(a, `${round}:${i}`)
      for (const [i, op] of reads.entries()) {
        ok(rig.finish(op))
        t.is(textOf(op), `${round}:${i}`)
      }
      // Until here every one of them still had its buffer.
      t.is(new Set(reads.map((op) => (op.buffer as Uint8Array).buffer)).size, reads.length)
      for (const op of reads) rig.submit(op)
    }
    rig.close(...pairs.flat())
  })

  suite.check('a lent chunk can be written to any connection, whole or in part, once or twice', (t, rig) => {
    const [a, b] = rig.pair()
    const [c, d] = rig.pair()
    const reading = lentReadOp(b)
    rig.submit(reading)
    rig.write(a, 'chunk')
    ok(rig.finish(reading))
    const chunk = reading.buffer as Uint8Array
    for (const [to, bytes] of [
      [b, chunk],
      [c, chunk],
      [b, chunk.subarray(1, 3)],
      [b, chunk],
    ] as const)
      ok(rig.run(writeOp(to, bytes)))
    const answers = lentReadOp(a)
    let text = ''
    while (text.length < 12) {
      ok(rig.run(answers))
      text += textOf(answers)
    }
    t.is(text, 'chunkhuchunk')
    const passedOn = lentReadOp(d)
    ok(rig.run(passedOn))
    t.is(textOf(passedOn), 'chunk')
    rig.close(a, b, c, d)
  })

  suite.check('large pieces are read one at a time, each into the memory that the last one has left', (t, rig) => {
    const { pairs, reads } = largeReaders(rig, 10)
    const memory = new Set<ArrayBufferLike>()
    for (const _ of reads) {
      const before = rig.completed.length
      while (rig.completed.length === before) rig.driver.poll(false)
      t.is(rig.completed.length, before + 1)
      const op = rig.completed[before] as IoOp<unknown>
      t.true(op.result > 0 && op.buffer !== null)
      memory.add((op.buffer as Uint8Array).buffer)
      op.lender?.release(op)
    }
    t.is(memory.size, 1)
    rig.close(...pairs.flat())
  })

  suite.check('more completions at once than any queue holds: each comes, and once', (t, rig) => {
    const pairs = Array.from({ length: 100 }, () => rig.pair())
    const ops = pairs.flatMap(([a, b]) => [readOp(b), lentReadOp(a), levelOp(a, 'writable')])
    for (const op of ops) rig.submit(op)
    for (const [a, b] of pairs) {
      rig.write(b, 'to a')
      rig.submit(writeOp(a, new TextEncoder().encode('to b')))
    }
    for (const op of ops) ok(rig.finish(op))
    rig.settle()
    for (const op of ops) if (op.buffer !== null) t.is(textOf(op).slice(0, 3), 'to ')
    rig.close(...pairs.flat())
  })

  suite.check('a write that is cut off says how much was written, exactly', (t, rig) => {
    for (let attempt = 0; attempt < 5; attempt++) {
      const [a, b] = rig.pair()
      const bytes = pattern(16 << 20)
      const writing = writeOp(a, bytes)
      writing.all = true
      t.false(rig.submit(writing))
      rig.settle(attempt)
      if (!rig.cancel(writing)) t.is(rig.finish(writing), CANCELED)
      t.true(writing.moved < bytes.length)
      rig.close(a)
      const reading = lentReadOp(b)
      let got = 0
      for (let count = ok(rig.run(reading)); count > 0; count = ok(rig.run(reading))) got += count
      t.is(got, writing.moved)
      rig.close(b)
    }
  })

  suite.check('a connect that is cancelled leaves a socket that can be closed', (t, rig) => {
    const [listener, address] = rig.listen('tcp4', undefined, 1)
    const clients = Array.from({ length: 20 }, () => rig.socket('tcp4'))
    for (const fd of clients) {
      const op = connectOp(fd, address)
      if (rig.submit(op)) continue
      if (!rig.cancel(op)) t.true([CANCELED, 0].includes(rig.finish(op)))
    }
    rig.settle()
    rig.close(listener, ...clients)
  })

  suite.check('a closed listener’s port is free when close returns, even with an accept under way', (t, rig) => {
    const [first, address] = rig.listen()
    let fd = first
    for (let i = 0; i < 20; i++) {
      const accepting = acceptOp(fd)
      rig.submit(accepting)
      if (i % 2 === 0) rig.settle(1)
      rig.close(fd)
      t.is(rig.finish(accepting), CLOSED)
      ;[fd] = rig.listen('tcp4', address)
    }
    rig.close(fd)
  })

  suite.check('a closed connection is closed for the peer too, even with a read and a write under way', (t, rig) => {
    for (const lends of [false, true]) {
      const [a, b] = rig.pair()
      const reading = lends ? lentReadOp(a) : readOp(a)
      rig.submit(reading)
      rig.settle(1)
      rig.close(a)
      t.is(rig.finish(reading), CLOSED)
      t.is(rig.run(readOp(b)), 0)
      rig.close(b)
    }
  })

  suite.check('what a closed connection had received and not read is answered with a reset', (t, rig) => {
    const [a, b] = rig.pair()
    const reading = lentReadOp(b)
    rig.submit(reading)
    rig.write(a, 'read')
    rig.finish(reading)
    rig.write(a, 'not read')
    rig.pass(5)
    rig.close(b)
    t.is(suite.nameOf(rig, rig.run(readOp(a))), 'ECONNRESET')
    rig.close(a)
  })

  suite.check('reads of all manners on one connection take turns and lose no byte', (t, rig) => {
    const [a, b] = rig.pair()
    const bytes = pattern(300_000)
    const writing = writeOp(a, bytes)
    writing.all = true
    rig.submit(writing)
    let got = 0
    for (let turn = 0; got < bytes.length; turn++) {
      const manner = turn % 5
      if (manner === 4) {
        t.is(rig.run(levelOp(b, 'readable')), 0)
        continue
      }
      const lengths = [100, 1 << 20, 7, 5000]
      const op: IoOp<unknown> = manner < 2 ? lentReadOp(b, lengths[manner]) : readOp(b, lengths[manner])
      const count = ok(rig.run(op))
      t.true(count > 0)
      const chunk = (op.buffer as Uint8Array).subarray(op.offset, op.offset + count)
      t.deepEqual(Buffer.compare(chunk, bytes.subarray(got, got + count)), 0, `at ${got}`)
      op.lender?.release(op)
      got += count
    }
    rig.finish(writing)
    rig.close(a, b)
  })
}
