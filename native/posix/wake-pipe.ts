/**
 * What is in a wake token on POSIX systems: the writing end of a pipe.
 *
 * Descriptors are the process's, so any of its threads can write to it. What is written means
 * nothing: it makes the other end readable, and the driver there looks.
 */
import type { WakeToken } from '../../kernel/driver/contract.js'
import type { Libc } from './libc.js'

interface PipeToken {
  readonly pipe: number
}

const ONE = new BigUint64Array([1n])

/** The token of a driver that watches the other end of this pipe. */
export function tokenOf(pipe: number): WakeToken {
  return { pipe } satisfies PipeToken as unknown as WakeToken
}

/** Is this such a token? Programs hand them from thread to thread. */
export function isToken(token: unknown): token is WakeToken {
  const pipe = (token as PipeToken | null | undefined)?.pipe
  return Number.isInteger(pipe) && (pipe as number) >= 0
}

/** Wakes the driver that the token is of. */
export function wake(libc: Libc, token: WakeToken): void {
  libc.write((token as unknown as PipeToken).pipe, libc.addressOf(ONE), ONE.byteLength)
}
