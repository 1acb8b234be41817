/**
 * Unix sockets that have a name: sockets that are files, and what becomes of the file.
 *
 * A server that was killed leaves its file, and the next one finds the name taken. Only by
 * connecting can it tell whether somebody is still there. But two starters that both see a stale
 * file would both remove "it", the second one the fresh file of the first; and between bind and
 * listen a fresh one refuses, too. So all that is done here, up to listen, is done under a lock on
 * the directory, which the OS takes back from a process that dies. Without the lock nothing is
 * removed. The file goes before the socket is closed: nobody takes a file for stale whose socket is
 * still open, and its inode is nobody else's until then.
 *
 * A socket of datagrams is alive as soon as it is bound, and a connection to one goes unnoticed.
 */

import type { SocketKind } from '../../kernel/protocol/calls.js'
import { SystemError, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkText } from '../../kernel/protocol/operands.js'
import { type FileStatus, Request } from '../../kernel/protocol/request.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ask } from '../raw/call.js'
import * as io from '../raw/io.js'
import { sleep } from '../raw/time.js'
import { moveOn, shield } from '../scope/scope.js'
import { Event } from '../sync/event.js'

const NAMED_PIPE = /^\\\\[.?]\\pipe\\/i
const NEVER = Number.POSITIVE_INFINITY
const NO_LOCK = -1
/** Another starter is done long before; whoever holds the lock for longer is no starter. */
const LOCK_MS = 2000
const LONGEST_PAUSE_MS = 50
/** A living socket has answered by then, or its queue is full. */
const ANSWER_MS = 1000
/** Programs that do not know of the lock are done with listen by then. */
const SECOND_LOOK_MS = 20

/** What a Unix listener is like. */
export interface UnixOptions {
  /** The permissions of the file: who may connect. Default: what the umask leaves of 0o777. */
  readonly mode?: number
  /** How many connections wait to be accepted before more are refused. */
  readonly backlog?: number
}

/** An abstract name of Linux is no file: it begins with a NUL. */
export function isAbstract(path: string): boolean {
  return typeof path === 'string' && path.startsWith('\0')
}

/** A path that may be one. */
export function checkPath(action: string, path: string, name = 'path'): string {
  if (isAbstract(path) || checkText(action, name, path) !== '') return path
  throw new RangeError(`Cannot ${action}: ${name} must be a path, not ""`)
}

/** Which kind of socket has such an address. */
export function* kindOf(address: Address): Operation<'tcp4' | 'tcp6' | 'unix' | 'pipe'> {
  if (address.family !== 'unix') return address.family === 'ipv6' ? 'tcp6' : 'tcp4'
  const { path } = address
  return yield* ask('socket', ({ can }) => (can.namedPipes && NAMED_PIPE.test(path) ? 'pipe' : 'unix'))
}

/** Listens at a path: the socket, and its file if it has one. */
export function* listenAt(path: string, options: UnixOptions): Operation<readonly [number, SocketFile | null]> {
  const address: Address = { family: 'unix', path }
  const kind = yield* kindOf(address)
  const begin = (fd: number): Operation<unknown> => io.listen(fd, options.backlog, address)
  if (kind === 'unix') return yield* openAt(kind, path, options.mode, begin)
  if (options.mode !== undefined) throw new TypeError('Cannot listen: a named pipe has no mode')
  return yield* openNameless(kind, address, begin)
}

/**
 * Opens a socket at a path: the socket, and its file if it has one.
 *
 * @param begin What makes it more than bound.
 */
export function openAt(
  kind: 'unix' | 'unixDatagram',
  path: string,
  mode?: number,
  begin?: (fd: number) => Operation<unknown>,
): Operation<readonly [number, SocketFile | null]> {
  const address: Address = { family: 'unix', path }
  return isAbstract(path) ? openNameless(kind, address, begin) : openFile(kind, address, path, mode, begin)
}

/** What is no file needs no lock. */
function* openNameless(
  kind: SocketKind,
  address: Address,
  begin?: (fd: number) => Operation<unknown>,
): Operation<readonly [number, null]> {
  const fd = yield* io.socket(kind)
  try {
    yield* io.bind(fd, address)
    if (begin !== undefined) yield* begin(fd)
    return [fd, null]
  } catch (error) {
    yield* io.close(fd)
    throw error
  }
}

