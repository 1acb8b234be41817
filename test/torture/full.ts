/**
 * Files that are written, copied and filled where there is no room: an error that says so, the old content where it was,
 * and no temporary file.
 *
 * main.ts starts this program with a limit on the size of files (RLIMIT_FSIZE), or on a file system of its own that is
 * small and full.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  appendFile,
  clock,
  copyFile,
  exec,
  moveOn,
  type Operation,
  open,
  remove,
  SystemError,
  startProcess,
  use,
  writeFile,
} from 'drupe'
import { complain, Dice, drive, type Figures, Sequence } from './kit.js'

const HANG_MS = 30_000
/** A small disk may be so much larger. */
const PAGE_BYTES = 4096
const OLD = 'the old content'

export async function torture(seconds: number, seed: number): Promise<Figures> {
  // Its default is to end the process; the write then fails with EFBIG all the same.
  process.on('SIGXFSZ', () => {})
  const small = process.env['TORTURE_TMPFS']
  const limit = Number(process.env['TORTURE_FILE_BYTES'])
  const directory = join(small ?? mkdtempSync(join(tmpdir(), 'drupe-torture-')), 'files')
  mkdirSync(directory)
  const figures = { files: 0, refused: 0, cancelled: 0, fell: 0 }
  const dice = new Dice(seed)
  const bytes = (): Uint8Array =>
    new Sequence(dice.below(1_000_000)).at(0, limit + PAGE_BYTES + dice.size(200_000)).slice()

  /** Must be refused for want of room; false if it was called off before. */
  function* refused(name: string, op: Operation<unknown>): Operation<boolean> {
    const ms = dice.chance(0.3) ? dice.random() * 3 : HANG_MS
    try {
      if ((yield* moveOn<unknown, string>(ms, op, 'late')) !== 'late') figures.fell += complain(`${name} was done`)
      else if (ms === HANG_MS) figures.fell += complain(`${name} hung`)
      else figures.cancelled++
      return false
    } catch (error) {
      figures.refused++
      const code = error instanceof SystemError ? error.code : ''
      if (code !== 'EFBIG' && code !== 'ENOSPC') figures.fell += complain('an error of another kind', error)
      return true
    }
  }

  function expect(names: readonly string[]): void {
    const there = readdirSync(directory).sort()
    if (there.join() !== names.join()) figures.fell += complain(`there is ${there}, not ${names}`)
  }

  function* overOldContent(): Operation<void> {
    const path = `${directory}/old`
    writeFileSync(path, OLD)
    yield* refused('writeFile', writeFile(path, bytes()))
    if (readFileSync(path, 'latin1') !== OLD) figures.fell += complain('the old content is gone')
    expect(['old'])
  }

  function* atTheEnd(): Operation<void> {
    const path = `${directory}/log`
    writeFileSync(path, OLD)
    const more = bytes()
    yield* refused('appendFile', appendFile(path, more))
    const content = readFileSync(path)
    const right =
      content.length >= OLD.length &&
      Buffer.compare(content.subarray(OLD.length), more.subarray(0, content.length - OLD.length)) === 0
    if (!right) figures.fell += complain('other bytes were appended')
  }

  function* aCopy(): Operation<void> {
    if (yield* refused('copyFile', copyFile(process.execPath, `${directory}/copy`))) expect([])
  }

  function* inPieces(): Operation<void> {
    yield* use(open(`${directory}/pieces`, 'w+'), function* (file) {
      const piece = bytes().subarray(0, 1000 + dice.size(limit - 1000))
      yield* refused(
        'write',
        (function* () {
          for (;;) yield* file.write(piece)
        })(),
      )
      const { bytes: there } = yield* file.stat()
      if (there < file.position) figures.fell += complain(`${file.position} bytes were written, ${there} are there`)
    })
  }

  /** The program has the same limit. */
  function* byAProgram(): Operation<void> {
    yield* use(open(`${directory}/output`, 'w'), (file) =>
      use(
        startProcess('sh', ['-c', 'trap "" XFSZ; cat /dev/zero'], { stdin: 'ignore', stdout: file, stderr: 'ignore' }),
        (child) => moveOn(HANG_MS, child.wait()),
      ),
    )
    const { code, signal } = yield* exec('sh', ['-c', `cat /dev/zero >'${directory}/output'`], { ok: false })
    if (code === 0) figures.fell += complain(`a program did not find that there is no room: ${code} ${signal}`)
  }

  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    const ways = [overOldContent, atTheEnd, aCopy, inPieces, byAProgram]
    while ((yield* clock()) < end) {
      figures.files++
      yield* dice.pick(ways)()
      for (const name of readdirSync(directory)) yield* remove(`${directory}/${name}`)
    }
  })
  rmSync(directory, { recursive: true })
  figures.fell += left
  return figures
}
