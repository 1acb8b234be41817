/**
 * The phases of a task's life, in their order, and what its end gives to its joiners.
 */
import { TaskCancelledError } from '../protocol/errors.js'
import type { TaskState } from '../protocol/handles.js'

export const NEW = 0
export const READY = 1
export const RUNNING = 2
export const WAITING = 3
/** The body is over, its children are not. */
export const FINISHING = 4
export const DONE = 5
export const FAILED = 6
export const CANCELLED = 7

/** The phases as programs see them. */
export const STATES: readonly TaskState[] = [
  'new',
  'ready',
  'running',
  'waiting',
  'finishing',
  'done',
  'failed',
  'cancelled',
]

/** An ended task, as far as its outcome goes. */
interface Ended {
  readonly phase: number
  readonly value: unknown
  toString(): string
}

/**
 * What joining an ended task gives; what it throws, if the `result` is wanted and there is none.
 */
export function outcomeOf(task: Ended, result: boolean): unknown {
  if (!result) return undefined
  if (task.phase === FAILED) throw task.value
  if (task.phase === CANCELLED) throw new TaskCancelledError(String(task), { cause: task.value })
  return task.value
}
