/**
 * Fds that the driver did not open: pipes, files, terminals, of other owners and in any mode. Linux
 * only.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { CANCELED, CLOSED, type IoOp } from '../../../kernel/driver/contract.js'
import { O_NONBLOCK } from '../../../native/linux/constants.js'
import { EpollDriver } from '../../../native/linux/epoll.js'
import { openLibc } from '../../../native/linux/libc.js'
import { UringDriver } from '../../../native/linux/uring/driver.js'
import { acceptOp, connectOp, levelOp, ok, Rig, readOp, scatterOp, textOf, writeOp } from '../../driver/rig.js'

function check(sentence: string, body: (t: ExecutionContext, rig: Rig) => void): void {
  if (process.platform !== 'linux') return
  for (const make of [() => new EpollDriver(), () => new UringDriver()]) {
    const driver = make()
    test(`${driver.name}: ${sentence}`, (t) => {
      const rig = new Rig(driver)
      try {
        body(t, rig)
      } finally {
        rig.driver.close()
      }
    })
  }
}

/** Not node:fs: it would wonder where the number came from. */
function closeElsewhere(fd: number): void {
  ok(openLibc().close(fd))
}

/**
 * A socket of ours under this number, which was closed elsewhere, and those that had lower ones;
 * null if it is taken.
 */
function takeNumber(rig: Rig, fd: number): number[] | null {
  const sockets: number[] = []
  while (sockets.at(-1) !== fd && sockets.length < 50) sockets.push(rig.socket('tcp4'))
  if (sockets.at(-1) === fd) return sockets
  rig.close(...sockets)
  return null
}

function pipe(flags: number): [read: number, write: number] {
  const ends = new Int32Array(2)
  ok(openLibc().pipe(openLibc().addressOf(ends)))
  for (const fd of ends) ok(openLibc().setStatusFlags(fd, flags))
  return [ends[0] as number, ends[1] as number]
}

