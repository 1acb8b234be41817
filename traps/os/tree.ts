/**
 * Directories: read in pieces, removed with all that is in them, made for a while.
 *
 * Others change a directory while it is gone through. What has gone meanwhile is what a removal
 * wants, and no error; what has come is found by looking once more. A symbolic link is a name to be
 * removed and never a way into another tree.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { BusyError, SystemError } from '../../kernel/protocol/errors.js'
import { checkOptions, checkSwitch, checkText, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import { type DirectoryEntry, type DirectoryHandle, Request } from '../../kernel/protocol/request.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { Cursor, Source } from '../scope/each.js'
import { namedResource } from '../scope/resource.js'
import { shield, within } from '../scope/scope.js'
import { isMissing } from './open.js'

const LIMITLESS = Number.POSITIVE_INFINITY
/** So often a directory is emptied that somebody else fills. */
const MOST_ROUNDS = 100
/** Somebody has put something into it, or something else in its place. */
const CHANGED = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'])

/** What is removed. */
export interface RemoveOptions extends WaitOptions {
  /** Also a directory, with everything in it. Default: false. */
  readonly recursive?: boolean
  /** No error if there is nothing of that name. Default: false. */
  readonly force?: boolean
}

/**
 * Returns the entries of a directory, to be read by `each` or `subscribe` while they come; in no
 * order, without `.` and `..`. Each has a `name` and a `type`, which of a link is `'link'`. What is
 * made or removed meanwhile may be among them or not. If the task is cancelled while it waits for
 * the next one, that is left to the next call.
 *
 * @param path The path.
 * @throws SystemError when it is read, as the OS says: `ENOENT`, `ENOTDIR`, …
 * @throws UnsupportedError when it is read, if the driver has no files.
 * @example
 * import { each, readDir, run } from 'drupe'
 *
 * await run(function* () {
 *   const found = yield* each(readDir('.'), function* ({ name, type }) {
 *     if (name === 'package.json') return type
 *   })
 *   console.log(found) // => file
 * })
 */
export function readDir(path: string): Source<DirectoryEntry> {
  checkText('read the directory', 'path', path)
  return { open: () => new Entries(path) }
}

class Entries implements Cursor<DirectoryEntry> {
  private handle: DirectoryHandle | null = null
  private entries: readonly DirectoryEntry[] = []
  private at = 0
  private over = false
  private busy = false

  constructor(private readonly path: string) {}

  next(): Operation<IteratorResult<DirectoryEntry, unknown>> {
    return tracked('next', this.step())
  }

  *close(): Operation<void> {
    this.over = true
    this.handle?.close()
    this.handle = null
  }

  private *step(): Operation<IteratorResult<DirectoryEntry, unknown>> {
    if (this.at === this.entries.length && !this.over) yield* this.more()
    if (this.over) return { done: true, value: undefined }
    return { done: false, value: this.entries[this.at++] as DirectoryEntry }
  }

  private *more(): Operation<void> {
    const { path } = this
    if (this.busy) throw new BusyError(`read the directory ${path}`, 'another task is reading it')
    this.busy = true
    try {
      // What is given up here is opened again. The read does not wait, so nothing of it is lost.
      this.handle ??= yield* new Request('opendir', { path }, LIMITLESS)
      const { handle } = this
      this.entries = yield* new Request('readdir', { path, handle }, LIMITLESS)
      this.at = 0
    } finally {
      this.busy = false
      // Closed meanwhile.
      if (this.over) yield* this.close()
    }
    if (this.entries.length === 0) yield* this.close()
  }
}

/**
 * Removes a file, a link or, with `recursive`, a directory with everything in it; links are not
 * followed. What others remove meanwhile is no error. If the task is cancelled while it waits, what
 * is left is a whole part of the tree.
 *
 * Somebody who may write there can put a link in the place of a directory while it is removed: do
 * not remove what belongs to those you distrust.
 *
 * @param path The path.
 * @param options `recursive`: directories, too; `force`: no error if there is nothing; `timeout` in
 * milliseconds, everything together.
 * @throws SystemError as the OS says, with the `path`: `ENOENT`, `EISDIR` or `EPERM` of a directory
 * without `recursive`, `EACCES`, …
 * @throws TimeoutError after `timeout` milliseconds; Cancelled if a scope is cancelled.
 * @example
 * import { mkdir, remove, run, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* mkdir(`${path}/a/b`, { recursive: true })
 *   yield* writeFile(`${path}/a/b/text`, 'hello')
 *   yield* remove(`${path}/a`, { recursive: true })
 *   yield* remove(`${path}/a`, { force: true }) // it is not there, and that is all right
 * })
 */
