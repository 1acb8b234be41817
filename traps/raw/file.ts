/**
 * Raw traps on files: open, ask about, flush. Reading and writing an open file are `read` and
 * `write`, which go on where the last one ended.
 *
 * They do not wait on the thread: a ring does them beside the task, other drivers on threads of the
 * host's, but for an open that makes or empties its file, which is one short call there. Only a
 * blocking run, which has the thread anyhow, may wait for the disk, though never for a peer.
 */
import {
  checkCount,
  checkFd,
  checkText,
  checkWord,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import {
  type FileStatus,
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_EXCLUSIVE,
  OPEN_READ,
  OPEN_TRUNCATE,
  OPEN_WRITE,
  Request,
} from '../../kernel/protocol/request.js'
import type { Trap } from '../../kernel/protocol/trap.js'

/** How to open a file, as Node and C's `fopen` write it: `x` fails if it exists. */
export type OpenFlags = 'r' | 'r+' | 'w' | 'wx' | 'w+' | 'wx+' | 'a' | 'ax' | 'a+' | 'ax+'

const NEW = OPEN_CREATE | OPEN_TRUNCATE
const FLAGS: Readonly<Record<OpenFlags, number>> = {
  r: OPEN_READ,
  'r+': OPEN_READ | OPEN_WRITE,
  w: OPEN_WRITE | NEW,
  wx: OPEN_WRITE | NEW | OPEN_EXCLUSIVE,
  'w+': OPEN_READ | OPEN_WRITE | NEW,
  'wx+': OPEN_READ | OPEN_WRITE | NEW | OPEN_EXCLUSIVE,
  a: OPEN_APPEND | OPEN_CREATE,
  ax: OPEN_APPEND | OPEN_CREATE | OPEN_EXCLUSIVE,
  'a+': OPEN_READ | OPEN_APPEND | OPEN_CREATE,
  'ax+': OPEN_READ | OPEN_APPEND | OPEN_CREATE | OPEN_EXCLUSIVE,
}

/**
 * Opens a file, and returns its fd, for `read`, `write` and `close`. `mode` are the permissions of
 * a new one (less the process's umask). Cancelled or timed out before the system got to it, nothing
 * was opened; otherwise the fd is returned all the same. A FIFO waits for its other side, as in C:
 * to read, until it is open to write, and the other way round.
 *
 * @param path The path.
 * @param flags As for `fopen`. Default: `'r'`.
 * @param mode The permissions of a new file, less the umask of the process. Default: 0o666.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says, with the `path`: `ENOENT`, `EACCES`, `EEXIST`, …
 * @throws RangeError if the flags are none of these, or the mode is none; TypeError if the path is
 * no string or has a NUL in it.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run } from 'drupe'
 * import { close, openFile, read, stat } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* openFile('package.json')
 *   try {
 *     const { bytes, kind } = yield* stat(fd)
 *     const buffer = new Uint8Array(bytes)
 *     console.log(kind, (yield* read(fd, buffer)) === bytes) // => file true
 *   } finally {
 *     yield* close(fd)
 *   }
 * })
 */
export function openFile(path: string, flags: OpenFlags = 'r', mode = 0o666, options?: WaitOptions): Trap<number> {
  checkWord('open the file', 'flags', flags, Object.keys(FLAGS) as OpenFlags[])
  checkCount('open the file', 'mode', mode, 0, 0o7777)
  checkText('open the file', 'path', path)
  return new Request('open', { path, flags: FLAGS[flags], mode }, timeoutOf('open the file', options))
}

/**
 * Returns what a file is: its kind, size, permissions and times; of a path, where links are
 * followed, or of an open fd.
 *
 * @param file A path or a descriptor.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `ENOENT`, `EBADF`, …
 * @throws TypeError if the path is no string or has a NUL in it.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run } from 'drupe'
 * import { stat } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   console.log((yield* stat('package.json')).kind) // => file
 * })
 */
export function stat(file: string | number, options?: WaitOptions): Trap<FileStatus> {
  const input =
    typeof file === 'number'
      ? { fd: checkFd('ask about the file', 'file', file) }
      : { path: checkText('ask about the file', 'file', file) }
  return new Request('stat', input, timeoutOf('ask about the file', options))
}

/**
 * Waits until everything that was written to the file is on its medium. Cancelled or timed out, the
 * system may go on with it.
 *
 * @param fd The descriptor.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `EBADF`, `EIO`, …
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, tempDir } from 'drupe'
 * import { close, openFile, sync, writeAll } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* openFile(`${yield* tempDir()}/journal`, 'w')
 *   yield* writeAll(fd, 'paid')
 *   yield* sync(fd) // from here on it is there, whatever happens to the machine
 *   yield* close(fd)
 * })
 */
export function sync(fd: number, options?: WaitOptions): Trap<number> {
  return new Request('sync', { fd: checkFd('flush', 'fd', fd) }, timeoutOf('flush', options))
}
