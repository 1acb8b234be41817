/**
 * A lock on a directory, by flock(2).
 *
 * It needs no file of its own, so none is left behind; the OS takes it back from a process that
 * dies; and whoever can see the directory sees the lock, in another container as well. It keeps
 * nobody out who does not ask for it.
 */
import { EINTR } from './errno.js'
import type { Libc } from './libc.js'

/** LOCK_EX and LOCK_NB; the same on every system. */
const EXCLUSIVE_AT_ONCE = 2 | 4

/** A descriptor of the directory that a path is in, with the lock; or a negative errno. */
export function lockDirectory(libc: Libc, path: string): number {
  const { O_DIRECTORY, O_NONBLOCK, O_RDONLY } = process.getBuiltinModule('node:fs').constants
  const bytes = new TextEncoder().encode(`${directoryOf(path)}\0`)
  const flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | libc.constants.O_CLOEXEC
  let fd: number
  do fd = libc.open(libc.addressOf(bytes), flags, 0)
  while (fd === EINTR)
  if (fd < 0) return fd
  const result = libc.flock(fd, EXCLUSIVE_AT_ONCE)
  if (result >= 0) return fd
  libc.close(fd)
  return result
}

function directoryOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end < 0 ? '.' : path.slice(0, Math.max(end, 1))
}