export function remove(path: string, options?: RemoveOptions): Operation<void> {
  checkText('remove the file', 'path', path)
  if (options !== undefined) checkOptions('remove the file', 'options', options)
  const recursive = checkSwitch('remove the file', 'recursive', options?.recursive) ?? false
  const force = checkSwitch('remove the file', 'force', options?.force) ?? false
  const limit = timeoutOf('remove the file', options)
  return tracked('remove', within('remove the file', limit, removeOperation(path, recursive, force)))
}

function* removeOperation(path: string, recursive: boolean, force: boolean): Operation<void> {
  try {
    if (!recursive) {
      yield* new Request('unlink', { path }, LIMITLESS)
      return
    }
    const { kind } = yield* new Request('lstat', { path }, LIMITLESS)
    yield* ifThere(removeAny(path, kind))
  } catch (error) {
    if (!force || !isMissing(error)) throw error
  }
}

function* removeAny(path: string, type: DirectoryEntry['type']): Operation<void> {
  let isDirectory = type === 'directory'
  for (let round = 1; ; round++) {
    // An empty one needs no descriptor.
    if (isDirectory && round > 1) yield* empty(path)
    const error = yield* refusalOf(new Request(isDirectory ? 'rmdir' : 'unlink', { path }, LIMITLESS))
    if (error === null) return
    const was = isDirectory
    isDirectory = (yield* new Request('lstat', { path }, LIMITLESS)).kind === 'directory'
    if (round === MOST_ROUNDS || (was === isDirectory && !CHANGED.has(error.code))) throw error
  }
}

/** Its directories come last: so one directory is open at a time, however deep they are. */
function* empty(path: string): Operation<void> {
  const entries = new Entries(path)
  const directories: string[] = []
  try {
    for (;;) {
      const { done, value } = yield* entries.next()
      if (done) break
      const { name, type } = value as DirectoryEntry
      if (type === 'directory') directories.push(name)
      else yield* ifThere(removeAny(`${path}/${name}`, type), isGone)
    }
  } catch (error) {
    if (!isGone(error)) throw error
  } finally {
    yield* entries.close()
  }
  for (const name of directories) yield* ifThere(removeAny(`${path}/${name}`, 'directory'), isGone)
}

/** The error of the system's, or null. That it is gone already is as good as removed. */
function* refusalOf(request: Operation<unknown>): Operation<SystemError | null> {
  try {
    yield* ifThere(request)
    return null
  } catch (error) {
    if (error instanceof SystemError) return error
    throw error
  }
}

function* ifThere(removal: Operation<unknown>, isOver = isMissing): Operation<void> {
  try {
    yield* removal
  } catch (error) {
    if (!isOver(error)) throw error
  }
}

/** Of what was in a directory: with that it is gone, too, whatever took its place. */
function isGone(error: unknown): boolean {
  return isMissing(error) || (error instanceof SystemError && error.code === 'ENOTDIR')
}

/**
 * Makes a new directory for temporary files, and returns its path. It is a resource: removed with
 * everything in it when the innermost nursery of the task ends, also when that is cancelled. If the
 * task is cancelled while it waits, there is no directory.
 *
 * @param prefix How its path begins. Default: in the directory that the system has for that.
 * @throws SystemError as the OS says: `ENOENT`, `EACCES`, …
 * @throws UnsupportedError if the driver has no files.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { nursery, run, stat, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* nursery(function* () {
 *     const path = yield* tempDir()
 *     yield* writeFile(`${path}/scratch`, 'hello')
 *     return path
 *   })
 *   try {
 *     yield* stat(path)
 *   } catch (error) {
 *     console.log((error as { code: string }).code) // => ENOENT
 *   }
 * })
 */
export function tempDir(prefix = ''): Operation<string> {
  checkText('make a temporary directory', 'prefix', prefix)
  return namedResource<string>('tempDir', function* (provide) {
    const path = yield* new Request('mkdtemp', { path: prefix }, LIMITLESS)
    try {
      yield* provide(path)
    } finally {
      yield* shield(remove(path, { recursive: true, force: true }))
    }
  })
}