for (const [mode, flags] of [
  ['blocking', 0],
  ['non-blocking', O_NONBLOCK],
] as const) {
  check(
    `a ${mode} pipe: an op that is cancelled when news of it was overtaken by another reader completes`,
    (t, rig) => {
      const pipes = [pipe(flags), pipe(flags)]
      const ops = pipes.map(([r]) => levelOp(r, 'readable'))
      for (const op of ops) rig.submit(op)
      rig.settle()
      const withdrawn = new Set<IoOp<unknown>>()
      // One poll brings both. The first to complete empties the other's pipe and withdraws it.
      rig.onComplete = (done) => {
        rig.onComplete = () => {}
        const other = ops.find((op) => op !== done) as IoOp<unknown>
        readSync(other.fd, new Uint8Array(1))
        if (rig.cancel(other)) withdrawn.add(other)
      }
      for (const [, w] of pipes) writeSync(w, 'x')
      rig.pass(5)
      const results = ops.map((op) => (withdrawn.has(op) ? CANCELED : rig.finish(op))).sort()
      t.deepEqual(results, [CANCELED, 0])
      for (const fd of pipes.flat()) closeElsewhere(fd)
    },
  )

  check(`a ${mode} pipe: a read without data waits in the driver, not in the thread`, (t, rig) => {
    const [r, w] = pipe(flags)
    for (let i = 0; i < 3; i++) {
      const op = readOp(r)
      t.false(rig.submit(op))
      rig.settle()
      t.true(rig.isPending(op))
      writeSync(w, `line ${i}`)
      rig.finish(op)
      t.is(textOf(op), `line ${i}`)
    }
    closeElsewhere(w)
    t.is(rig.run(readOp(r)), 0)
    rig.close(r)
  })

  check(`a ${mode} pipe: a gathered write goes through without stopping the thread`, (t, rig) => {
    const [r, w] = pipe(flags)
    const op = writeOp(w, new Uint8Array(0))
    op.buffer = null
    op.vector = Array.from({ length: 300 }, (_, i) => new Uint8Array(i % 2 === 0 ? 11 : 9000).fill(i))
    op.length = op.vector.reduce((sum, piece) => sum + piece.length, 0)
    op.all = true
    t.false(rig.submit(op))
    const received: Buffer[] = []
    for (let count = 0; count < op.length; ) {
      const reading = readOp(r, 50_000)
      count += ok(rig.run(reading))
      received.push(Buffer.from(reading.buffer as Uint8Array).subarray(0, reading.result))
    }
    t.is(rig.finish(op), op.length)
    t.is(Buffer.compare(Buffer.concat(received), Buffer.concat(op.vector)), 0)
    rig.close(r, w)
  })

  check(
    `a ${mode} pipe: a read into pieces waits in the driver, can be called off, and fills them in order`,
    (t, rig) => {
      const [r, w] = pipe(flags)
      const pieces = [new Uint8Array(2), new Uint8Array(3), new Uint8Array(4)]
      const op = scatterOp(r, pieces)
      t.false(rig.submit(op))
      rig.settle()
      if (!rig.cancel(op)) t.is(rig.finish(op), CANCELED)
      t.false(rig.submit(op))
      writeSync(w, 'abcdefg')
      t.is(rig.finish(op), 7)
      t.is(Buffer.concat(pieces).toString(), 'abcdefg\0\0')
      rig.close(r, w)
    },
  )

  check(`a ${mode} pipe: write-all of a MiB goes through without stopping the thread`, (t, rig) => {
    const [r, w] = pipe(flags)
    const op = writeOp(w, new Uint8Array(1 << 20).fill(7))
    op.all = true
    t.false(rig.submit(op))
    let count = 0
    while (count < op.length) count += ok(rig.run(readOp(r, 50_000)))
    t.is(rig.finish(op), op.length)
    t.is(count, op.length)
    rig.close(r, w)
  })

  check(`a ${mode} pipe without a reader fails a write with EPIPE`, (t, rig) => {
    const [r, w] = pipe(flags)
    rig.close(r)
    t.is(rig.driver.describeError(rig.run(writeOp(w, new Uint8Array(10))))[0], 'EPIPE')
    rig.close(w)
  })

  check(`a ${mode} pipe: waiting until readable is right although others read from it as well`, (t, rig) => {
    const [r, w] = pipe(flags)
    const op = levelOp(r, 'readable')
    t.false(rig.submit(op))
    writeSync(w, 'abcd')
    t.is(rig.finish(op), 0)
    readSync(r, new Uint8Array(2))
    t.is(rig.run(op), 0, 'there is more')
    readSync(r, new Uint8Array(2))
    rig.submit(op)
    rig.settle()
    t.true(rig.isPending(op), 'nothing is left')
    writeSync(w, 'e')
    readSync(r, new Uint8Array(1))
    rig.settle()
    t.true(rig.isPending(op), 'somebody else was faster')
    closeElsewhere(w)
    t.is(rig.finish(op), 0, 'the end is readable')
    rig.close(r)
  })

  check(`a ${mode} pipe: waiting until writable lasts until there is room`, (t, rig) => {
    const [r, w] = pipe(flags)
    const op = levelOp(w, 'writable')
    t.is(rig.run(op), 0)
    for (let i = 0; i < 16; i++) writeSync(w, new Uint8Array(4096))
    t.false(rig.submit(op))
    rig.settle()
    t.true(rig.isPending(op))
    readSync(r, new Uint8Array(65536))
    t.is(rig.finish(op), 0)
    rig.close(r, w)
  })
}

check('waiting until readable works on our own sockets too', (t, rig) => {
  const [a, b] = rig.pair()
  const op = levelOp(b, 'readable')
  t.false(rig.submit(op))
  rig.write(a, 'abcdef')
  t.is(rig.finish(op), 0)
  t.is(rig.read(b, 3), 'abc')
  t.is(rig.run(op), 0)
  t.is(rig.read(b), 'def')
  t.false(rig.submit(op))
  rig.close(a)
  t.is(rig.finish(op), 0)
  rig.close(b)
})

check('regular files are read and written like anything else', (t, rig) => {
  const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
  const path = join(folder, 'file')
  writeFileSync(path, 'contents')
  const fd = openSync(path, 'r+')
  t.is(rig.run(levelOp(fd, 'readable')), 0)
  t.is(rig.read(fd, 4), 'cont')
  t.is(rig.read(fd), 'ents')
  t.is(rig.read(fd), '')
  t.is(rig.run(writeOp(fd, new Uint8Array(100_000))), 100_000)
  t.is(readFileSync(path).length, 100_008)
  closeSync(fd)
  rmSync(folder, { recursive: true })
})

