/**
 * Opening a file as a stream of bytes, and the calls that open one, use it whole and close it.
 *
 * A file that is written whole is written beside its place and renamed: at any moment, and whoever
 * is cancelled or dies meanwhile, its name stands for all of the old content or all of the new.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { SystemError } from '../../kernel/protocol/errors.js'
import {
  checkBytes,
  checkCount,
  checkLimit,
  checkSwitch,
  checkText,
  checkWord,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import { type FileStatus, Request } from '../../kernel/protocol/request.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ReadAllOptions } from '../net/byte-stream.js'
import { type OpenFlags, openFile, stat } from '../raw/file.js'
import { close } from '../raw/io.js'
import { randomSource } from '../raw/random.js'
import { shield, within } from '../scope/scope.js'
import { File } from './file.js'
import { placeOf } from './separators.js'

const LIMITLESS = Number.POSITIVE_INFINITY
let temporaries = 0

/** How a file is read whole. */
export interface ReadFileOptions extends ReadAllOptions {
  /** `'utf8'`: the content as text. Default: as bytes. */
  readonly encoding?: 'utf8'
}

/** How a file is written whole. */
export interface WriteFileOptions extends WaitOptions {
  /** The permissions of a new file, less the umask of the process. Default: 0o666. */
  readonly mode?: number
  /** Whether the content changes at once, by a rename. Default: true. */
  readonly atomic?: boolean
}

/**
 * Opens a file as a stream of bytes with positions. Cancelled or timed out before the system got to
 * it, nothing was opened. A FIFO waits for its other side, and takes no thread for that.
 *
 * @param path The path.
 * @param flags As for `fopen`. Default: `'r'`.
 * @param mode The permissions of a new file, less the umask of the process. Default: 0o666.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says, with the `path`: `ENOENT`, `EACCES`, `EEXIST`, …
 * @throws UnsupportedError if the driver has no files.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { open, run, use } from 'drupe'
 *
 * await run(function* () {
 *   yield* use(open('package.json'), function* (file) {
 *     console.log(yield* file.readLine()) // => {
 *     yield* file.seek(-2, 'end')
 *     console.log(yield* file.readLine()) // => }
 *   })
 * })
 */
export function open(path: string, flags: OpenFlags = 'r', mode = 0o666, options?: WaitOptions): Operation<File> {
  const opening = openFile(path, flags, mode, options)
  return tracked('open', openOperation(opening, flags))
}

function* openOperation(opening: Operation<number>, flags: OpenFlags): Operation<File> {
  const fd = yield* opening
  try {
    const { kind } = yield* stat(fd)
    return new File(fd, flags, kind === 'file')
  } catch (error) {
    yield* close(fd)
    throw error
  }
}

/**
 * Reads a whole file, and returns its content: also one that says that it is empty, as those of
 * `/proc`, and one that grows meanwhile, up to where it ends when that is reached. If the task is
 * cancelled while it waits, nothing is left open.
 *
 * @param path The path.
 * @param options `encoding`: `'utf8'` for text; `maxBytes`: at most so many; `timeout` in
 * milliseconds, everything together.
 * @throws TooLargeError if there are more than `maxBytes`.
 * @throws SystemError, UnsupportedError, TimeoutError, Cancelled as for `open`.
 * @example
 * import { readFile, run } from 'drupe'
 *
 * await run(function* () {
 *   const text = yield* readFile('package.json', { encoding: 'utf8' })
 *   console.log(JSON.parse(text).name) // => drupe
 * })
 */
export function readFile(path: string, options: ReadFileOptions & { readonly encoding: 'utf8' }): Operation<string>
/**
 * Reads a whole file, and returns its bytes. If the task is cancelled while it waits, nothing is
 * left open.
 *
 * @param path The path.
 * @param options `maxBytes`: at most so many; `timeout` in milliseconds, everything together.
 */
export function readFile(path: string, options?: ReadAllOptions): Operation<Uint8Array>
export function readFile(path: string, options?: ReadFileOptions): Operation<Uint8Array | string> {
  checkText('read the file', 'path', path)
  const limit = timeoutOf('read the file', options)
  const { encoding, maxBytes = LIMITLESS } = options ?? {}
  checkLimit('read the file', 'maxBytes', maxBytes, 1)
  if (encoding !== undefined) checkWord('read the file', 'encoding', encoding, ['utf8'])
  return tracked('readFile', within('read the file', limit, readOperation(path, encoding, maxBytes)))
}

function* readOperation(path: string, encoding: 'utf8' | undefined, maxBytes: number): Operation<Uint8Array | string> {
  const file = yield* open(path)
  try {
    const bytes = yield* file.readAll({ maxBytes })
    return encoding === undefined ? bytes : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  } finally {
    yield* file.close()
  }
}

/**
 * Writes a whole file, at once: into a new one beside it, which is flushed to its medium and gets
 * the name. So it has the old content or the new, never a part. Its permissions, owner and group
 * stay; where the system does not allow that, what they gave to them alone is dropped, setuid and
 * setgid above all. Its other names (hard links) keep the old content, and extended attributes do
 * not stay: `atomic: false` keeps both. Symbolic links are followed. What is no plain file, a
 * device say, is written as it is. If the task is cancelled while it waits, the content is the old
 * one or the new one, and the other file is gone.
 *
 * @param path The path.
 * @param data Bytes, or text, which is written as UTF-8.
 * @param options `mode` of a new file; `atomic: false`: it is emptied and written in its place,
 * unflushed; `timeout` in milliseconds, everything together.
 * @throws SystemError, UnsupportedError, TimeoutError, Cancelled as for `open`.
 * @example
 * import { readFile, run, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const directory = yield* tempDir()
 *   yield* writeFile(`${directory}/greeting`, 'hello')
 *   console.log(yield* readFile(`${directory}/greeting`, { encoding: 'utf8' })) // => hello
 * })
 */
