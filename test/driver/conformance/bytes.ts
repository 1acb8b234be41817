/**
 * Conformance, part one: what is written is read, to the last byte and in order, whatever the timing and the ending.
 */
import { CANCELED, type IoOp } from '../../../kernel/driver/contract.js'
import { lentReadOp, ok, readOp, textOf, writeOp } from '../rig.js'
import { needing, type Suite } from './all.js'

export function bytes(suite: Suite): void {
  suite.check('a read of data that is there completes with it', (t, rig) => {
    const [a, b] = rig.pair()
    rig.write(a, 'hello')
    t.is(rig.read(b), 'hello')
    rig.close(a, b)
  })

  suite.check('a read that has to wait completes when data comes, and not before', (t, rig) => {
    const [a, b] = rig.pair()
    const op = readOp(b)
    t.false(rig.submit(op))
    rig.settle()
    t.true(rig.isPending(op))
    rig.write(a, 'late')
    rig.finish(op)
    t.is(textOf(op), 'late')
    rig.close(a, b)
  })

  suite.check('a read at an offset touches nothing else of the buffer', (t, rig) => {
    const [a, b] = rig.pair()
    rig.write(a, 'abcdef')
    const op = readOp(b, 10)
    op.offset = 3
    op.length = 4
    t.is(rig.run(op), 4)
    t.deepEqual([...(op.buffer as Uint8Array)], [0, 0, 0, 97, 98, 99, 100, 0, 0, 0])
    t.is(rig.read(b), 'ef')
    rig.close(a, b)
  })

  suite.check('a buffer too small for offset and length is refused, untouched', (t, rig) => {
    const [a, b] = rig.pair()
    const op = readOp(b, 10)
    for (const [offset, length] of [
      [5, 6],
      [-1, 2],
      [Number.NaN, 1],
      [0, -1],
    ] as const) {
      op.offset = offset
      op.length = length
      t.is(suite.nameOf(rig, rig.run(op)), 'EFAULT')
    }
    rig.close(a, b)
  })

  suite.check('a read of nothing completes with nothing', (t, rig) => {
    const [a, b] = rig.pair()
    t.is(rig.run(readOp(b, 0)), 0)
    rig.close(a, b)
  })

  suite.check('the end reads as 0, again and again', (t, rig) => {
    const [a, b] = rig.pair()
    rig.close(a)
    t.is(rig.read(b), '')
    t.is(rig.read(b), '')
    rig.close(b)
  })

  suite.check('the end reaches a read that waits', (t, rig) => {
    const [a, b] = rig.pair()
    const op = readOp(b)
    t.false(rig.submit(op))
    rig.close(a)
    t.is(rig.finish(op), 0)
    rig.close(b)
  })

  suite.check('after shutdown the peer reads the end and can still answer', (t, rig) => {
    const [a, b] = rig.pair()
    rig.write(a, 'question')
    ok(rig.driver.shutdown(a))
    t.is(rig.read(b), 'question')
    t.is(rig.read(b), '')
    rig.write(b, 'answer')
    t.is(rig.read(a), 'answer')
    rig.close(a, b)
  })

  suite.check('data after a short read is not missed', (t, rig) => {
    const [a, b] = rig.pair()
    for (let i = 0; i < 50; i++) {
      const early = i % 2 === 0
      const op = readOp(b)
      if (!early) rig.submit(op)
      rig.write(a, `message ${i}`)
      if (early) rig.submit(op)
      rig.finish(op)
      t.is(textOf(op), `message ${i}`)
    }
    rig.close(a, b)
  })

  suite.check('data that was read in part is read on, without waiting for more', (t, rig) => {
    const [a, b] = rig.pair()
    rig.write(a, 'abcdef')
    t.is(rig.read(b, 2), 'ab')
    t.is(rig.read(b, 2), 'cd')
    t.is(rig.read(b, 100), 'ef')
    rig.close(a, b)
  })

  for (const moment of ['before the read', 'while the read waits', 'after the fd has been used a lot'] as const) {
    suite.check(`data and end together, ${moment}, read as data and then 0`, (t, rig) => {
      const [a, b] = rig.pair()
      if (moment === 'after the fd has been used a lot') {
        for (let i = 0; i < 5; i++) {
          const op = readOp(b)
          rig.submit(op)
          rig.write(a, 'x')
          rig.finish(op)
        }
      }
      const op = readOp(b)
      if (moment === 'while the read waits') rig.submit(op)
      rig.write(a, 'last words')
      rig.close(a)
      if (moment !== 'while the read waits') rig.submit(op)
      rig.finish(op)
      t.is(textOf(op), 'last words')
      t.is(rig.read(b), '')
      rig.close(b)
    })
  }

  suite.check('a reset connection fails a read that waits with ECONNRESET', (t, rig) => {
    const [a, b] = rig.pair()
    const op = readOp(b)
    rig.submit(op)
    rig.write(b, 'never read, so that closing resets')
    rig.pass(5)
    rig.close(a)
    t.is(suite.nameOf(rig, rig.finish(op)), 'ECONNRESET')
    rig.close(b)
  })

  suite.check('a write to a connection that the peer left fails with EPIPE or ECONNRESET', (t, rig) => {
    const [a, b] = rig.pair()
    rig.close(b)
    let result = 0
    for (let i = 0; i < 100 && result >= 0; i++) {
      result = rig.run(writeOp(a, new Uint8Array(1000)))
      rig.pass(1)
    }
    t.regex(suite.nameOf(rig, result), /EPIPE|ECONNRESET/)
    rig.close(a)
  })

  suite.check('write-all moves several MiB through a slow reader, in order', (t, rig) => {
    const [a, b] = rig.pair()
    const bytes = Uint8Array.from({ length: 6 << 20 }, (_, i) => (i * 2654435761) >>> 24)
    const writing = writeOp(a, bytes)
    writing.all = true
    t.false(rig.submit(writing))
    const received = new Uint8Array(bytes.length)
    let count = 0
    const reading = readOp(b, 100_000)
    while (count < bytes.length) {
      const moved = ok(rig.run(reading))
      t.not(moved, 0)
      received.set((reading.buffer as Uint8Array).subarray(0, moved), count)
      count += moved
    }
    t.is(rig.finish(writing), bytes.length)
    t.is(writing.moved, bytes.length)
    t.is(Buffer.compare(received, bytes), 0)
    rig.close(a, b)
  })

  suite.check('write-all that breaks in the middle says how far it came', (t, rig) => {
    const [a, b] = rig.pair()
    const writing = writeOp(a, new Uint8Array(32 << 20))
    writing.all = true
    t.false(rig.submit(writing))
    rig.read(b)
    rig.close(b)
    t.regex(suite.nameOf(rig, rig.finish(writing)), /EPIPE|ECONNRESET/)
    t.true(writing.moved > 0 && writing.moved < writing.length)
    rig.close(a)
  })

  needing(suite, 'unixSockets').check('a plain write takes what fits, and waits when nothing does', (t, rig) => {
    const [a, b] = rig.pair('unix', { family: 'unix', path: `\0drupe-fit-${process.pid}-${suite.name}` })
    const op = writeOp(a, new Uint8Array(1 << 20))
    let total = 0
    rig.submit(op)
    rig.settle()
    while (!rig.isPending(op)) {
      total += ok(op.result)
      rig.submit(op)
      rig.settle()
    }
    t.true(total > 0)
    let drained = 0
    while (rig.isPending(op)) drained += rig.read(b, 100_000).length
    total += ok(op.result)
    t.true(op.result > 0)
    while (drained < total) drained += rig.read(b, 100_000).length
    t.is(drained, total)
    rig.close(a, b)
  })

  suite.check('a lending read holds no buffer while it waits, and owns one after', (t, rig) => {
    const [a, b] = rig.pair()
    const op = lentReadOp(b)
    t.is(op.buffer, null)
    rig.submit(op)
    rig.settle()
    t.is(op.buffer, null)
    rig.write(a, 'lent')
    rig.finish(op)
    t.is(textOf(op), 'lent')
    rig.submit(op)
    rig.settle()
    t.is(op.buffer, null)
    rig.write(a, 'again')
    rig.finish(op)
    t.is(textOf(op), 'again')
    op.lender?.release(op)
    op.lender?.release(op)
    t.is(op.buffer, null)
    op.length = 3
    rig.write(a, 'short')
    t.is(rig.run(op), 3)
    rig.close(a)
    op.length = 100
    t.is(rig.run(op), 2)
    t.is(rig.run(op), 0)
    t.is(op.buffer, null)
    rig.close(b)
  })

  suite.check('the buffers that are lent are few, and used again and again', (t, rig) => {
    const [a, b] = rig.pair()
    const op = lentReadOp(b)
    const seen = new Set<ArrayBufferLike>()
    for (let i = 0; i < 1000; i++) {
      rig.write(a, 'x')
      t.is(rig.run(op), 1)
      seen.add((op.buffer as Uint8Array).buffer)
    }
    t.true(seen.size <= 64, `${seen.size} buffers`)
    rig.close(a, b)
  })

  suite.check('two lending reads never share a buffer', (t, rig) => {
    const [a, b] = rig.pair()
    const [x, y] = [lentReadOp(a), lentReadOp(b)]
    rig.write(a, 'to b')
    rig.write(b, 'to a')
    rig.run(x)
    rig.run(y)
    t.deepEqual([textOf(x), textOf(y)], ['to a', 'to b'])
    t.not(x.buffer, y.buffer)
    x.lender?.release(x)
    y.lender?.release(y)
    rig.close(a, b)
  })

  suite.check('ten thousand random steps lose no byte and no op', (t, rig) => {
    const pairs = Array.from({ length: 8 }, () => rig.pair())
    const reads = pairs.map(([, b]) => readOp(b, 7))
    const sent = pairs.map(() => 0)
    const seen = pairs.map(() => 0)
    let seed = 12345
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return (seed >>> 8) % n
    }
    const take = (i: number): void => {
      const op = reads[i] as IoOp<unknown>
      if (op.result === CANCELED) return
      // Byte number n of a connection is n, so a lost or doubled byte is seen at once.
      for (const byte of (op.buffer as Uint8Array).subarray(0, ok(op.result))) {
        if (byte !== ((seen[i] as number) & 255)) t.fail(`byte ${seen[i]} of connection ${i}`)
        seen[i] = (seen[i] as number) + 1
      }
    }
    rig.onComplete = (op) => {
      const i = reads.indexOf(op)
      if (i >= 0) take(i)
    }
    for (let step = 0; step < 10_000; step++) {
      const i = random(pairs.length)
      const op = reads[i] as IoOp<unknown>
      const action = random(4)
      if (action === 0) {
        const from = sent[i] as number
        const bytes = Uint8Array.from({ length: 1 + random(20) }, (_, k) => from + k)
        sent[i] = from + ok(rig.run(writeOp((pairs[i] as [number, number])[0], bytes)))
      } else if (action === 1 && !rig.isPending(op)) {
        if (rig.submit(op)) take(i)
      } else if (action === 2 && rig.isPending(op)) rig.cancel(op)
      else rig.driver.poll(false)
    }
    for (const i of reads.keys()) {
      const op = reads[i] as IoOp<unknown>
      if (rig.isPending(op) && (seen[i] as number) < (sent[i] as number)) rig.finish(op)
      while ((seen[i] as number) < (sent[i] as number)) {
        if (rig.submit(op)) take(i)
        else rig.finish(op)
      }
    }
    t.deepEqual(seen, sent)
  })
}
