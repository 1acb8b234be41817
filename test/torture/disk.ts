/**
 * Files that may not grow: random writes against a limit, and the file compared with what was written, byte by byte.
 *
 * main.ts starts this program with a limit on the size of files (RLIMIT_FSIZE): a write that reaches it is cut short, and
 * the next one fails, as on a full disk.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clock, type Operation, write } from 'drupe'
import { close, openFile, writeAll } from 'drupe/lowlevel'
import { complain, Dice, drive, type Figures, Sequence } from './kit.js'

const LARGEST_PIECE = 100_000

export async function torture(seconds: number, seed: number): Promise<Figures> {
  // Its default is to end the process; the write then fails with EFBIG all the same.
  process.on('SIGXFSZ', () => {})
  const limit = Number(process.env['TORTURE_FILE_BYTES'])
  const dice = new Dice(seed)
  const folder = mkdtempSync(join(tmpdir(), 'drupe-torture-'))
  const figures = { files: 0, writes: 0, refused: 0, 'wrong bytes': 0, fell: 0 }

  function* fill(path: string, sequence: Sequence): Operation<void> {
    const append = dice.chance(0.3)
    const fd = yield* openFile(path, append ? 'a' : dice.chance(0.5) ? 'w' : 'w+')
    let written = 0
    try {
      for (;;) {
        figures.writes++
        let ahead = written
        const list = Array.from({ length: dice.pick([1, 1, 1, 3, 20]) }, () => {
          const piece = sequence.at(ahead, dice.size(LARGEST_PIECE))
          ahead += piece.length
          return piece
        })
        const bytes = list.length === 1 ? (list[0] as Uint8Array) : list
        if (dice.chance(0.5)) {
          written += yield* write(fd, bytes)
        } else {
          yield* writeAll(fd, bytes)
          written = ahead
        }
      }
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === 'EFBIG' || code === 'ENOSPC') figures.refused++
      else figures.fell += complain('an error of another kind', error)
    } finally {
      yield* close(fd)
    }
    const content = readFileSync(path)
    if (content.length < written) figures.fell += complain(`${written} bytes were written, ${content.length} are there`)
    if (content.length !== limit) figures.fell += complain(`${content.length} bytes are there, ${limit} fit`)
    for (let at = 0; at < content.length; at += LARGEST_PIECE) {
      const part = content.subarray(at, at + LARGEST_PIECE)
      const right = sequence.at(at, part.length)
      for (let i = 0; i < part.length; i++) if (part[i] !== right[i]) figures['wrong bytes']++
    }
  }

  const left = await drive(function* () {
    const end = (yield* clock()) + seconds * 1000
    while ((yield* clock()) < end) {
      const path = join(folder, `file${figures.files++}`)
      yield* fill(path, new Sequence(dice.below(1_000_000)))
      rmSync(path)
    }
  })
  rmSync(folder, { recursive: true })
  if (figures['wrong bytes'] > 0) figures.fell += complain(`${figures['wrong bytes']} bytes are wrong`)
  figures.fell += left
  return figures
}
