/**
 * Names of files: made, changed, removed, asked about; one request of the driver's each.
 *
 * The names of the functions are those of `node:fs/promises` where they mean the same, and their
 * errors carry what Node's do. A request that has begun cannot be taken back: whoever is cancelled
 * goes on when the system has done it or has not, never while it may yet.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { SystemError } from '../../kernel/protocol/errors.js'
import {
  checkCount,
  checkOptions,
  checkSwitch,
  checkText,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import { type FileStatus, Request } from '../../kernel/protocol/request.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { stat } from '../raw/file.js'
import { within } from '../scope/scope.js'
import { isMissing } from './open.js'
import { above } from './separators.js'

/** How a directory is made. */
export interface MkdirOptions extends WaitOptions {
  /** Also those above it; and no error if it is there. Default: false. */
  readonly recursive?: boolean
  /** Its permissions, less the umask of the process. Default: 0o777. */
  readonly mode?: number
}

/** How a file is copied. */
export interface CopyFileOptions extends WaitOptions {
  /** Fail if anything has the new name. Default: false. */
  readonly exclusive?: boolean
}

/**
 * Makes a directory. If the task is cancelled while it waits, it may have been made.
 *
 * @param path The path.
 * @param options `recursive`: also those above it; `mode`: permissions; `timeout` in milliseconds.
 * @throws SystemError as the OS says, with the `path`: `EEXIST`, `ENOENT`, …
 * @throws TimeoutError after `timeout` milliseconds; Cancelled if a scope is cancelled.
 * @example
 * import { mkdir, nursery, rename, run, stat, tempDir, writeFile } from 'drupe'
 *
 * await run(() =>
 *   nursery(function* () {
 *     const path = yield* tempDir()
 *     yield* mkdir(`${path}/a/b`, { recursive: true })
 *     yield* writeFile(`${path}/a/b/draft`, 'hello')
 *     yield* rename(`${path}/a/b/draft`, `${path}/text`)
 *     console.log((yield* stat(`${path}/text`)).bytes) // => 5
 *   }),
 * )
 */
export function mkdir(path: string, options?: MkdirOptions): Operation<void> {
  checkText('make the directory', 'path', path)
  const limit = timeoutOf('make the directory', options)
  const { recursive = false, mode = 0o777 } = options ?? {}
  checkSwitch('make the directory', 'recursive', recursive)
  checkCount('make the directory', 'mode', mode, 0, 0o7777)
  const making = recursive ? mkdirs(path, mode) : finish(new Request('mkdir', { path, mode }, Number.POSITIVE_INFINITY))
  return tracked('mkdir', within('make the directory', limit, making))
}

function* mkdirs(path: string, mode: number): Operation<void> {
  const missing = yield* makeOrMiss(path, mode)
  if (missing === null) return
  const parent = above(path)
  if (parent === '' || parent === path) throw missing
  yield* mkdirs(parent, mode)
  // It is there: what is missing now cannot be made, as below /proc, or somebody removes it.
  const still = yield* makeOrMiss(path, mode)
  if (still !== null) throw still
}

/** Null if it is there now; or else the error that says that something above it is missing. */
function* makeOrMiss(path: string, mode: number): Operation<unknown> {
  try {
    yield* new Request('mkdir', { path, mode }, Number.POSITIVE_INFINITY)
    return null
  } catch (error) {
    if (isMissing(error)) return error
    // Whatever the system says about one that is there: EEXIST, or EISDIR of a root.
    if ((yield* kindOf(path)) !== 'directory') throw error
    return null
  }
}

function* kindOf(path: string): Operation<FileStatus['kind'] | null> {
  try {
    return (yield* stat(path)).kind
  } catch (error) {
    if (error instanceof SystemError) return null
    throw error
  }
}

/**
 * Gives a file or a directory another name, at once instead of a file that had it. If the task is
 * cancelled while it waits, it may have been done.
 *
 * @param from The path that it has.
 * @param to The path that it gets; on the same file system.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says, with the `path`: `ENOENT`, `EXDEV`, …
 * @example
 * import { readFile, rename, run, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* writeFile(`${path}/draft`, 'hello')
 *   yield* rename(`${path}/draft`, `${path}/text`)
 *   console.log(yield* readFile(`${path}/text`, { encoding: 'utf8' })) // => hello
 * })
 */
export function rename(from: string, to: string, options?: WaitOptions): Operation<void> {
  checkText('rename the file', 'from', from)
  checkText('rename the file', 'to', to)
  return two('rename', 'rename the file', from, to, options)
}

/**
 * Gives a file one more name. If the task is cancelled while it waits, it may have been done.
 *
 * @param existing The path that it has.
 * @param path The path that it gets.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says, with the `path`: `EEXIST`, `ENOENT`, …
 * @example
 * import { link, run, stat, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* writeFile(`${path}/one`, 'hello')
 *   yield* link(`${path}/one`, `${path}/two`)
 *   console.log((yield* stat(`${path}/two`)).links) // => 2
 * })
 */
export function link(existing: string, path: string, options?: WaitOptions): Operation<void> {
  checkText('link the file', 'existing', existing)
  checkText('link the file', 'path', path)
  return two('link', 'link the file', existing, path, options)
}

