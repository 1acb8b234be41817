/**
 * What the conformance checks expect, in words that need no test runner.
 */
import type { DrupeError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'

/** @throws Error if the two are not the same. */
export function same(found: unknown, wanted: unknown, what: string): void {
  if (!Object.is(found, wanted)) throw new Error(`${what}: expected ${String(wanted)}, got ${String(found)}`)
}

/** @throws Error if it is false. */
export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(`it is not so that ${what}`)
}

/** What an operation throws, which must have one of these codes or names. */
export function* failsWith(op: Op<unknown>, what: string, ...kinds: readonly string[]): Operation<Error> {
  let result: unknown
  try {
    result = yield* toOperation(op)
  } catch (error) {
    const { code, name } = error as DrupeError
    if (kinds.includes(code) || kinds.includes(name)) return error as Error
    throw new Error(`${what}: expected ${kinds.join(' or ')}`, { cause: error })
  }
  throw new Error(`${what}: expected ${kinds.join(' or ')}, but it returned ${String(result)}`)
}

/** Is the task still at it? */
export function stillWaits(task: Task, what: string): void {
  if (task.ended) throw new Error(`${what}: it was expected to wait, and is ${task.state}`, { cause: task.error })
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (bytes: Uint8Array | null): string => (bytes === null ? '(end)' : new TextDecoder().decode(bytes))

/** So many bytes, each of which says where it belongs. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 255
  return bytes
}

/** Where two byte strings differ; −1 if they do not. */
export function difference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length)
  return a.findIndex((byte, i) => byte !== b[i])
}
