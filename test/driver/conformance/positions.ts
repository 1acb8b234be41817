/**
 * Conformance: the position of a file. Reads and writes go on where the last one ended, whoever made it: the same descriptor, another
 * one of the same file, the file's other side.
 */
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLibc } from '../../../native/linux/libc.js'
import { SEEK_CUR, SEEK_SET } from '../../../native/posix/constants.js'
import { gatherOp, ok, type Rig, readOp, scatterOp, textOf, writeOp } from '../rig.js'
import { needing, type Suite } from './all.js'

function withFile(flags: string, text: string, body: (fd: number, path: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
  const path = join(directory, 'file')
  writeFileSync(path, text)
  const fd = openSync(path, flags)
  try {
    body(fd, path)
  } finally {
    closeSync(fd)
    rmSync(directory, { recursive: true })
  }
}

const positionOf = (fd: number): number => ok(openLibc().lseek(fd, 0, SEEK_CUR))
const duplicate = (fd: number): number => ok(openLibc().koffi.load(null).func('dup', 'int', ['int'])(fd))

/** Many operations under way at once, then all of them finished. */
function together(rig: Rig, ops: readonly ReturnType<typeof writeOp>[]): void {
  const pending = ops.filter((op) => !rig.submit(op))
  for (const op of pending) rig.finish(op)
}

export function positions(all: Suite): void {
  const suite = needing(all, 'files', 'foreignFds')
  suite.check('reads and writes of one file go on where the last one ended', (t, rig) => {
    withFile('r+', 'abcdefghij', (fd, path) => {
      t.is(rig.read(fd, 2), 'ab')
      rig.write(fd, 'XY')
      t.is(rig.read(fd, 1), 'e')
      t.is(rig.run(gatherOp(fd, [new Uint8Array([49, 50]), new Uint8Array([51])])), 3)
      const pieces = [new Uint8Array(1), new Uint8Array(5)]
      t.is(rig.run(scatterOp(fd, pieces)), 2)
      t.is(positionOf(fd), 10)
      t.is(rig.read(fd), '')
      t.is(positionOf(fd), 10)
      rig.write(fd, '!')
      t.is(readFileSync(path, 'utf8'), 'abXYe123ij!')
      ok(openLibc().lseek(fd, 3, SEEK_SET))
      rig.write(fd, 'Z')
      t.is(rig.read(fd, 4), 'e123')
      t.is(readFileSync(path, 'utf8'), 'abXZe123ij!')
    })
  })

  suite.check('writes at once by two descriptors of one open file stand behind each other', (t, rig) => {
    withFile('w', '', (fd, path) => {
      const other = duplicate(fd)
      for (let i = 0; i < 20; i++) {
        const ops = [writeOp(fd, new Uint8Array(5000).fill(65)), writeOp(other, new Uint8Array(3000).fill(66))]
        together(rig, ops)
        t.deepEqual(
          ops.map((op) => op.result),
          [5000, 3000],
        )
      }
      t.is(positionOf(fd), 160_000)
      t.is(readFileSync(path, 'latin1'), ('A'.repeat(5000) + 'B'.repeat(3000)).repeat(20))
      rig.close(other)
    })
  })

  suite.check('reads at once by two descriptors of one open file have every byte once', (t, rig) => {
    const bytes = 3_000_000
    withFile('r', 'x'.repeat(bytes), (fd) => {
      const other = duplicate(fd)
      const ops = [readOp(fd, 1_000_000), readOp(other, 1_000_000)]
      let sum = 0
      for (let got = 1; got > 0; sum += got) {
        together(rig, ops)
        got = ops.reduce((all, { result }) => all + ok(result), 0)
      }
      t.is(sum, bytes)
      rig.close(other)
    })
  })

  suite.check('writes of as much as goes leave no gap between those of two descriptors', (t, rig) => {
    withFile('w', '', (fd, path) => {
      const other = duplicate(fd)
      const ops = [writeOp(fd, new Uint8Array(1_000_000).fill(65)), writeOp(other, new Uint8Array(1_000_000).fill(66))]
      together(rig, ops)
      t.false(readFileSync(path).includes(0))
      t.is(positionOf(fd), ok(ops[0]?.result ?? -1) + ok(ops[1]?.result ?? -1))
      rig.close(other)
    })
  })

  suite.check('a write begins where its buffer is said to', (t, rig) => {
    withFile('w', '', (fd, path) => {
      const op = writeOp(fd, new TextEncoder().encode('abcdef'))
      op.offset = 2
      op.length = 3
      t.is(rig.run(op), 3)
      t.is(readFileSync(path, 'utf8'), 'cde')
    })
  })

  suite.check('a read and a write at once on one descriptor take their turns', (t, rig) => {
    withFile('r+', 'abcdef', (fd, path) => {
      const reading = readOp(fd, 4)
      const writing = writeOp(fd, new TextEncoder().encode('XYZ'))
      together(rig, [reading, writing])
      t.is(textOf(reading), 'abcd')
      t.is(readFileSync(path, 'utf8'), 'abcdXYZ')
      t.is(positionOf(fd), 7)
      const atEnd = readOp(fd, 1000)
      const behind = writeOp(fd, new TextEncoder().encode('!'))
      together(rig, [atEnd, behind])
      t.true(atEnd.result === 0 || textOf(atEnd) === '!')
      t.is(readFileSync(path, 'utf8'), 'abcdXYZ!')
    })
  })

  suite.check('what is appended stands at the end, wherever the position was', (t, rig) => {
    withFile('a+', 'abcdef', (fd, path) => {
      t.is(rig.read(fd, 2), 'ab')
      rig.write(fd, 'gh')
      t.is(positionOf(fd), 8)
      t.is(rig.read(fd), '')
      t.is(readFileSync(path, 'utf8'), 'abcdefgh')
    })
  })

  suite.check("files of the kernel's and devices are read as they are", (t, rig) => {
    for (const path of ['/proc/version', '/proc/filesystems', '/sys/kernel/mm/transparent_hugepage/enabled']) {
      const fd = openSync(path, 'r')
      let text = ''
      for (let piece = rig.read(fd, 7); piece !== ''; piece = rig.read(fd, 7)) text += piece
      t.is(text, readFileSync(path, 'utf8'))
      closeSync(fd)
    }
    const zero = openSync('/dev/zero', 'r')
    t.is(rig.read(zero, 3), '\0\0\0')
    closeSync(zero)
    const full = openSync('/dev/full', 'w')
    const op = writeOp(full, new Uint8Array(10))
    op.all = true
    t.is(suite.nameOf(rig, rig.run(op)), 'ENOSPC')
    closeSync(full)
  })

  suite.check('a position beyond four gigabytes is one like any other', (t, rig) => {
    withFile('r+', '', (fd, path) => {
      const at = 2 ** 32 + 2 ** 31 + 5
      truncateSync(path, at)
      ok(openLibc().lseek(fd, at - 2, SEEK_SET))
      rig.write(fd, 'abcdef')
      t.is(positionOf(fd), at + 4)
      ok(openLibc().lseek(fd, at - 3, SEEK_SET))
      t.is(rig.read(fd, 5), '\0abcd')
      t.is(rig.read(fd), 'ef')
      t.is(positionOf(fd), at + 4)
    })
  })

  suite.check('buffers of four gigabytes are written and read like others, piece by piece', (t, rig) => {
    let large: Uint8Array
    try {
      // Address space alone: nobody touches all of it.
      large = new Uint8Array(2 ** 32)
    } catch {
      t.log('skipped: no room for a buffer of four gigabytes')
      return
    }
    // A blocking one would be written to by the page.
    const nothing = openSync('/dev/null', constants.O_WRONLY | constants.O_NONBLOCK)
    for (const make of [() => writeOp(nothing, large), () => gatherOp(nothing, [large.subarray(0, 10), large])]) {
      const op = make()
      op.all = false
      t.true(ok(rig.run(op)) > 0)
    }
    closeSync(nothing)
    withFile('r', 'abcdef', (fd) => {
      const op = readOp(fd, 0)
      op.buffer = large
      op.length = large.length
      t.is(rig.run(op), 6)
      t.is(textOf(op), 'abcdef')
      t.is(rig.run(op), 0)
    })
  })

  suite.check('a file closed with a write under way has the whole write or nothing, at its place', (t, rig) => {
    withFile('w', '', (fd, path) => {
      const other = duplicate(fd)
      const op = writeOp(other, new Uint8Array(100_000).fill(65))
      rig.submit(op)
      rig.close(other)
      t.is(positionOf(fd), readFileSync(path).length)
      rig.write(fd, 'end')
      t.regex(readFileSync(path, 'latin1'), /^A*end$/)
    })
  })

  suite.check('an op with a position reads and writes there, and leaves the file’s own alone', (t, rig) => {
    withFile('r+', 'abcdefghij', (fd, path) => {
      t.is(rig.read(fd, 2), 'ab')
      const reading = at(readOp(fd, 3), 5)
      t.is(textOf(reading, ok(rig.run(reading))), 'fgh')
      const writing = at(writeOp(fd, new TextEncoder().encode('XYZ')), 8)
      writing.all = true
      t.is(rig.run(writing), 3)
      t.is(rig.run(at(readOp(fd, 3), 99)), 0)
      t.is(positionOf(fd), 2)
      const pieces = [new Uint8Array(2), new Uint8Array(3)]
      t.is(rig.run(at(scatterOp(fd, pieces), 6)), 5)
      t.deepEqual(
        pieces.map((piece) => new TextDecoder().decode(piece)),
        ['gh', 'XYZ'],
      )
      t.is(rig.run(at(gatherOp(fd, [new Uint8Array([49]), new Uint8Array([50])]), 0)), 2)
      t.is(readFileSync(path, 'utf8'), '12cdefghXYZ')
    })
  })

  suite.check('what has no positions refuses one', (t, rig) => {
    const [a, b] = rig.pair()
    t.is(suite.nameOf(rig, rig.run(at(readOp(a, 1), 0))), 'ESPIPE')
    t.is(suite.nameOf(rig, rig.run(at(writeOp(a, new Uint8Array(1)), 0))), 'ESPIPE')
    rig.close(a, b)
  })
}

/** The same op at a position. */
function at(op: ReturnType<typeof readOp>, position: number): ReturnType<typeof readOp> {
  op.position = position
  return op
}