export function writeFile(path: string, data: Uint8Array | string, options?: WriteFileOptions): Operation<void> {
  checkText('write the file', 'path', path)
  const limit = timeoutOf('write the file', options)
  const { mode = 0o666, atomic = true } = options ?? {}
  checkCount('write the file', 'mode', mode, 0, 0o7777)
  checkSwitch('write the file', 'atomic', atomic)
  const bytes = bytesOf('write the file', data)
  const writing = atomic ? atomicOperation(path, bytes, mode) : putOperation(path, 'w', bytes, mode)
  return tracked('writeFile', within('write the file', limit, writing))
}

/**
 * Writes at the end of a file, which is made if it is not there. If the task is cancelled while it
 * waits, some of it may have been written.
 *
 * @param path The path.
 * @param data Bytes, or text, which is written as UTF-8.
 * @param options `mode` of a new file; `timeout` in milliseconds, everything together.
 * @throws SystemError, UnsupportedError, TimeoutError, Cancelled as for `open`.
 * @example
 * import { appendFile, readFile, run, tempDir } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   for (const line of ['one', 'two']) yield* appendFile(`${path}/log`, `${line}\n`)
 *   console.log((yield* readFile(`${path}/log`, { encoding: 'utf8' })).split('\n')) // => [ 'one', 'two', '' ]
 * })
 */
export function appendFile(
  path: string,
  data: Uint8Array | string,
  options?: Omit<WriteFileOptions, 'atomic'>,
): Operation<void> {
  checkText('append to the file', 'path', path)
  const limit = timeoutOf('append to the file', options)
  const { mode = 0o666 } = options ?? {}
  checkCount('append to the file', 'mode', mode, 0, 0o7777)
  const bytes = bytesOf('append to the file', data)
  return tracked('appendFile', within('append to the file', limit, putOperation(path, 'a', bytes, mode)))
}

function* putOperation(path: string, flags: OpenFlags, bytes: Uint8Array, mode: number): Operation<void> {
  const file = yield* open(path, flags, mode)
  try {
    yield* file.write(bytes)
  } finally {
    yield* file.close()
  }
}

function* atomicOperation(path: string, bytes: Uint8Array, mode: number): Operation<void> {
  let target = path
  let keep: FileStatus | null = null
  try {
    const old = yield* stat(path)
    if (old.kind !== 'file') return yield* putOperation(path, 'w', bytes, mode)
    target = yield* new Request('realpath', { path }, LIMITLESS)
    keep = old
  } catch (error) {
    if (!isMissing(error)) throw error
    // A link that leads nowhere yet: the file is made where it leads.
    if (yield* isThere(path)) return yield* putOperation(path, 'w', bytes, mode)
  }
  const [temporary, file] = yield* openTemporary(target, keep === null ? mode : 0o600)
  let renamed = false
  try {
    try {
      yield* file.write(bytes)
      if (keep !== null) {
        // In this order: a change of the owner takes rights away.
        const mode = yield* keepOwner(file, keep)
        yield* new Request('chmod', { path: temporary, mode }, LIMITLESS)
      }
      yield* file.sync()
    } finally {
      yield* file.close()
    }
    yield* new Request('rename', { path: temporary, to: target }, LIMITLESS)
    renamed = true
  } finally {
    if (!renamed) yield* shield(removeQuietly(temporary))
  }
  yield* syncDirectory(target)
}

/**
 * Gives a new file the owner and the group of the old one. The permissions that it may have: who
 * owns it now must not run as by the old one, nor a group read what the old one alone could.
 */
function* keepOwner(file: File, { user, group, mode }: FileStatus): Operation<number> {
  const own = yield* file.stat()
  const groupKept = own.group === group || (yield* isGiven(file.fd, -1, group))
  const userKept = own.user === user || (yield* isGiven(file.fd, user, -1))
  if (groupKept && userKept) return mode
  return groupKept ? mode & 0o777 : (mode & 0o707) | ((mode & 0o007) << 3)
}

/** Whoever is not root can give away little, and some file systems have no owners. */
function* isGiven(fd: number, user: number, group: number): Operation<boolean> {
  try {
    yield* new Request('chown', { fd, user, group }, LIMITLESS)
    return true
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return false
  }
}

function* openTemporary(target: string, mode: number): Operation<[string, File]> {
  for (;;) {
    temporaries = (temporaries + 1) % 0x1000000
    const random = Math.floor((yield* randomSource())() * Number.MAX_SAFE_INTEGER).toString(36)
    // Short, for the other name may be as long as names may be.
    const name = `${placeOf(target)}.drupe-${random}-${temporaries}.tmp`
    try {
      // An open that is called off may still make the file, after it was removed.
      return [name, yield* shield(open(name, 'wx', mode))]
    } catch (error) {
      if (!(error instanceof SystemError && error.code === 'EEXIST')) throw error
    }
  }
}

/** The new name is on the medium, too. Some systems open no directories, or flush none. */
function* syncDirectory(path: string): Operation<void> {
  let directory: File | null = null
  try {
    directory = yield* open(placeOf(path) || '.')
    yield* directory.sync()
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  } finally {
    if (directory !== null) yield* directory.close()
  }
}

function* isThere(path: string): Operation<boolean> {
  try {
    yield* new Request('lstat', { path }, LIMITLESS)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function* removeQuietly(path: string): Operation<void> {
  try {
    yield* new Request('unlink', { path }, LIMITLESS)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  }
}

/** There is nothing of that name. */
export const isMissing = (error: unknown): boolean => error instanceof SystemError && error.code === 'ENOENT'

function bytesOf(action: string, data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : checkBytes(action, 'data', data)
}
