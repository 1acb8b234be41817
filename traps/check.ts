/**
 * Operands, checked where they enter: a bad number is an error at the line that wrote it, not a wait without an end.
 */

import type { ScopeOptions } from '../kernel/scope.js'

/** How long a trap may wait. */
export interface WaitOptions {
  /** Milliseconds; fractions count. Default: no limit. */
  readonly timeout?: number | undefined
}

/** A time in milliseconds as the kernel takes it. */
export function checkTimeout(ms: number | undefined): number {
  if (ms === undefined) return Number.POSITIVE_INFINITY
  if (typeof ms !== 'number') throw new TypeError(`Cannot wait for ${String(ms)}: a number of milliseconds is needed`)
  // NaN fails every comparison.
  if (!(ms >= 0)) throw new RangeError(`Cannot wait for ${ms} ms: it must be 0 or more`)
  return ms
}

/** An absolute time on the kernel's clock, in milliseconds; one that is past is no error. */
export function checkTime(at: number): number {
  if (typeof at !== 'number') throw new TypeError(`Cannot wait until ${String(at)}: a number of milliseconds is needed`)
  if (Number.isNaN(at)) throw new RangeError('Cannot wait until NaN: a time on the kernel clock is needed')
  return at
}

/** The times of a scope. */
export function checkScope(options: ScopeOptions | null): void {
  if (options === null) return
  if (options.deadline !== undefined) checkTime(options.deadline)
  if (options.grace !== undefined) checkTimeout(options.grace)
}

/** A file descriptor. */
export function checkFd(action: string, fd: number): number {
  if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff) {
    throw new RangeError(`Cannot ${action} fd ${String(fd)}: a file descriptor is an integer from 0 on`)
  }
  return fd
}

/** Bytes to read into, or to write, in one piece or in several; how many there are. */
export function checkPieces(action: string, bytes: Uint8Array | readonly Uint8Array[]): number {
  if (!Array.isArray(bytes)) return checkBytes(action, bytes as Uint8Array).length
  let length = 0
  for (const piece of bytes as readonly Uint8Array[]) length += checkBytes(action, piece).length
  return length
}

/** Bytes to read into, or to write. */
export function checkBytes(action: string, bytes: Uint8Array): Uint8Array {
  if (!(bytes instanceof Uint8Array)) {
    const hint =
      typeof bytes === 'string' ? 'encode the string first (new TextEncoder().encode(text))' : 'not a Uint8Array'
    throw new TypeError(`Cannot ${action} ${typeof bytes}: ${hint}`)
  }
  return bytes
}