function* openFile(
  kind: SocketKind,
  address: Address,
  path: string,
  mode: number | undefined,
  begin?: (fd: number) => Operation<unknown>,
): Operation<readonly [number, SocketFile]> {
  const lock = yield* lockDirectory(path)
  try {
    const fd = yield* io.socket(kind)
    let file: SocketFile | null = null
    try {
      yield* bindThere(fd, address, path, lock !== NO_LOCK)
      file = new SocketFile(path)
      yield* file.locate()
      // Nobody connects before listen, so nobody comes in under other permissions.
      if (mode !== undefined) yield* new Request('chmod', { path, mode }, NEVER)
      yield* file.identify()
      if (begin !== undefined) yield* begin(fd)
      return [fd, file]
    } catch (error) {
      if (file !== null) yield* file.remove()
      yield* io.close(fd)
      throw error
    }
  } finally {
    if (lock !== NO_LOCK) yield* io.close(lock)
  }
}

/** A descriptor that holds the lock, or NO_LOCK: none is to be had. */
function* lockDirectory(path: string): Operation<number> {
  for (let waited = 0, ms = 1; ; waited += ms, ms = Math.min(ms * 2, LONGEST_PAUSE_MS)) {
    try {
      return yield* ask('flock', (driver) => driver.lock(path))
    } catch (error) {
      if (!(error instanceof SystemError || error instanceof UnsupportedError)) throw error
      if (error.code !== 'EAGAIN' || waited >= LOCK_MS) return NO_LOCK
    }
    yield* sleep(ms)
  }
}

function* bindThere(fd: number, address: Address, path: string, locked: boolean): Operation<void> {
  for (;;) {
    try {
      yield* io.bind(fd, address)
      return
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'EADDRINUSE') throw error
      if (!locked || !(yield* clear(address, path))) throw error
    }
  }
}

/** True if the name is free now: a stale file is removed, a living or another one stays. */
function* clear(address: Address, path: string): Operation<boolean> {
  const found = yield* statusOf(path)
  if (found === null) return true
  if (found.kind !== 'socket' || !(yield* refuses(address))) return false
  yield* sleep(SECOND_LOOK_MS)
  const again = yield* statusOf(path)
  if (again === null) return true
  if (again.inode !== found.inode || again.changedMs !== found.changedMs || !(yield* refuses(address))) return false
  yield* new Request('unlink', { path }, NEVER)
  return true
}

/**
 * Is nobody there? Whatever else is wrong with a connection, somebody may be: a socket of datagrams
 * says that it is of another type (EPROTOTYPE).
 */
function* refuses(address: Address): Operation<boolean> {
  const fd = yield* io.socket('unix')
  try {
    yield* moveOn(ANSWER_MS, io.connect(fd, address))
    return false
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return error.code === 'ECONNREFUSED'
  } finally {
    yield* io.close(fd)
  }
}

/** Null if nothing is there. */
function* statusOf(path: string): Operation<FileStatus | null> {
  try {
    return yield* new Request('lstat', { path }, NEVER)
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENOENT') return null
    throw error
  }
}

/** The file of a Unix socket that is open. */
export class SocketFile {
  /** Null: the OS does not say. */
  private inode: number | null = null
  private leaving = false
  private readonly gone = new Event()

  constructor(private path: string) {}

  /** A relative path leads elsewhere later; a simulated network has no other. */
  *locate(): Operation<void> {
    if (this.path.startsWith('/')) return
    try {
      this.path = yield* new Request('realpath', { path: this.path }, NEVER)
    } catch (error) {
      if (!(error instanceof SystemError || error instanceof UnsupportedError)) throw error
    }
  }

  /** Notes which file it is. */
  *identify(): Operation<void> {
    try {
      this.inode = (yield* new Request('lstat', { path: this.path }, NEVER)).inode
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
    }
  }

  /**
   * Removes the file if it is still this one; done when it returns, also for a second task. A file
   * that cannot be removed stays, as a stale one: there is nobody who could do better.
   */
  remove(): Operation<void> {
    return shield(this.removal())
  }

  private *removal(): Operation<void> {
    if (this.leaving) return yield* this.gone.wait()
    this.leaving = true
    const { path, inode } = this
    try {
      if (inode !== null && (yield* new Request('lstat', { path }, NEVER)).inode !== inode) return
      yield* new Request('unlink', { path }, NEVER)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
    } finally {
      yield* this.gone.set()
    }
  }
}
