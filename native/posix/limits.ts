/**
 * Limits of the process, in the words of the errors that they cause.
 *
 * "Too many open files" says neither how many nor who says so. What was reached is known at that
 * moment, so it is asked for then, by a call that needs no descriptor and no memory.
 */
import { EAGAIN, EMFILE, ENFILE, ENOMEM, numberOf } from './errno.js'
import type { Libc } from './libc.js'

/** struct rlimit: what holds now, and how far it can be raised. */
const limit = new BigUint64Array(2)
/** A limit of so much is none; the systems differ in their largest number. */
const NO_LIMIT = 2n ** 62n
const ENOSPC = numberOf('ENOSPC')

type LimitCalls = Pick<Libc, 'getrlimit' | 'addressOf' | 'processes'>

/**
 * What is behind this result, to follow the words for it; empty if nothing is known.
 *
 * @param syscall The call that failed. A start with EAGAIN has met a limit, others are to be made
 * again.
 */
export function limitBehind(libc: LimitCalls, result: number, syscall: string): string {
  const { RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_AS } = libc.processes
  if (result === EMFILE && syscall === 'inotify_init') return OF_INOTIFY.instances
  if (result === ENOSPC && syscall === 'inotify_add_watch') return OF_INOTIFY.watches
  if (result === EMFILE) return said(libc, RLIMIT_NOFILE, 'this process may have', 'RLIMIT_NOFILE')
  if (result === ENFILE) return ', the system has no more for all processes together'
  if (result === ENOMEM) return said(libc, RLIMIT_AS, 'this process may have', 'bytes, RLIMIT_AS')
  if (result !== EAGAIN || !STARTS.has(syscall)) return ''
  return said(libc, RLIMIT_NPROC, 'this user may have', 'processes and threads, RLIMIT_NPROC')
}

/** The first one may be of descriptors as well; that this user has too many is likelier. */
const OF_INOTIFY = {
  instances: ', or this user has too many watchers (fs.inotify.max_user_instances)',
  watches: ': this user watches too many files (fs.inotify.max_user_watches)',
}

/** The calls that start a process or a thread. */
const STARTS = new Set(['spawn', 'start a thread'])

function said(libc: LimitCalls, which: number, who: string, name: string): string {
  if (libc.getrlimit(which, libc.addressOf(limit)) < 0) return ''
  const [now = NO_LIMIT] = limit
  return now >= NO_LIMIT ? '' : `, ${who} ${now} (${name})`
}
