/**
 * Work for the host's threads: requests, and reads and writes at a position, in the words of Node's
 * file system and resolver.
 *
 * Each is there twice, with a call-back and at once, because a blocking run has no call-backs.
 * Results are those of drivers: 0 or more, or a negative errno.
 */
import {
  type Address,
  type FileStatus,
  type IoOp,
  isIntact,
  isKind,
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_EXCLUSIVE,
  OPEN_READ,
  OPEN_TRUNCATE,
  OPEN_WRITE,
  partsOf,
  type Request,
  UNSUPPORTED,
} from '../../kernel/driver/contract.js'
import { EFAULT, EINVAL, EIO } from '../posix/errno.js'
import type { Outcome, Work } from './off-loop.js'

type Stats = import('node:fs').Stats

/** Looks a name up on this thread, where there is a way. */
export type LookUp = (host: string, port: number) => Outcome

/** So many bytes at a time. */
export const MOST_BYTES = 1024 * 1024

const fs = (): typeof import('node:fs') => process.getBuiltinModule('node:fs')

/** The errno of an error of Node's. What has none was refused before it was asked. */
const errnoOf = (error: unknown): number => (error as { errno?: number }).errno ?? EINVAL

/** What a request wants done. `lookUp`: for when the thread is taken anyhow. */
export function workOf(request: Request, lookUp: LookUp | null): Work {
  if (isKind(request, 'open')) return openWork(request.input)
  if (isKind(request, 'stat')) return statWork(request.input)
  if (isKind(request, 'sync')) return syncWork(request.input.fd)
  if (isKind(request, 'lookup')) return lookupWork(request.input, lookUp)
  return { begin: (done) => done([UNSUPPORTED, null]), now: () => [UNSUPPORTED, null] }
}

/**
 * As the host's own open takes them. It never waits for a peer: whoever asks for that sees to it.
 */
function hostFlags(flags: number): number {
  const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK = 0, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs().constants
  const has = (flag: number): boolean => (flags & flag) !== 0
  const writes = has(OPEN_WRITE) || has(OPEN_APPEND)
  let host = O_NONBLOCK | (writes ? (has(OPEN_READ) ? O_RDWR : O_WRONLY) : O_RDONLY)
  if (has(OPEN_APPEND)) host |= O_APPEND
  if (has(OPEN_CREATE)) host |= O_CREAT
  if (has(OPEN_TRUNCATE)) host |= O_TRUNC
  if (has(OPEN_EXCLUSIVE)) host |= O_EXCL
  return host
}

function openWork({ path, flags, mode }: { path: string; flags: number; mode: number }): Work {
  return {
    begin: (done) =>
      fs().open(
        path,
        hostFlags(flags),
        mode,
        answer(done, (fd) => [fd, fd]),
      ),
    now: () =>
      attempt(
        () => fs().openSync(path, hostFlags(flags), mode),
        (fd) => [fd, fd],
      ),
    discard: ([fd]) => {
      if (fd >= 0) fs().close(fd, () => {})
    },
  }
}

function statWork(input: { readonly path: string } | { readonly fd: number }): Work {
  const found = (stats: Stats): Outcome => [0, statusOf(stats)]
  if ('path' in input) {
    return {
      begin: (done) => fs().stat(input.path, answer(done, found)),
      now: () => attempt(() => fs().statSync(input.path), found),
    }
  }
  return {
    begin: (done) => fs().fstat(input.fd, answer(done, found)),
    now: () => attempt(() => fs().fstatSync(input.fd), found),
  }
}

function syncWork(fd: number): Work {
  return {
    begin: (done) =>
      fs().fsync(
        fd,
        answer(done, () => [0, 0]),
      ),
    now: () =>
      attempt(
        () => fs().fsyncSync(fd),
        () => [0, 0],
      ),
  }
}

function lookupWork({ host, port }: { host: string; port: number }, lookUp: LookUp | null): Work {
  const found = (entries: { address: string; family: number }[]): Outcome => [
    0,
    entries.map(({ address, family }): Address => ({ family: family === 6 ? 'ipv6' : 'ipv4', host: address, port })),
  ]
  return {
    begin: (done) => process.getBuiltinModule('node:dns').lookup(host, { all: true }, answer(done, found)),
    now: () => (lookUp === null ? [UNSUPPORTED, null] : lookUp(host, port)),
  }
}

