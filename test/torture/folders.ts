/**
 * A directory that somebody else changes all the time, while it is read, watched and removed: what stays is told once,
 * what comes is told, what is removed is gone, and nothing outside of it is touched.
 *
 * The other one is a process of its own (`node folders.js DIRECTORY SEED` of this very file), on Node's file system. Among
 * what it makes are links to a directory that is not to be touched.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  clock,
  each,
  type FileEvent,
  mkdir,
  moveOn,
  nursery,
  type Operation,
  readDir,
  remove,
  SystemError,
  startProcess,
  use,
  watch,
  writeFile,
} from 'drupe'
import { CAN_WATCH, complain, Dice, drive, type Figures, HOST_WATCHES } from './kit.js'

const HANG_MS = 30_000
/** They stay where they are: more than come at once. */
const LASTING = 400
const OUTSIDE = 20
const NAMES = ['a', 'b', 'c', 'd']

export async function torture(seconds: number, seed: number): Promise<Figures> {
  const figures = { read: 0, removed: 0, refused: 0, watched: 0, overflows: 0, fell: 0 }
  const directory = mkdtempSync(join(tmpdir(), 'drupe-torture-'))
  const [tree, lasting, outside] = ['tree', 'lasting', 'outside'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [tree, lasting, outside]) mkdirSync(path)
  for (let i = 0; i < LASTING; i++) writeFileSync(`${lasting}/lasting${i}`, '')
  for (let i = 0; i < OUTSIDE; i++) writeFileSync(`${outside}/file${i}`, '')
  const dice = new Dice(seed)

  /** Only these may happen, and only because of the other one. */
  function* leniently(codes: readonly string[], op: Operation<void>): Operation<void> {
    try {
      yield* op
    } catch (error) {
      figures.refused++
      if (!(error instanceof SystemError) || !codes.includes(error.code)) {
        figures.fell += complain('an error of another kind', error)
      }
    }
  }

  function* readLasting(): Operation<void> {
    const seen: string[] = []
    yield* each(readDir(lasting), function* ({ name }) {
      if (name.startsWith('lasting')) seen.push(name)
    })
    const different = new Set(seen).size
    if (seen.length !== LASTING || different !== LASTING) {
      figures.fell += complain(`${LASTING} lasting files were told ${seen.length} times, ${different} of them`)
    }
  }

  function* walk(path: string): Operation<void> {
    figures.read++
    const below: string[] = []
    yield* each(readDir(path), function* ({ name, type }) {
      if (type === 'directory') below.push(`${path}/${name}`)
    })
    for (const one of below) yield* leniently(['ENOENT', 'ENOTDIR'], walk(one))
  }

  function* removeSome(): Operation<void> {
    const path = dice.chance(0.3) ? tree : `${tree}/${dice.pick(NAMES)}`
    // Whoever fills it faster than it is emptied wins at last.
    yield* leniently(['ENOTEMPTY', 'EEXIST'], remove(path, { recursive: true, force: true }))
    figures.removed++
  }

  /** What is made here while it is watched is told, whatever the other one does beside it. */
  function* watchSome(): Operation<void> {
    const own = `${tree}-watched`
    yield* mkdir(own, { recursive: true })
    const expected = new Set<string>()
    yield* nursery(function* () {
      const events = yield* watch(own, { recursive: true })
      for (let i = 0; i < 10; i++) {
        const path = `${own}/${i}/${i}`
        yield* mkdir(path, { recursive: true })
        yield* writeFile(`${path}/file`, '', { atomic: false })
        for (const made of [`${own}/${i}`, path, `${path}/file`]) expected.add(made)
        if (dice.chance(0.3)) yield* remove(`${own}/${i}`, { recursive: true })
        else continue
        if (HOST_WATCHES) expected.delete(`${own}/${i}`)
        expected.delete(path)
        expected.delete(`${path}/file`)
      }
      while (expected.size > 0) {
        const { type, path } = (yield* events.next()).value as FileEvent
        figures.watched++
        if (type === 'created') expected.delete(path)
        if (type === 'overflow') {
          figures.overflows++
          return
        }
      }
    })
    yield* remove(own, { recursive: true })
  }

  const left = await drive(function* () {
    const program = fileURLToPath(import.meta.url)
    const end = (yield* clock()) + seconds * 1000
    const ways: [string, () => Operation<void>][] = [
      ['a read', readLasting],
      ['a walk', () => leniently(['ENOENT', 'ENOTDIR'], walk(tree))],
      ['a removal', removeSome],
    ]
    if (CAN_WATCH) ways.push(['a watch', watchSome])
    const options = { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit', grace: 0 } as const
    yield* use(startProcess(process.execPath, [program, directory, String(seed)], options), function* () {
      while ((yield* clock()) < end) {
        const [name, way] = dice.pick(ways)
        if ((yield* moveOn<void, string>(HANG_MS, way(), 'late')) === 'late') figures.fell += complain(`${name} hung`)
      }
    })
  })
  const touched = OUTSIDE - readdirSync(outside).length
  if (touched > 0) figures.fell += complain(`${touched} files outside of the directory were removed`)
  rmSync(directory, { recursive: true })
  figures.fell += left
  return figures
}

/** Makes, removes and replaces, as fast as it goes. */
function change(directory: string, dice: Dice): never {
  const tree = join(directory, 'tree')
  const path = (): string => {
    let path = tree
    for (let depth = dice.below(4); depth >= 0; depth--) path += `/${dice.pick(NAMES)}`
    return path
  }
  const deeds: readonly (() => void)[] = [
    () => mkdirSync(path(), { recursive: true }),
    () => writeFileSync(path(), ''),
    () => rmSync(path(), { recursive: true }),
    () => renameSync(path(), path()),
    // Never in the place of a directory: nobody could hold out against that (see `remove`).
    () => symlinkSync(join(directory, 'outside'), `${path()}/link`),
    () => {
      const passing = join(directory, `lasting/passing${dice.below(50)}`)
      if (dice.chance(0.5)) writeFileSync(passing, '')
      else rmSync(passing)
    },
  ]
  for (;;) {
    try {
      dice.pick(deeds)()
    } catch {
      // The other one is at it, too.
    }
  }
}

const [, program, where, seed] = process.argv
if (program === fileURLToPath(import.meta.url)) change(where as string, new Dice(Number(seed)))
