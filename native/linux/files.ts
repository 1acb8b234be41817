/**
 * Files: what opening and asking about them looks like to a ring.
 *
 * Paths go in as bytes with a NUL behind, flags are translated from the portable ones, and the
 * answer to a stat is a struct statx in memory of ours.
 */
import {
  type FileStatus,
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_EXCLUSIVE,
  OPEN_READ,
  OPEN_TRUNCATE,
  OPEN_WRITE,
} from '../../kernel/driver/contract.js'
import { CLOEXEC, O_APPEND, O_NONBLOCK } from './constants.js'

/** The directory that relative paths begin in: the process's. */
export const AT_FDCWD = -100
/** A link is not followed. */
export const AT_SYMLINK_NOFOLLOW = 0x100
/** The name of a directory is removed. */
export const AT_REMOVEDIR = 0x200
/** With an empty path: the fd itself. */
export const AT_EMPTY_PATH = 0x1000
/** Everything that the old stat knew. */
export const STATX_BASIC = 0x7ff
/** The size of struct statx. */
export const STATX_BYTES = 256

const S_IFBLK = 6
const O_WRONLY = 0o1
const O_RDWR = 0o2
const O_CREAT = 0o100
const O_EXCL = 0o200
const O_TRUNC = 0o1000

/** By the upper four bits of a mode. */
const KINDS: Readonly<Record<number, FileStatus['kind']>> = {
  1: 'pipe',
  2: 'device',
  4: 'directory',
  6: 'device',
  8: 'file',
  10: 'link',
  12: 'socket',
}

/** Of a struct statx that says 'device': is it a disk, with positions? */
export function isDisk(memory: Uint8Array): boolean {
  return (memory[29] as number) >> 4 === S_IFBLK
}

/** A path as C wants it; an empty one for the fd itself. */
export function pathBytes(path: string): Uint8Array {
  return new TextEncoder().encode(`${path}\0`)
}

/** The flags of an open as Linux wants them; it never waits (openings.ts). */
export function openFlags(asked: number): number {
  const has = (flag: number): boolean => (asked & flag) !== 0
  const writes = has(OPEN_WRITE) || has(OPEN_APPEND)
  let flags = CLOEXEC | O_NONBLOCK | (writes ? (has(OPEN_READ) ? O_RDWR : O_WRONLY) : 0)
  if (has(OPEN_APPEND)) flags |= O_APPEND
  if (has(OPEN_CREATE)) flags |= O_CREAT
  if (has(OPEN_TRUNCATE)) flags |= O_TRUNC
  if (has(OPEN_EXCLUSIVE)) flags |= O_EXCL
  return flags
}

/** Reads a struct statx. */
export function statusFrom(memory: Uint8Array): FileStatus {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
  const number = (at: number): number => Number(view.getBigUint64(at, true))
  const timeMs = (at: number): number =>
    Number(view.getBigInt64(at, true)) * 1000 + view.getUint32(at + 8, true) / 1_000_000
  const mode = view.getUint16(28, true)
  return {
    kind: KINDS[mode >> 12] ?? 'device',
    mode: mode & 0o7777,
    bytes: number(40),
    inode: number(32),
    links: view.getUint32(16, true),
    user: view.getUint32(20, true),
    group: view.getUint32(24, true),
    accessedMs: timeMs(64),
    modifiedMs: timeMs(112),
    changedMs: timeMs(96),
  }
}