check('regular files are read and written in pieces, from where the last operation stopped', (t, rig) => {
  const folder = mkdtempSync(join(tmpdir(), 'drupe-'))
  const path = join(folder, 'file')
  writeFileSync(path, 'header and contents')
  const fd = openSync(path, 'r+')
  const pieces = [new Uint8Array(6), new Uint8Array(0), new Uint8Array(5), new Uint8Array(100)]
  t.is(rig.run(scatterOp(fd, pieces)), 19)
  t.deepEqual(
    pieces.map((piece) => Buffer.from(piece).toString().replaceAll('\0', '')),
    ['header', '', ' and ', 'contents'],
  )
  t.is(rig.run(scatterOp(fd, pieces)), 0)
  const many = Array.from({ length: 3000 }, (_, i) => new Uint8Array(i % 50).fill(i))
  const writing = writeOp(fd, new Uint8Array(0))
  writing.buffer = null
  writing.vector = many
  writing.length = Buffer.concat(many).length
  writing.all = true
  t.is(rig.run(writing), writing.length)
  t.is(Buffer.compare(readFileSync(path).subarray(19), Buffer.concat(many)), 0)
  closeSync(fd)
  rmSync(folder, { recursive: true })
})

check('a number that was a file and is a pipe now is seen as a pipe', (t, rig) => {
  const file = openSync('/dev/zero', 'r')
  t.is(rig.run(readOp(file, 10)), 10)
  closeSync(file)
  const [r, w] = pipe(0)
  const op = readOp(r)
  t.false(rig.submit(op))
  closeElsewhere(w)
  t.is(rig.finish(op), 0)
  closeElsewhere(r)
  // The same numbers again, registered before and closed behind the driver's back.
  const [r2, w2] = pipe(0)
  const again = readOp(r2)
  t.false(rig.submit(again))
  writeSync(w2, 'still works')
  rig.finish(again)
  t.is(textOf(again), 'still works')
  rig.close(r2, w2)
})

check('an op on a fd that was closed elsewhere ends when the number comes back as a socket of ours', (t, rig) => {
  const [r, w] = pipe(O_NONBLOCK)
  const op = readOp(r)
  t.false(rig.submit(op))
  closeElsewhere(r)
  const sockets = takeNumber(rig, r)
  if (sockets === null) rig.cancel(op)
  else t.is(rig.finish(op), CLOSED)
  rig.close(...(sockets ?? []))
  closeElsewhere(w)
  t.pass()
})

check('memory of requests on fds that were closed elsewhere is used again', (t, rig) => {
  const round = (): void => {
    const [r, w] = pipe(0)
    const op = readOp(r)
    t.false(rig.submit(op))
    rig.settle(2)
    closeElsewhere(r)
    const sockets = takeNumber(rig, r)
    if (sockets === null) rig.cancel(op)
    else t.is(rig.finish(op), CLOSED)
    rig.settle(2)
    rig.close(...(sockets ?? []))
    closeElsewhere(w)
  }
  round()
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 40; i++) round()
  t.true(process.memoryUsage().arrayBuffers - before < 2_000_000)
})

check('small writes are copied again after one on a socket that was closed elsewhere', (t, rig) => {
  const [a, b] = rig.pair()
  const [c, d] = rig.pair()
  const cut = writeOp(a, new Uint8Array(16 * 1024))
  // Under epoll there are no copies that wait.
  const copies = !rig.submit(cut)
  closeElsewhere(a)
  const sockets = takeNumber(rig, a)
  if (copies && sockets !== null) t.is(rig.finish(cut), CLOSED)
  for (let i = 0; i < 100; i++) {
    const op = writeOp(c, new Uint8Array(16 * 1024))
    t.is(rig.submit(op), !copies)
    rig.finish(op)
    for (let left = op.result; left > 0; ) left -= rig.run(readOp(d, left))
  }
  rig.close(...(sockets ?? []), b, c, d)
})

check('a foreign listening socket that blocks is accepted from without stopping the thread', (t, rig) => {
  const { koffi } = openLibc()
  const fcntl = koffi.load(null).func('fcntl', 'int', ['int', 'int', 'long'])
  const owner = new Rig(new EpollDriver())
  const [listener, address] = owner.listen()
  fcntl(listener, 4, 0)
  const op: IoOp<unknown> = acceptOp(listener)
  t.false(rig.submit(op))
  rig.settle()
  const client = rig.socket('tcp4')
  rig.run(connectOp(client, address))
  const server = ok(rig.finish(op))
  rig.write(client, 'hi')
  t.is(rig.read(server), 'hi')
  rig.close(client, server)
  owner.close(listener)
  owner.driver.close()
})
