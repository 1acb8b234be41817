/**
 * What a negative result means, in a name and in words.
 *
 * Names, words and numbers come from the host, which knows its own platform's: the negated errno,
 * or libuv's own numbers where there is none (Windows). The constants are the few that drivers
 * compare with. Where no host has numbers there is
 * no driver either, and they are NaN: equal to nothing.
 */
import { PORTABLE_TEXTS } from '../../kernel/driver/contract.js'

/** By name. libuv's table is right on every platform; what it does not have, the OS has. */
const numbers = new Map<string, number>()
if (typeof process === 'object' && process.getBuiltinModule !== undefined) {
  const errno: Readonly<Record<string, number>> = process.getBuiltinModule('node:os')?.constants?.errno ?? {}
  for (const [name, number] of Object.entries(errno)) numbers.set(name, -number)
  const known = process.getBuiltinModule('node:util')?.getSystemErrorMap?.() ?? []
  for (const [number, [name]] of known) numbers.set(name, number)
}

/** The negative result of this name; NaN where the platform has none. */
export const numberOf = (name: string): number => numbers.get(name) ?? Number.NaN

export const EPERM = numberOf('EPERM')
export const ENOENT = numberOf('ENOENT')
export const EINTR = numberOf('EINTR')
export const EIO = numberOf('EIO')
export const ENXIO = numberOf('ENXIO')
export const EBADF = numberOf('EBADF')
export const EAGAIN = numberOf('EAGAIN')
export const ENFILE = numberOf('ENFILE')
export const EMFILE = numberOf('EMFILE')
export const ENOMEM = numberOf('ENOMEM')
export const EFAULT = numberOf('EFAULT')
export const EBUSY = numberOf('EBUSY')
export const EEXIST = numberOf('EEXIST')
export const EINVAL = numberOf('EINVAL')
export const ESPIPE = numberOf('ESPIPE')
export const EMSGSIZE = numberOf('EMSGSIZE')
export const ENOBUFS = numberOf('ENOBUFS')
export const ENOTSOCK = numberOf('ENOTSOCK')
export const ENOTSUP = numberOf('ENOTSUP')
export const EAFNOSUPPORT = numberOf('EAFNOSUPPORT')
export const EADDRINUSE = numberOf('EADDRINUSE')
export const EISCONN = numberOf('EISCONN')
export const ECONNABORTED = numberOf('ECONNABORTED')
export const ECONNRESET = numberOf('ECONNRESET')
export const ENOTCONN = numberOf('ENOTCONN')
export const EALREADY = numberOf('EALREADY')
export const EINPROGRESS = numberOf('EINPROGRESS')
export const ECANCELED = numberOf('ECANCELED')

/** Of errors that libuv does not have. Others that the OS has are told with their number. */
const TEXTS: Readonly<Record<string, string>> = {
  EBADMSG: 'bad message',
  ECHILD: 'no child processes',
  EDEADLK: 'it would wait for itself',
  EDQUOT: 'disk quota exceeded',
  ENETRESET: 'the network dropped the connection',
  ENOEXEC: 'no program that this system can run',
  ENOLCK: 'no locks available',
  ESTALE: 'stale file handle',
  ETIME: 'timer expired',
}

/** Name and words of a negative result: `['ECONNREFUSED', 'connection refused']`. */
export function describeError(result: number): readonly [name: string, text: string] {
  const known = PORTABLE_TEXTS.get(result) ?? process.getBuiltinModule('node:util').getSystemErrorMap().get(result)
  if (known !== undefined) return known
  for (const [name, number] of numbers) if (number === result) return [name, TEXTS[name] ?? `error ${-result}`]
  return ['UNKNOWN', `unknown error ${result}`]
}