/**
 * Makes a symbolic link. If the task is cancelled while it waits, it may have been made.
 *
 * @param target Where it leads; a relative path begins where the link is.
 * @param path The path of the link.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `EEXIST`, `ENOENT`, …
 * @example
 * import { readFile, run, symlink, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* writeFile(`${path}/v2`, 'hello')
 *   yield* symlink('v2', `${path}/current`)
 *   console.log(yield* readFile(`${path}/current`, { encoding: 'utf8' })) // => hello
 * })
 */
export function symlink(target: string, path: string, options?: WaitOptions): Operation<void> {
  checkText('make the link', 'target', target)
  checkText('make the link', 'path', path)
  return two('symlink', 'make the link', target, path, options)
}

function two(
  kind: 'rename' | 'link' | 'symlink',
  action: string,
  path: string,
  to: string,
  options: WaitOptions | undefined,
): Operation<void> {
  return tracked(kind, finish(new Request(kind, { path, to }, timeoutOf(action, options))))
}

/**
 * Returns where a symbolic link leads, as it was written. If the task is cancelled while it waits,
 * nothing has happened.
 *
 * @param path The path of the link.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `EINVAL` if it is no link, `ENOENT`, …
 * @example
 * import { readlink, run, symlink, tempDir } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* symlink('v2', `${path}/current`)
 *   console.log(yield* readlink(`${path}/current`)) // => v2
 * })
 */
export function readlink(path: string, options?: WaitOptions): Operation<string> {
  checkText('read the link', 'path', path)
  return new Request('readlink', { path }, timeoutOf('read the link', options))
}

/**
 * Returns the whole path of a file, without links in it. If the task is cancelled while it waits,
 * nothing has happened.
 *
 * @param path The path.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `ENOENT`, `ELOOP`, …
 * @example
 * import { realpath, run, symlink, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* writeFile(`${path}/v2`, 'hello')
 *   yield* symlink('v2', `${path}/current`)
 *   const real = yield* realpath(`${path}/current`)
 *   console.log(real.endsWith('v2')) // => true
 * })
 */
export function realpath(path: string, options?: WaitOptions): Operation<string> {
  checkText('resolve the path', 'path', path)
  return new Request('realpath', { path }, timeoutOf('resolve the path', options))
}

/**
 * Returns what a path stands for; of a link, the link itself. If the task is cancelled while it
 * waits, nothing has happened.
 *
 * @param path The path.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `ENOENT`, `EACCES`, …
 * @example
 * import { lstat, run, stat, symlink, tempDir } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* symlink('.', `${path}/here`)
 *   console.log((yield* lstat(`${path}/here`)).kind) // => link
 *   console.log((yield* stat(`${path}/here`)).kind) // => directory
 * })
 */
export function lstat(path: string, options?: WaitOptions): Operation<FileStatus> {
  checkText('ask about the path', 'path', path)
  return new Request('lstat', { path }, timeoutOf('ask about the path', options))
}

/**
 * Sets the permissions of a file; links are followed. If the task is cancelled while it waits, it
 * may have been done.
 *
 * @param path The path.
 * @param mode The permissions: `0o644`.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `ENOENT`, `EPERM`, …
 * @example
 * import { chmod, run, stat, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* writeFile(`${path}/secret`, 'hello')
 *   yield* chmod(`${path}/secret`, 0o600)
 *   console.log((yield* stat(`${path}/secret`)).mode.toString(8)) // => 600
 * })
 */
export function chmod(path: string, mode: number, options?: WaitOptions): Operation<void> {
  checkText('set the permissions', 'path', path)
  checkCount('set the permissions', 'mode', mode, 0, 0o7777)
  return tracked('chmod', finish(new Request('chmod', { path, mode }, timeoutOf('set the permissions', options))))
}

/**
 * Copies a file with its permissions; without moving its bytes where the file system can share
 * them. If the task is cancelled while it waits, a copy that has begun is ended first, which is
 * awaited within the grace. A blocking run that begins meanwhile cannot wait for it: the copy fails
 * with `EBUSY`, and may be made all the same.
 *
 * @param from The path of the file.
 * @param to The path of the copy.
 * @param options `exclusive`: fail if anything has that name; `timeout` in milliseconds.
 * @throws SystemError as the OS says, with the `path`: `ENOENT`, `EEXIST`, `ENOSPC`, `EBUSY`, …
 * @example
 * import { copyFile, readFile, run, tempDir, writeFile } from 'drupe'
 *
 * await run(function* () {
 *   const path = yield* tempDir()
 *   yield* writeFile(`${path}/one`, 'hello')
 *   yield* copyFile(`${path}/one`, `${path}/two`)
 *   console.log(yield* readFile(`${path}/two`, { encoding: 'utf8' })) // => hello
 * })
 */
export function copyFile(from: string, to: string, options?: CopyFileOptions): Operation<void> {
  checkText('copy the file', 'from', from)
  checkText('copy the file', 'to', to)
  if (options !== undefined) checkOptions('copy the file', 'options', options)
  const exclusive = checkSwitch('copy the file', 'exclusive', options?.exclusive) ?? false
  const copying = new Request('copy', { path: from, to, exclusive }, timeoutOf('copy the file', options))
  return tracked('copyFile', finish(copying))
}

function* finish(request: Operation<unknown>): Operation<void> {
  yield* request
}
