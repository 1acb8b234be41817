/**
 * Conformance, part five: files. Opened, asked about, written, flushed and read back; and what goes wrong.
 */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CANCELED,
  CLOSED,
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_EXCLUSIVE,
  OPEN_READ,
  OPEN_WRITE,
  Request,
} from '../../../kernel/driver/contract.js'
import { openLibc } from '../../../native/linux/libc.js'
import { ok, type Rig, readOp, textOf, writeOp } from '../rig.js'
import { needing, type Suite } from './all.js'

function openOp(path: string, flags: number): Request {
  return new Request('open', { path, flags, mode: 0o640 }, Number.POSITIVE_INFINITY)
}

function statOp(file: string | number): Request<'stat'> {
  return new Request('stat', typeof file === 'number' ? { fd: file } : { path: file }, Number.POSITIVE_INFINITY)
}

function namesOp(kind: 'rename' | 'link', path: string, to: string): Request {
  return new Request(kind, { path, to }, Number.POSITIVE_INFINITY)
}

const lstatOp = (path: string): Request<'lstat'> => new Request('lstat', { path }, Number.POSITIVE_INFINITY)
const chmodOp = (path: string, mode: number): Request => new Request('chmod', { path, mode }, Number.POSITIVE_INFINITY)
const chownOp = (fd: number, user: number, group: number): Request =>
  new Request('chown', { fd, user, group }, Number.POSITIVE_INFINITY)
const unlinkOp = (path: string): Request => new Request('unlink', { path }, Number.POSITIVE_INFINITY)
const syncOp = (fd: number): Request => new Request('sync', { fd }, Number.POSITIVE_INFINITY)

