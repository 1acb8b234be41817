/**
 * What a negative result means, in a name and in words.
 *
 * Names, words and numbers come from the host, which knows its own platform's. The constants are
 * the few that drivers compare with, negated like all results. Where no host has numbers there is
 * no driver either, and they are NaN: equal to nothing.
 */
import { PORTABLE_TEXTS } from '../../kernel/driver/contract.js'

const numbers: Readonly<Record<string, number>> =
  typeof process === 'object' ? (process.getBuiltinModule?.('node:os')?.constants?.errno ?? {}) : {}

const numberOf = (name: string): number => -(numbers[name] ?? Number.NaN)

export const EPERM = numberOf('EPERM')
export const ENOENT = numberOf('ENOENT')
export const EINTR = numberOf('EINTR')
export const EIO = numberOf('EIO')
export const ENXIO = numberOf('ENXIO')
export const EBADF = numberOf('EBADF')
export const EAGAIN = numberOf('EAGAIN')
export const ENOMEM = numberOf('ENOMEM')
export const EFAULT = numberOf('EFAULT')
export const EBUSY = numberOf('EBUSY')
export const EEXIST = numberOf('EEXIST')
export const EINVAL = numberOf('EINVAL')
export const ESPIPE = numberOf('ESPIPE')
export const ENOBUFS = numberOf('ENOBUFS')
export const EISCONN = numberOf('EISCONN')
export const ENOTCONN = numberOf('ENOTCONN')
export const EALREADY = numberOf('EALREADY')
export const EINPROGRESS = numberOf('EINPROGRESS')
export const ECANCELED = numberOf('ECANCELED')

/** Name and words of a negative result: `['ECONNREFUSED', 'connection refused']`. */
export function describeError(result: number): readonly [name: string, text: string] {
  const known = PORTABLE_TEXTS.get(result) ?? process.getBuiltinModule('node:util').getSystemErrorMap().get(result)
  return known ?? ['UNKNOWN', `unknown error ${result}`]
}