/**
 * A READ at a position. The bytes come into memory of ours first: the task may be gone when they
 * are there.
 */
export function readWork({ fd, length }: IoOp, position: number): Work {
  const bytes = new Uint8Array(Math.min(length, MOST_BYTES))
  return {
    begin: (done) =>
      fs().read(
        fd,
        bytes,
        0,
        bytes.length,
        position,
        answer(done, (count) => [count, bytes]),
      ),
    now: () =>
      attempt(
        () => fs().readSync(fd, bytes, 0, bytes.length, position),
        (count) => [count, bytes],
      ),
  }
}

/** Gives what was read to its op; the result. */
export function deliverRead(op: IoOp, [result, output]: Outcome): number {
  if (result <= 0) return result
  const bytes = (output as Uint8Array).subarray(0, result)
  if (op.lend) {
    op.buffer = bytes
    return result
  }
  if (!isIntact(op)) return EFAULT
  let at = 0
  for (const part of partsOf(op, op.offset, op.offset + result)) {
    part.set(bytes.subarray(at, at + part.length))
    at += part.length
  }
  return result
}

/**
 * A WRITE at a position, of a copy.
 *
 * @param position negative: at the end.
 * @param fd a descriptor of its own, to be closed afterwards: the op's may be another file's by
 * then.
 */
export function writeWork(op: IoOp, position: number, fd: number, close: (fd: number) => void): Work {
  const { all, offset } = op
  const at = (from: number): number | null => (position < 0 ? null : position + from)
  const whole = Math.min(op.length, all ? op.length : MOST_BYTES)
  const bytes = new Uint8Array(whole)
  let to = 0
  for (const part of partsOf(op, offset, offset + whole)) {
    bytes.set(part, to)
    to += part.length
  }
  /** It may be under way on two threads. */
  let users = 0
  const over = (result: number, written: number): Outcome => {
    if (--users === 0) close(fd)
    return [result, written]
  }
  return {
    once: position < 0,
    abandon: () => close(fd),
    begin(done) {
      users++
      const go = (from: number): void => {
        fs().write(fd, bytes, from, bytes.length - from, at(from), (error, count) => {
          if (error !== null) done(over(errnoOf(error), from))
          else if (count === 0) done(over(EIO, from))
          else if (!all || from + count === bytes.length) done(over(from + count, from + count))
          else go(from + count)
        })
      }
      go(0)
    },
    now() {
      users++
      let from = 0
      try {
        do {
          const count = fs().writeSync(fd, bytes, from, bytes.length - from, at(from))
          if (count === 0) return over(EIO, from)
          from += count
        } while (all && from < bytes.length)
        return over(from, from)
      } catch (error) {
        return over(errnoOf(error), from)
      }
    },
  }
}

/** A call-back of Node's that ends a piece of work. */
function answer<V>(done: (outcome: Outcome) => void, outcome: (value: V) => Outcome) {
  return (error: Error | null | undefined, value?: V): void =>
    done(error === null || error === undefined ? outcome(value as V) : [errnoOf(error), null])
}

function attempt<V>(call: () => V, outcome: (value: V) => Outcome): Outcome {
  try {
    return outcome(call())
  } catch (error) {
    return [errnoOf(error), null]
  }
}

function statusOf(stats: Stats): FileStatus {
  return {
    kind: kindOf(stats),
    mode: stats.mode & 0o7777,
    bytes: stats.size,
    inode: stats.ino,
    links: stats.nlink,
    user: stats.uid,
    group: stats.gid,
    accessedMs: stats.atimeMs,
    modifiedMs: stats.mtimeMs,
    changedMs: stats.ctimeMs,
  }
}

function kindOf(stats: Stats): FileStatus['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'link'
  if (stats.isSocket()) return 'socket'
  return stats.isFIFO() ? 'pipe' : 'device'
}
