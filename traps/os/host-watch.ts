/**
 * Watching files by the host (`fs.watch`), where the driver has no watcher of its own.
 *
 * The host says that something about a name has happened, and little of what. So each directory has
 * the names that were in it, and a look at the name tells the rest: it has come, it has gone, or it
 * has changed. What is to be looked at is kept by name, so that a busy file is one entry, and many
 * names are an overflow, as with inotify. A directory is watched first and read then.
 */
import type { FileNews } from '../../kernel/protocol/calls.js'
import { SystemError, scopeOf, UnsupportedError } from '../../kernel/protocol/errors.js'
import { type Operation, SUSPEND, SUSPEND_HOST_LOOP, Trap } from '../../kernel/protocol/trap.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'

/** More names than this, and it is an overflow; Linux keeps so many events. */
const MOST_PENDING = 16_384

const HOST_LOOP: Giver = { undo: null, hostLoop: ['watch files', "the news come through the host's loop"] }
/** As libuv numbers it where the system has no such error. */
const ENOTDIR = -20

/** What is known of a file. */
interface HostStats {
  readonly ino: bigint
  isDirectory(): boolean
}

type Back<T> = (error: unknown, value: T) => void

/** As much of the host's file system as is needed. */
export interface HostFiles {
  watch(path: string, listener: (event: string, name: string | null) => void): HostFileWatcher
  stat(path: string, options: { bigint: true }, back: Back<HostStats>): void
  lstat(path: string, options: { bigint: true }, back: Back<HostStats>): void
  readdir(path: string, options: { withFileTypes: true }, back: Back<HostEntry[]>): void
}

interface HostFileWatcher {
  on(event: 'error', listener: () => void): unknown
  close(): void
}

interface HostEntry {
  readonly name: string
  isDirectory(): boolean
}

/** One name in a directory. */
export interface Entry {
  readonly name: string
  readonly directory: boolean
}

interface Watched {
  readonly id: number
  readonly path: string
  readonly nested: boolean
  watcher: HostFileWatcher
  inode: bigint
  /** Null of a file. */
  names: Set<string> | null
}

/** Something to look at; without a name it is all that is there. */
interface Pending {
  readonly watched: Watched
  readonly name: string | null
}

/** @throws UnsupportedError where the host has no files. */
export function hostFiles(): HostFiles {
  const found = typeof process === 'object' ? process.getBuiltinModule?.('node:fs') : undefined
  if (found === undefined) throw new UnsupportedError('watch files', 'this host has none')
  return found as unknown as HostFiles
}

/** Watches files and directories; one task at a time asks it. */
export class HostWatcher {
  private readonly watched = new Map<string, Watched>()
  private readonly pending = new Map<string, Pending>()
  private overflowed = false
  private closed = false
  private wake: (() => void) | null = null
  private lastId = 0

  constructor(private readonly files: HostFiles) {}

  /**
   * Watches one more, or anew; its number.
   *
   * @param path A file or a directory.
   * @param nested Only a directory, and no link to one.
   */
  *add(path: string, nested: boolean): Operation<number> {
    const old = this.watched.get(path)
    const watched = { id: old?.id ?? ++this.lastId, path, nested, inode: 0n, names: null } as unknown as Watched
    watched.watcher = this.begin(watched)
    try {
      const stats = yield* this.status(path, nested)
      watched.inode = stats.ino
      if (stats.isDirectory()) watched.names = new Set((yield* this.entries(path)).map(({ name }) => name))
      else if (nested)
        throw new SystemError({ code: 'ENOTDIR', errno: ENOTDIR, syscall: 'watch', text: NO_DIRECTORY, path })
    } catch (error) {
      watched.watcher.close()
      throw error
    }
    old?.watcher.close()
    if (this.closed) watched.watcher.close()
    else this.watched.set(path, watched)
    return watched.id
  }

  /** Waits until there is something, and returns it; it can turn out to be nothing. */
  *news(): Operation<FileNews[]> {
    if (this.pending.size === 0 && !this.overflowed && !this.closed) yield* this.arrival()
    if (this.closed) return []
    if (this.overflowed) return yield* this.catchUp()
    for (const [key, pending] of this.pending) return yield* this.examine(key, pending)
    return []
  }

  /** Watches these no more; some may be gone. */
  remove(ids: readonly number[]): void {
    if (ids.length === 0) return
    const numbers = new Set(ids)
    for (const watched of [...this.watched.values()]) if (numbers.has(watched.id)) this.forget(watched)
  }

