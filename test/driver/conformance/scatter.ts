/**
 * Conformance: reads into several pieces. They are filled as if they were one buffer, and what does not fit stays for the next read.
 */
import { CANCELED } from '../../../kernel/driver/contract.js'
import { lentReadOp, ok, readOp, scatterOp, textOf } from '../rig.js'
import type { Suite } from './all.js'

/** Pieces of these sizes, filled with dots. */
function dots(...sizes: number[]): Uint8Array[] {
  return sizes.map((size) => new Uint8Array(size).fill(46))
}

function text(pieces: readonly Uint8Array[]): string {
  return pieces.map((piece) => new TextDecoder().decode(piece)).join('|')
}

export function scatter(suite: Suite): void {
  suite.check('a read into pieces fills one after the other, also when it had to wait', (t, rig) => {
    const [a, b] = rig.pair()
    const first = dots(2, 0, 3)
    rig.write(a, 'abcdefg')
    t.is(rig.run(scatterOp(b, first)), 5)
    t.is(text(first), 'ab||cde')
    const second = dots(1, 4)
    t.is(rig.run(scatterOp(b, second)), 2)
    t.is(text(second), 'f|g...')
    const third = dots(3, 3)
    const op = scatterOp(b, third)
    t.false(rig.submit(op))
    rig.settle()
    rig.write(a, 'hijk')
    t.is(rig.finish(op), 4)
    t.is(text(third), 'hij|k..')
    rig.close(a, b)
  })

  suite.check('a read into no pieces, or into empty ones, reads nothing; at the end it says so', (t, rig) => {
    const [a, b] = rig.pair()
    rig.write(a, 'x')
    t.is(rig.run(scatterOp(b, [])), 0)
    t.is(rig.run(scatterOp(b, dots(0, 0))), 0)
    t.is(rig.read(b), 'x')
    rig.close(a)
    t.is(rig.run(scatterOp(b, dots(1, 1))), 0)
    rig.close(b)
  })

  suite.check('a read into pieces that is cancelled has read nothing', (t, rig) => {
    const [a, b] = rig.pair()
    const pieces = dots(2, 2)
    const op = scatterOp(b, pieces)
    t.false(rig.submit(op))
    rig.settle()
    if (!rig.cancel(op)) t.is(rig.finish(op), CANCELED)
    rig.write(a, 'abc')
    rig.settle()
    t.is(text(pieces), '..|..')
    t.is(rig.run(op), 3)
    t.is(text(pieces), 'ab|c.')
    rig.close(a, b)
  })

  suite.check('more pieces than one call can take lose nothing', (t, rig) => {
    const [a, b] = rig.pair()
    const message = Array.from({ length: 6000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('')
    rig.write(a, message)
    let got = ''
    while (got.length < message.length) {
      const pieces = Array.from({ length: 3000 }, () => new Uint8Array(2))
      const count = ok(rig.run(scatterOp(b, pieces)))
      got += text(pieces).replaceAll('|', '').slice(0, count)
    }
    t.is(got, message)
    rig.close(a, b)
  })

  suite.check('lending reads, reads into a buffer and reads into pieces take turns on one connection', (t, rig) => {
    const [a, b] = rig.pair()
    const lent = lentReadOp(b)
    rig.submit(lent)
    rig.write(a, 'lent')
    rig.finish(lent)
    t.is(textOf(lent), 'lent')
    lent.lender?.release(lent)
    for (let round = 0; round < 3; round++) {
      rig.write(a, 'one,two,three')
      rig.settle()
      const pieces = dots(2, 2)
      t.is(rig.run(scatterOp(b, pieces)), 4)
      t.is(text(pieces), 'on|e,')
      const into = readOp(b, 4)
      t.is(rig.run(into), 4)
      t.is(textOf(into), 'two,')
      rig.run(lent)
      t.is(textOf(lent), 'three')
      lent.lender?.release(lent)
    }
    rig.close(a, b)
  })

  suite.check('a read into pieces from a connection that breaks fails', (t, rig) => {
    const [a, b] = rig.pair()
    const op = scatterOp(b, dots(10))
    t.false(rig.submit(op))
    rig.write(b, 'unread')
    rig.settle()
    rig.close(a)
    t.is(suite.nameOf(rig, rig.finish(op)), 'ECONNRESET')
    rig.close(b)
  })

  suite.check('datagrams are not scattered', (t, rig) => {
    const fd = rig.socket('udp4')
    t.is(suite.nameOf(rig, rig.run(scatterOp(fd, dots(1)))), 'EINVAL')
    rig.close(fd)
  })
}
