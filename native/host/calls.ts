/**
 * Calls of the host's file system, and what their ends mean to a driver.
 *
 * The host has each call twice: with a call-back, done by a thread of its own, and at once. Either
 * way the end becomes one outcome: a result of 0 or more with what belongs to it, or a negative
 * errno.
 */
import type { FileStatus } from '../../kernel/driver/contract.js'
import { EINVAL } from '../posix/errno.js'
import type { Outcome } from './off-loop.js'

export const fs = (): typeof import('node:fs') => process.getBuiltinModule('node:fs')

/** The errno of an error of Node's. What has none was refused before it was asked. */
export const errnoOf = (error: unknown): number => (error as { errno?: number }).errno ?? EINVAL

/** A call-back of Node's that ends a piece of work. */
export function answer<V>(done: (outcome: Outcome) => void, outcome: (value: V) => Outcome) {
  return (error: Error | null | undefined, value?: V): void =>
    done(error === null || error === undefined ? outcome(value as V) : [errnoOf(error), null])
}

export function attempt<V>(call: () => V, outcome: (value: V) => Outcome): Outcome {
  try {
    return outcome(call())
  } catch (error) {
    return [errnoOf(error), null]
  }
}

/** What a status, or an entry of a directory, says that it is. */
export function kindOf(
  it: Pick<import('node:fs').Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isSocket' | 'isFIFO'>,
): FileStatus['kind'] {
  if (it.isFile()) return 'file'
  if (it.isDirectory()) return 'directory'
  if (it.isSymbolicLink()) return 'link'
  if (it.isSocket()) return 'socket'
  return it.isFIFO() ? 'pipe' : 'device'
}
