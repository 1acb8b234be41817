/**
 * What a negative result means, in a name and in words.
 *
 * Names and words come from the host, which knows its own platform's numbers. The constants are the few that drivers
 * compare with, negated like all results; these have the same number on every Linux that Node runs on.
 */
import { PORTABLE_TEXTS } from '../../kernel/driver/contract.js'

export const EPERM = -1
export const ENOENT = -2
export const EINTR = -4
export const EIO = -5
export const ENXIO = -6
export const EBADF = -9
export const EAGAIN = -11
export const ENOMEM = -12
export const EFAULT = -14
export const EBUSY = -16
export const EEXIST = -17
export const EINVAL = -22
export const ENOBUFS = -105
export const EISCONN = -106
export const ENOTCONN = -107
export const EALREADY = -114
export const EINPROGRESS = -115
export const ECANCELED = -125

/** Linux's own, for a system call to be made again; a request that was cancelled in the middle may end with one. */
const ERESTARTSYS = -512
const ERESTART_RESTARTBLOCK = -516

/** Did a signal, or a cancel, end it before it had an effect? */
export function isInterrupted(result: number): boolean {
  return result === EINTR || (result <= ERESTARTSYS && result >= ERESTART_RESTARTBLOCK)
}

/** Name and words of a negative result: `['ECONNREFUSED', 'connection refused']`. */
export function describeError(result: number): readonly [name: string, text: string] {
  const known = PORTABLE_TEXTS.get(result) ?? process.getBuiltinModule('node:util').getSystemErrorMap().get(result)
  return known ?? ['UNKNOWN', `unknown error ${result}`]
}
