/**
 * In words: what a task waits for, and where in its life it is.
 */
import { actionOf, type IoOp } from '../protocol/io-op.js'
import { type Request, requestAction } from '../protocol/request.js'
import { IO, JOIN, PARK, REQUEST, SLEEP, SUSPEND, TRAP_NAMES, type Trap } from '../protocol/trap.js'
import type { WaitQueue } from '../protocol/wait-queue.js'
import type { TaskRecord } from './task.js'

/** A waiting task with what it waits for, for messages. */
export function whereabouts(task: TaskRecord): string {
  return `${String(task)}: ${waitOf(task.trap as Trap)}`
}

/** `waiting, read fd 7`; for a task that does not wait, the state alone. */
export function situation({ state, trap }: TaskRecord): string {
  return trap === null ? state : `${state}, ${waitOf(trap)}`
}

/** What a task does that waits in a trap: `get from the queue jobs`. */
export function waitOf(trap: Trap): string {
  if (trap.code === PARK) return (trap.subject as WaitQueue).name
  if (trap.code === IO) return actionOf(trap as IoOp)
  if (trap.code === REQUEST) return requestAction(trap as Request)
  if (trap.code === JOIN) return `join ${String(trap.subject)}`
  if (trap.code === SUSPEND) return 'suspended until host code calls back'
  if (trap.code === SLEEP && trap.amount === Number.POSITIVE_INFINITY) return 'sleep without end'
  if (trap.code === SLEEP) return `sleep ${trap.amount} ms`
  return TRAP_NAMES[trap.code] as string
}