  /** What is in a directory. */
  *entries(path: string): Operation<Entry[]> {
    const found = yield* this.asked<HostEntry[]>((back) => this.files.readdir(path, { withFileTypes: true }, back))
    return found.map((entry) => ({ name: entry.name, directory: entry.isDirectory() }))
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const { watcher } of this.watched.values()) watcher.close()
    this.watched.clear()
    this.pending.clear()
    this.wake?.()
  }

  private begin(watched: Watched): HostFileWatcher {
    let watcher: HostFileWatcher
    try {
      watcher = this.files.watch(watched.path, (_event, name) => this.note(watched, name))
    } catch (error) {
      throw systemError(error)
    }
    // Windows says so of a directory that is gone; what has that name by then, a look tells.
    watcher.on('error', () => this.note(watched, null))
    return watcher
  }

  private note(watched: Watched, name: string | null): void {
    if (this.closed || this.overflowed) return
    if (this.pending.size >= MOST_PENDING) {
      this.pending.clear()
      this.overflowed = true
    } else {
      const of = watched.names === null ? null : name
      this.pending.set(`${watched.id}/${of ?? ''}`, { watched, name: of })
    }
    this.wake?.()
  }

  private *arrival(): Operation<void> {
    try {
      yield* onHost<void>((resolve) => {
        this.wake = () => resolve(undefined)
      })
    } finally {
      this.wake = null
    }
  }

  /** Everything is known anew, and what has happened to it is not. */
  private *catchUp(): Operation<FileNews[]> {
    // What happens meanwhile is noted again: a name may be looked at twice, and none is missed.
    this.overflowed = false
    try {
      for (const watched of [...this.watched.values()]) {
        if (watched.names === null) continue
        const found = yield* orGone(this.entries(watched.path))
        watched.names = new Set(found?.map(({ name }) => name))
      }
    } catch (error) {
      this.overflowed = true
      throw error
    }
    return [{ id: -1, change: 'overflow', name: '', directory: false }]
  }

  /** If the task is cancelled meanwhile, it is to be looked at again. */
  private *examine(key: string, pending: Pending): Operation<FileNews[]> {
    this.pending.delete(key)
    try {
      const { watched, name } = pending
      if (this.watched.get(watched.path) !== watched) return []
      if (watched.names === null) return yield* this.examineFile(watched)
      if (name === null) return yield* this.compare(watched, watched.names)
      return yield* this.examineName(watched, watched.names, name)
    } catch (error) {
      // An error of the look is told once.
      if (scopeOf(error) !== null) this.pending.set(key, pending)
      throw error
    }
  }

  private *examineFile(watched: Watched): Operation<FileNews[]> {
    const stats = yield* orGone(this.status(watched.path, watched.nested))
    if (stats !== null && stats.ino === watched.inode) return [this.tell(watched, 'changed', '', false)]
    return [this.forget(watched)]
  }

  private *examineName(watched: Watched, names: Set<string>, name: string): Operation<FileNews[]> {
    const path = `${watched.path}/${name}`
    const stats = yield* orGone(this.status(path, true))
    if (stats === null) {
      if (names.has(name)) return [this.gone(watched, names, name)]
      return watched.nested ? [] : yield* this.compare(watched, names)
    }
    const directory = stats.isDirectory()
    const below = this.watched.get(path)
    // Whoever looks at a new directory finds what is in it, perhaps before its own news.
    const found = below !== undefined && below.inode === stats.ino
    if (!names.has(name)) {
      names.add(name)
      return [this.tell(watched, found ? 'changed' : 'created', name, directory)]
    }
    if (below === undefined || found) return [this.tell(watched, 'changed', name, directory)]
    const gone = this.gone(watched, names, name)
    names.add(name)
    return [gone, this.tell(watched, 'created', name, directory)]
  }

  /** What is there now, with what was there. */
  private *compare(watched: Watched, names: Set<string>): Operation<FileNews[]> {
    const found = yield* orGone(this.entries(watched.path))
    if (found === null) return watched.nested ? [] : [this.forget(watched)]
    const now = new Set(found.map(({ name }) => name))
    const news: FileNews[] = []
    for (const name of [...names]) if (!now.has(name)) news.push(this.gone(watched, names, name))
    for (const { name, directory } of found) {
      if (names.has(name)) continue
      names.add(name)
      news.push(this.tell(watched, 'created', name, directory))
    }
    return news
  }

  /** What was watched there, or below, is not there any more. */
  private gone(watched: Watched, names: Set<string>, name: string): FileNews {
    names.delete(name)
    const path = `${watched.path}/${name}`
    const directory = this.watched.has(path)
    if (directory) {
      for (const below of [...this.watched.values()]) {
        if (below.path === path || below.path.startsWith(`${path}/`)) this.forget(below)
      }
    }
    return this.tell(watched, 'removed', name, directory)
  }

  private forget(watched: Watched): FileNews {
    watched.watcher.close()
    this.watched.delete(watched.path)
    return this.tell(watched, 'removed', '', watched.names !== null)
  }

  private tell({ id }: Watched, change: FileNews['change'], name: string, directory: boolean): FileNews {
    return { id, change, name, directory }
  }

  private status(path: string, nested: boolean): Operation<HostStats> {
    const { files } = this
    return this.asked<HostStats>((back) => {
      if (nested) files.lstat(path, { bigint: true }, back)
      else files.stat(path, { bigint: true }, back)
    })
  }

  private asked<T>(begin: (back: Back<T>) => void): Operation<T> {
    return onHost<T>((resolve, reject) => {
      begin((error, value) => {
        if (error === null || error === undefined) resolve(value)
        else reject(systemError(error))
      })
    })
  }
}

const NO_DIRECTORY = 'not a directory'

function onHost<T>(begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Trap<T> {
  return new Trap<T>(SUSPEND, begin, HOST_LOOP, SUSPEND_HOST_LOOP)
}

/** Null if it is not there any more. */
function* orGone<T>(op: Operation<T>): Operation<T | null> {
  try {
    return yield* op
  } catch (error) {
    if (error instanceof SystemError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null
    throw error
  }
}

/** An error of the host's, as ours: `ENOENT: no such file or directory, watch '/none'`. */
function systemError(error: unknown): unknown {
  const { code, errno, syscall, path, message } = error as { [name: string]: unknown }
  if (typeof code !== 'string' || typeof errno !== 'number' || typeof syscall !== 'string') return error
  const text = /^\w+: (.*?)(, \w+.*)?$/.exec(String(message))?.[1] ?? String(message)
  return new SystemError({
    code,
    errno,
    syscall,
    text,
    path: typeof path === 'string' ? path : undefined,
    cause: error,
  })
}
