/**
 * Processes and files by kqueue, on the shim: real children, real files.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { KqueueDriver } from '../../../native/bsd/driver.js'
import { NOTE_ATTRIB, NOTE_DELETE, NOTE_RENAME, NOTE_WRITE } from '../../../native/bsd/kevent.js'
import { isUserToken } from '../../../native/bsd/wake-user.js'
import { CAN } from '../../../native/linux/constants.js'
import { openLibc } from '../../../native/linux/libc.js'
import { describeError } from '../../../native/posix/errno.js'
import { Rig } from '../../driver/rig.js'
import { kqueueFor } from './shim.js'

function onKqueue(title: string, body: (t: ExecutionContext, driver: KqueueDriver, rig: Rig) => Promise<void> | void) {
  test(title, async (t) => {
    // libkqueue watches the end of a process by a thread of its own, and closes of files not at all.
    const source = process.env['DRUPE_KQUEUE_LIB'] === undefined ? kqueueFor() : 'it is about the shim'
    if (typeof source === 'string') {
      t.log(`skipped: ${source}`)
      t.pass()
      return
    }
    const driver = new KqueueDriver({ libc: openLibc(), can: CAN, source })
    await body(t, driver, new Rig(driver))
    driver.close()
  })
}

/** Polls until it is so. */
function until(rig: Rig, isSo: () => boolean): void {
  for (let tries = 0; !isSo() && tries < 2000; tries++) rig.pass(5)
}

onKqueue('the end of a child is told, once, with its status', (t, { notes }, rig) => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => process.exit(3), 50)'], { stdio: 'ignore' })
  const heard: number[] = []
  t.is(
    notes.watchProcess(child.pid as number, (status) => heard.push(status)),
    0,
  )
  rig.settle()
  t.deepEqual(heard, [])
  until(rig, () => heard.length > 0)
  rig.pass(20)
  t.deepEqual(heard, [3 << 8])
})

onKqueue('a process that there is not is ESRCH, and one that is unwatched is not told of', (t, { notes }, rig) => {
  t.is(describeError(notes.watchProcess(0x3fffffff, () => t.fail()))[0], 'ESRCH')
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  notes.watchProcess(child.pid as number, () => t.fail())
  notes.unwatchProcess(child.pid as number)
  notes.unwatchProcess(child.pid as number)
  rig.pass(100)
  t.pass()
})

onKqueue('what happens to a file is told: writing, renaming, its removal', (t, { notes }, rig) => {
  const folder = mkdtempSync(join(tmpdir(), 'drupe-notes-'))
  const path = join(folder, 'file')
  const fd = openSync(path, 'w+')
  let all = 0
  const told = (what: number): boolean => {
    until(rig, () => (all & what) === what)
    const had = (all & what) === what
    all = 0
    return had
  }
  const asked = NOTE_WRITE | NOTE_ATTRIB | NOTE_RENAME | NOTE_DELETE
  t.is(
    notes.watchFile(fd, asked, (what) => (all |= what)),
    0,
  )
  writeSync(fd, 'x')
  t.true(told(NOTE_WRITE))
  renameSync(path, `${path}2`)
  t.true(told(NOTE_RENAME))
  unlinkSync(`${path}2`)
  t.true(told(NOTE_DELETE))
  notes.unwatchFile(fd)
  writeSync(fd, 'x')
  rig.pass(20)
  t.is(all, 0)
  closeSync(fd)
  rmSync(folder, { recursive: true })
})

onKqueue('a file that is closed is not told of, nor is the next one of its number', (t, driver, rig) => {
  const folder = mkdtempSync(join(tmpdir(), 'drupe-notes-'))
  const fd = openSync(join(folder, 'file'), 'w')
  const libc = openLibc()
  const again = (): number => libc.duplicate(fd, libc.constants.F_DUPFD_CLOEXEC)
  const watched = again()
  driver.notes.watchFile(watched, NOTE_WRITE, () => t.fail())
  driver.closeFd(watched)
  const next = again()
  writeSync(fd, 'x')
  rig.pass(20)
  driver.closeFd(next)
  closeSync(fd)
  t.pass()
  rmSync(folder, { recursive: true })
})

test('a token that no driver has made is none', (t) => {
  const good = { kqueue: 3, abi: 'freebsd', library: null }
  t.true(isUserToken(good))
  const wrong = [null, 3, { ...good, kqueue: 1.5 }, { ...good, kqueue: -1 }, { ...good, abi: 'openbsd' }]
  for (const token of [...wrong, { ...good, abi: 'plan9' }, { ...good, library: 5 }]) t.false(isUserToken(token))
})