function inDirectory(body: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'drupe-'))
  try {
    body(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function withFifo(body: (path: string) => void): void {
  inDirectory((directory) => {
    const path = join(directory, 'fifo')
    execFileSync('mkfifo', [path])
    body(path)
  })
}

/** Asks for an op back; true if it came without a result. */
function isWithdrawn(rig: Rig, op: Request): boolean {
  return rig.cancel(op) || rig.finish(op) === CANCELED
}

/** How many descriptors of this process are of that file. */
const openFdsOf = (path: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  }).length

export function files(all: Suite): void {
  const suite = needing(all, 'files')
  const withFifos = needing(suite, 'foreignFds')
  suite.check('a file is made, written, flushed, asked about by path and by fd, and read back', (t, rig) => {
    inDirectory((directory) => {
      const path = join(directory, 'größe')
      const fd = ok(rig.run(openOp(path, OPEN_READ | OPEN_WRITE | OPEN_CREATE)))
      const writing = writeOp(fd, new TextEncoder().encode('hello, file'))
      writing.all = true
      t.is(rig.run(writing), 11)
      t.is(rig.run(syncOp(fd)), 0)
      const node = statSync(path)
      for (const file of [path, fd]) {
        const op = statOp(file)
        t.is(rig.run(op), 0)
        const { output: status } = op
        t.is(status?.kind, 'file')
        t.is(status?.bytes, 11)
        t.is(status?.mode, node.mode & 0o7777)
        t.is(status?.inode, node.ino)
        t.is(status?.links, 1)
        t.true(Math.abs((status?.modifiedMs ?? 0) - node.mtimeMs) < 1)
      }
      rig.close(fd)
      const again = ok(rig.run(openOp(path, OPEN_READ)))
      const reading = readOp(again)
      t.is(textOf(reading, ok(rig.run(reading))), 'hello, file')
      t.is(rig.run(reading), 0)
      rig.close(again)
    })
  })

  suite.check('directories and devices say what they are', (t, rig) => {
    for (const [path, kind] of [
      ['/', 'directory'],
      [devNull, 'device'],
    ] as const) {
      const op = statOp(path)
      t.is(rig.run(op), 0)
      t.is(op.output?.kind, kind)
    }
  })

  suite.check('a file gets permissions, one more name and another name, and loses them one by one', (t, rig) => {
    inDirectory((directory) => {
      const [one, two, three] = ['eins', 'zwö', 'drei'].map((name) => join(directory, name)) as [string, string, string]
      rig.close(ok(rig.run(openOp(one, OPEN_WRITE | OPEN_CREATE))))
      t.is(rig.run(chmodOp(one, 0o444)), 0)
      t.is(statSync(one).mode & 0o222, 0)
      t.is(rig.run(chmodOp(one, 0o666)), 0)
      t.is(rig.run(namesOp('link', one, two)), 0)
      const op = lstatOp(two)
      t.is(rig.run(op), 0)
      t.deepEqual([op.output?.links, op.output?.kind], [2, 'file'])
      t.is(suite.nameOf(rig, rig.run(namesOp('link', one, two))), 'EEXIST')
      t.is(rig.run(namesOp('rename', two, three)), 0)
      t.deepEqual(readdirSync(directory).sort(), ['drei', 'eins'])
      t.is(rig.run(unlinkOp(one)), 0)
      t.is(suite.nameOf(rig, rig.run(unlinkOp(one))), 'ENOENT')
      t.is(suite.nameOf(rig, rig.run(lstatOp(one))), 'ENOENT')
      t.is(suite.nameOf(rig, rig.run(chmodOp(one, 0o600))), 'ENOENT')
      t.is(suite.nameOf(rig, rig.run(namesOp('rename', one, two))), 'ENOENT')
      t.regex(suite.nameOf(rig, rig.run(unlinkOp(directory))), /^(EISDIR|EPERM)$/)
      t.deepEqual(readdirSync(directory), ['drei'])
    })
  })

  suite.check('an open file gets an owner and a group, as far as the system allows', (t, rig) => {
    if (process.getuid === undefined || process.getgid === undefined) return t.log('skipped: files have no owners here')
    const [own, ownGroup] = [process.getuid(), process.getgid()]
    inDirectory((directory) => {
      const path = join(directory, 'f')
      const fd = ok(rig.run(openOp(path, OPEN_WRITE | OPEN_CREATE)))
      t.is(rig.run(chownOp(fd, own, -1)), 0)
      t.is(rig.run(chownOp(fd, -1, ownGroup)), 0)
      t.deepEqual([statSync(path).uid, statSync(path).gid], [own, ownGroup])
      const other = rig.run(chownOp(fd, own + 1, -1))
      if (other < 0) t.is(suite.nameOf(rig, other), 'EPERM')
      t.is(statSync(path).uid, other < 0 ? own : own + 1)
      rig.close(fd)
      t.is(suite.nameOf(rig, rig.run(chownOp(999_999, own, -1))), 'EBADF')
    })
  })

  withFifos.check('lstat and unlink are about a link itself, stat and chmod about what it leads to', (t, rig) => {
    inDirectory((directory) => {
      const [file, link] = [join(directory, 'file'), join(directory, 'link')]
      rig.close(ok(rig.run(openOp(file, OPEN_WRITE | OPEN_CREATE))))
      symlinkSync(file, link)
      const [itself, target] = [lstatOp(link), statOp(link)]
      t.deepEqual([rig.run(itself), rig.run(target)], [0, 0])
      t.deepEqual([itself.output?.kind, target.output?.kind], ['link', 'file'])
      t.is(rig.run(chmodOp(link, 0o600)), 0)
      t.is(statSync(file).mode & 0o777, 0o600)
      t.is(rig.run(unlinkOp(link)), 0)
      t.deepEqual(readdirSync(directory), ['file'])
    })
  })

  suite.check('what cannot be opened or asked about says why', (t, rig) => {
    inDirectory((directory) => {
      const nowhere = join(directory, 'nowhere')
      t.is(suite.nameOf(rig, rig.run(openOp(nowhere, OPEN_READ))), 'ENOENT')
      t.is(suite.nameOf(rig, rig.run(statOp(nowhere))), 'ENOENT')
      t.regex(suite.nameOf(rig, rig.run(openOp(directory, OPEN_WRITE))), /^(EISDIR|EPERM)$/)
      t.is(suite.nameOf(rig, rig.run(statOp(999_999))), 'EBADF')
      t.is(suite.nameOf(rig, rig.run(syncOp(999_999))), 'EBADF')
      const once = openOp(join(directory, 'once'), OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE)
      rig.close(ok(rig.run(once)))
      t.is(suite.nameOf(rig, rig.run(once)), 'EEXIST')
    })
  })

  withFifos.check('a FIFO is open for reading as soon as there is a writer, even one that says nothing', (t, rig) => {
    withFifo((path) => {
      const reading = openOp(path, OPEN_READ)
      t.false(rig.submit(reading))
      rig.pass(30)
      t.true(rig.isPending(reading))
      const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      const fd = ok(rig.finish(reading))
      // As open(2) leaves it: others may get it.
      t.is(openLibc().statusFlags(fd) & constants.O_NONBLOCK, 0)
      rig.write(writer, 'hello')
      t.is(rig.read(fd), 'hello')
      closeSync(writer)
      t.is(rig.read(fd), '')
      rig.close(fd)
    })
  })

  withFifos.check('a FIFO is open for writing as soon as there is a reader', (t, rig) => {
    withFifo((path) => {
      for (const flags of [OPEN_WRITE, OPEN_APPEND | OPEN_CREATE]) {
        const writing = openOp(path, flags)
        rig.submit(writing)
        rig.pass(30)
        // Another thread that forks has a copy of the last reader until its child is another program.
        for (let tries = 0; tries < 50 && !rig.isPending(writing); tries++) {
          rig.close(ok(writing.result))
          rig.submit(writing)
          rig.pass(30)
        }
        t.true(rig.isPending(writing))
        const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
        const fd = ok(rig.finish(writing))
        rig.write(fd, 'hello')
        rig.close(fd)
        t.is(rig.read(reader), 'hello')
        closeSync(reader)
      }
      rig.close(ok(rig.run(openOp(path, OPEN_READ | OPEN_WRITE))))
    })
  })

  withFifos.check('two that open a FIFO meet, and what a writer left before it went is read', (t, rig) => {
    withFifo((path) => {
      const writing = openOp(path, OPEN_WRITE)
      const reading = openOp(path, OPEN_READ)
      rig.submit(writing)
      rig.submit(reading)
      const [writer, reader] = [ok(rig.finish(writing)), ok(rig.finish(reading))]
      rig.close(writer, reader)
      rig.submit(reading)
      rig.pass(5)
      const brief = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      rig.write(brief, 'hello')
      closeSync(brief)
      const fd = ok(rig.finish(reading))
      t.is(rig.read(fd), 'hello')
      t.is(rig.read(fd), '')
      rig.close(fd)
    })
  })

  withFifos.check(
    'opens that wait for a peer keep no other file waiting, can be withdrawn, and leave nothing',
    (t, rig) => {
      withFifo((path) => {
        const ops = Array.from({ length: 100 }, () => openOp(path, OPEN_READ))
        for (const op of ops) rig.submit(op)
        t.is(rig.run(statOp('/')), 0)
        rig.close(ok(rig.run(openOp(devNull, OPEN_READ))))
        rig.pass(20)
        for (const op of ops) t.true(isWithdrawn(rig, op))
        t.is(openFdsOf(path), 0)
      })
    },
  )

  withFifos.check('an open that waits for a peer completes with CLOSED when the driver is closed', (t, rig) => {
    withFifo((path) => {
      const early = openOp(path, OPEN_READ)
      const late = openOp(path, OPEN_READ)
      rig.submit(early)
      rig.pass(5)
      rig.submit(late)
      rig.driver.close()
      t.deepEqual([early.result, late.result], [CLOSED, CLOSED])
    })
  })

  suite.check('many file operations at once each have their own answer', (t, rig) => {
    const ops = Array.from({ length: 50 }, (_, i) => statOp(i % 2 === 0 ? '/' : devNull))
    const pending = ops.filter((op) => !rig.submit(op))
    for (const op of pending) rig.finish(op)
    for (const [i, op] of ops.entries()) t.is(op.output?.kind, i % 2 === 0 ? 'directory' : 'device')
  })

  suite.check('a file operation that is cancelled, or whose driver is closed, completes once', (t, rig) => {
    const first = openOp(devNull, OPEN_READ)
    const second = openOp(devNull, OPEN_READ)
    if (!rig.submit(first)) {
      t.false(rig.cancel(first))
      rig.finish(first)
    }
    t.true(first.result === CANCELED || first.result >= 0)
    if (first.result >= 0) rig.close(first.result)
    const inline = rig.submit(second)
    rig.driver.close()
    t.true(inline ? second.result >= 0 : second.result === CLOSED)
  })
}
