/** What stands behind a result that a limit has caused, on a C library that is made up. */
import test from 'ava'
import { EAGAIN, EMFILE, ENFILE, ENOENT, ENOMEM, numberOf } from '../../../native/posix/errno.js'
import { limitBehind } from '../../../native/posix/limits.js'

const processes = { RLIMIT_AS: 1, RLIMIT_NPROC: 2, RLIMIT_NOFILE: 3 }

/** Gives these limits; −1n is one that cannot be asked for. */
function libcWith(...limits: readonly bigint[]) {
  let at: BigUint64Array = new BigUint64Array(2)
  return {
    processes,
    addressOf: (view: BigUint64Array) => {
      at = view
      return 0
    },
    getrlimit: (which: number) => {
      const limit = limits[which - 1] as bigint
      at[0] = limit
      return limit === -1n ? -22 : 0
    },
  } as unknown as Parameters<typeof limitBehind>[0]
}

test('a limit that was reached is named with its value', (t) => {
  const libc = libcWith(1_000_000n, 63n, 256n)
  t.is(limitBehind(libc, EMFILE, 'open'), ', this process may have 256 (RLIMIT_NOFILE)')
  t.is(limitBehind(libc, ENOMEM, 'socket'), ', this process may have 1000000 (bytes, RLIMIT_AS)')
  t.is(limitBehind(libc, EAGAIN, 'spawn'), ', this user may have 63 (processes and threads, RLIMIT_NPROC)')
  t.regex(limitBehind(libc, EMFILE, 'inotify_init'), /max_user_instances/)
  t.regex(limitBehind(libc, numberOf('ENOSPC'), 'inotify_add_watch'), /max_user_watches/)
  t.is(limitBehind(libc, numberOf('ENOSPC'), 'write'), '')
  t.is(limitBehind(libc, ENFILE, 'open'), ', the system has no more for all processes together')
})

test('where there is no limit, or it is not to be known, nothing is said of one', (t) => {
  const NONE = 2n ** 64n - 1n
  t.is(limitBehind(libcWith(NONE, NONE, NONE), ENOMEM, 'spawn'), '')
  // FreeBSD's largest number is signed.
  t.is(limitBehind(libcWith(1n, 2n ** 63n - 1n, 3n), EAGAIN, 'spawn'), '')
  t.is(limitBehind(libcWith(1n, 2n, -1n), EMFILE, 'open'), '')
  t.is(limitBehind(libcWith(1n, 2n, 3n), ENOENT, 'open'), '')
  t.is(limitBehind(libcWith(1n, 2n, 3n), EAGAIN, 'read'), '')
})
