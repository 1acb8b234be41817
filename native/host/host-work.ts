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
import { answer, attempt, fs, kindOf } from './calls.js'
import { fileWorkOf } from './file-calls.js'
import type { Outcome, Work } from './off-loop.js'

type Stats = import('node:fs').Stats

/** libuv's number of ENOTFOUND, on every platform. */
const EAI_NONAME = -3008

let hasFds = true

/** The host's descriptors are numbers of its own, as Deno's are: its files are none of ours. */
export function keepsFds(): void {
  hasFds = false
}

/** Are the host's descriptors those of the OS? */
export const hostHasFds = (): boolean => hasFds

/** Looks names up on this thread. */
export interface Resolver {
  lookUp(host: string, port: number): Outcome
  nameOf(host: string): Outcome
}

/**
 * What a request wants done.
 *
 * @param resolver for when the thread is taken anyhow.
 * @param hostFd what the host calls a descriptor of the driver's.
 */
export function workOf(request: Request, resolver: Resolver, hostFd = (fd: number): number => fd): Work {
  if (isKind(request, 'open')) return openWork(request.input)
  if (isKind(request, 'stat')) return statWork('fd' in request.input ? { fd: hostFd(request.input.fd) } : request.input)
  if (isKind(request, 'lstat')) return lstatWork(request.input.path)
  if (isKind(request, 'lookup')) return lookupWork(request.input, resolver)
  if (isKind(request, 'reverse')) return reverseWork(request.input.host, resolver)
  if (isKind(request, 'chown')) return ownerWork(hostFd(request.input.fd), request.input)
  const work = fileWorkOf(request, hostFd)
  if (work !== null) return work
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
  const now = (): Outcome =>
    attempt(
      () => fs().openSync(path, hostFlags(flags), mode),
      (fd) => [fd, fd],
    )
  // Or a file would appear, or lose its content, when whoever wanted that has long gone on.
  if ((flags & (OPEN_CREATE | OPEN_TRUNCATE)) !== 0) return { once: true, now }
  return {
    begin: (done) =>
      fs().open(
        path,
        hostFlags(flags),
        mode,
        answer(done, (fd) => [fd, fd]),
      ),
    now,
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

function lstatWork(path: string): Work {
  const found = (stats: Stats): Outcome => [0, statusOf(stats)]
  return {
    begin: (done) => fs().lstat(path, answer(done, found)),
    now: () => attempt(() => fs().lstatSync(path), found),
  }
}

function ownerWork(fd: number, { user, group }: { user: number; group: number }): Work {
  const now = (): Outcome =>
    attempt(
      () => fs().fchownSync(fd, user, group),
      () => [0, 0],
    )
  // Short, and done for whoever wanted it or not at all.
  return { once: true, now }
}

function lookupWork({ host, port }: { host: string; port: number }, resolver: Resolver): Work {
  const found = (entries: { address: string; family: number }[]): Outcome => [
    0,
    entries.map(({ address, family }): Address => ({ family: family === 6 ? 'ipv6' : 'ipv4', host: address, port })),
  ]
  // Of a name that is too long to be one libuv says EINVAL, and getaddrinfo(3) that there is none.
  const told = ([result, output]: Outcome): Outcome => [result === EINVAL ? EAI_NONAME : result, output]
  return {
    begin: (done) =>
      process.getBuiltinModule('node:dns').lookup(
        host,
        { all: true },
        answer((outcome) => done(told(outcome)), found),
      ),
    now: () => resolver.lookUp(host, port),
  }
}

function reverseWork(host: string, resolver: Resolver): Work {
  const found = (name: string): Outcome => [0, [name]]
  return {
    begin: (done) => process.getBuiltinModule('node:dns').lookupService(host, 0, answer(done, found)),
    now: () => resolver.nameOf(host),
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
