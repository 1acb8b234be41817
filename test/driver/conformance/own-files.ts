/**
 * Conformance: files that the driver has opened itself, on every platform. Where reads and writes go
 * on, what is appended, positions, large pieces, and what is cancelled or closed under way.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import {
  CANCELED,
  CLOSED,
  type IoOp,
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_READ,
  OPEN_TRUNCATE,
  OPEN_WRITE,
  Request,
} from '../../../kernel/driver/contract.js'
import { gatherOp, lentReadOp, ok, type Rig, readOp, scatterOp, textOf, writeOp } from '../rig.js'
import { needing, type Suite } from './all.js'

/**
 * The body says if it has closed the descriptor: AVA's threads share one table, and a second close may hit the file that another
 * test has just opened.
 */
function withFile(rig: Rig, flags: number, text: string, body: (fd: number, path: string) => 'closed' | void): void {
  const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
  const path = join(directory, 'file')
  writeFileSync(path, text)
  const fd = ok(rig.run(new Request('open', { path, flags, mode: 0o600 }, Number.POSITIVE_INFINITY)))
  let closed = false
  try {
    closed = body(fd, path) === 'closed'
  } finally {
    if (!closed) rig.driver.closeFd(fd)
    rmSync(directory, { recursive: true })
  }
}

function at<T extends IoOp<unknown>>(op: T, position: number): T {
  op.position = position
  return op
}

function patternOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
}

export function ownFiles(all: Suite): void {
  const suite = needing(all, 'files')
  const BOTH = OPEN_READ | OPEN_WRITE

  suite.check('reads and writes of a file of its own go on where the last one ended', (t, rig) => {
    withFile(rig, BOTH, 'abcdefghij', (fd, path) => {
      t.is(rig.read(fd, 2), 'ab')
      rig.write(fd, 'XY')
      t.is(rig.read(fd, 1), 'e')
      t.is(rig.run(gatherOp(fd, [new Uint8Array([49, 50]), new Uint8Array([51])])), 3)
      const pieces = [new Uint8Array(1), new Uint8Array(5)]
      t.is(rig.run(scatterOp(fd, pieces)), 2)
      t.is(rig.read(fd), '')
      rig.write(fd, '!')
      t.is(rig.read(fd), '')
      t.is(readFileSync(path, 'utf8'), 'abXYe123ij!')
    })
  })

  suite.check('a file of its own is emptied, or written at its end, as it was opened', (t, rig) => {
    withFile(rig, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE, 'before', (fd, path) => {
      rig.write(fd, 'ab')
      t.is(readFileSync(path, 'utf8'), 'ab')
    })
    withFile(rig, OPEN_APPEND, 'before', (fd, path) => {
      rig.write(fd, ' one')
      writeFileSync(path, ' two', { flag: 'a' })
      rig.write(fd, ' three')
      t.is(readFileSync(path, 'utf8'), 'before one two three')
    })
  })

  suite.check('an op with a position leaves that of its file alone, and reads nothing behind the end', (t, rig) => {
    withFile(rig, BOTH, '0123456789', (fd, path) => {
      t.is(rig.read(fd, 2), '01')
      const reading = at(readOp(fd, 3), 7)
      t.is(textOf(reading, ok(rig.run(reading))), '789')
      t.is(rig.run(at(writeOp(fd, new Uint8Array([65, 66])), 12)), 2)
      t.is(rig.run(at(readOp(fd, 3), 100)), 0)
      t.is(rig.read(fd, 2), '23')
      t.is(readFileSync(path, 'latin1'), '0123456789\0\0AB')
    })
  })

  suite.check('bytes by the megabyte are written and read whole, also beyond what one call takes', (t, rig) => {
    const bytes = patternOf(5_000_001)
    withFile(rig, BOTH, '', (fd, path) => {
      const writing = at(writeOp(fd, bytes), 0)
      writing.all = true
      t.is(rig.run(writing), bytes.length)
      t.is(Buffer.compare(readFileSync(path), bytes), 0)
      let got = 0
      for (;;) {
        const op = got % 2 === 0 ? readOp(fd, 1_500_000) : lentReadOp(fd, 70_000)
        const count = ok(rig.run(op))
        if (count === 0) break
        const chunk = (op.buffer as Uint8Array).subarray(op.offset, op.offset + count)
        t.is(Buffer.compare(chunk, bytes.subarray(got, got + count)), 0)
        op.lender?.release(op)
        got += count
      }
      t.is(got, bytes.length)
    })
  })

  suite.check('a read of a file that is cancelled takes nothing, and a write says how far it came', (t, rig) => {
    withFile(rig, BOTH, 'abcdef', (fd, path) => {
      const reading = readOp(fd, 3)
      if (!rig.submit(reading) && !rig.cancel(reading)) rig.finish(reading)
      const taken = rig.isPending(reading) || reading.result < 0 ? 0 : reading.result
      t.is(rig.read(fd, 3), 'abcdef'.slice(taken, taken + 3))
      const bytes = patternOf(4_000_000)
      const writing = at(writeOp(fd, bytes), 0)
      writing.all = true
      const inline = rig.submit(writing)
      if (!inline && !rig.cancel(writing)) rig.finish(writing)
      t.true(writing.result === bytes.length || writing.result === CANCELED || writing.moved === 0)
      const written = readFileSync(path).subarray(0, writing.moved)
      t.is(Buffer.compare(written, bytes.subarray(0, writing.moved)), 0)
    })
  })

  suite.check('what is under way on a file ends when it is closed, or its driver', (t, rig) => {
    withFile(rig, BOTH, 'abcdef', (fd) => {
      const reading = at(readOp(fd, 3), 0)
      const inline = rig.submit(reading)
      rig.close(fd)
      t.true(reading.result === 3 || (!inline && reading.result === CLOSED))
      // AVA's threads have one table of descriptors: a test in another may have the number by now.
      if (rig.driver.can.foreignFds && !isMainThread) t.log('skipped: other threads open files, too')
      else t.is(suite.nameOf(rig, rig.run(at(readOp(fd, 3), 0))), 'EBADF')
      return 'closed'
    })
    withFile(rig, BOTH, 'abcdef', (fd) => {
      const reading = at(readOp(fd, 3), 0)
      const inline = rig.submit(reading)
      rig.driver.close()
      t.false(rig.isPending(reading))
      t.true(reading.result === 3 || (!inline && reading.result === CLOSED))
    })
  })

  suite.check('a buffer that is taken away while its file is read or written breaks nothing', (t, rig) => {
    withFile(rig, BOTH, 'abcdef', (fd) => {
      const reading = at(readOp(fd, 3), 0)
      if (!rig.submit(reading)) {
        structuredClone(reading.buffer, { transfer: [(reading.buffer as Uint8Array).buffer as ArrayBuffer] })
        t.is(suite.nameOf(rig, rig.finish(reading)), 'EFAULT')
      }
      t.is(rig.read(fd, 6).length > 0, true)
    })
  })
}
