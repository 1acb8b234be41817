/**
 * Work for the host's threads: requests, in the words of Node's file system and resolver. Reads and
 * writes are in byte-work.ts.
 *
 * Each is there twice, with a call-back and at once, because a blocking run has no call-backs.
 * Results are those of drivers: 0 or more, or a negative errno.
 */
import {
  type Address,
  type FileStatus,
  isKind,
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_EXCLUSIVE,
  OPEN_READ,
  OPEN_TRUNCATE,
  OPEN_WRITE,
  type Request,
  UNSUPPORTED,
} from '../../kernel/driver/contract.js'
import { EINVAL } from '../posix/errno.js'
import type { Outcome, Work } from './off-loop.js'

type Stats = import('node:fs').Stats

let hasFds = true

/** The host's descriptors are numbers of its own, as Deno's are: its files are none of ours. */
export function keepsFds(): void {
  hasFds = false
}

/** Are the host's descriptors those of the OS? */
export const hostHasFds = (): boolean => hasFds

/** Looks a name up on this thread, where there is a way. */
export type LookUp = (host: string, port: number) => Outcome

export const fs = (): typeof import('node:fs') => process.getBuiltinModule('node:fs')

/** The errno of an error of Node's. What has none was refused before it was asked. */
export const errnoOf = (error: unknown): number => (error as { errno?: number }).errno ?? EINVAL

/** What a request wants done. `lookUp`: for when the thread is taken anyhow.
 * `hostFd`: what the host calls a descriptor of the driver's. */
export function workOf(request: Request, lookUp: LookUp | null, hostFd = (fd: number): number => fd): Work {
  if (isKind(request, 'open')) return openWork(request.input)
  if (isKind(request, 'stat')) return statWork('fd' in request.input ? { fd: hostFd(request.input.fd) } : request.input)
  if (isKind(request, 'sync')) return syncWork(hostFd(request.input.fd))
  if (isKind(request, 'lookup')) return lookupWork(request.input, lookUp)
  return { begin: (done) => done([UNSUPPORTED, null]), now: () => [UNSUPPORTED, null] }
}

/**
 * As the host's own open takes them. It never waits for a peer: whoever asks for that sees to it.
 */
export function hostFlags(flags: number): number {
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
    // The second of two would find the file that the first has made.
    once: (flags & OPEN_EXCLUSIVE) !== 0,
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

/** A call-back of Node's that ends a piece of work. */
export function answer<V>(done: (outcome: Outcome) => void, outcome: (value: V) => Outcome) {
  return (error: Error | null | undefined, value?: V): void =>
    done(error === null || error === undefined ? outcome(value as V) : [errnoOf(error), null])
}

export function attempt<V>(call: () => V, outcome: (value: V) => Outcome): Outcome {
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
