/**
 * What the loop says to tasks that it cannot go on with.
 */
import { KernelStateError } from './errors.js'
import type { ForgottenWatch } from './forgotten.js'
import type { Task } from './task.js'
import { linesIn, show } from './traceback.js'
import { adviceFor, describe } from './trap.js'

/** It has tried so many waits since its grace was over. */
export function evicted(task: Task, waits: number): KernelStateError {
  const why = `it was cancelled, its grace is over, and it has begun ${waits} waits since`
  return new KernelStateError(`go on with ${String(task)}`, why, { cause: task.value })
}

/** A bare `yield` has no trap on top of its generators; debug mode knows at least where the yielded operation was made. */
export function badYield(task: Task, value: unknown, watch: ForgottenWatch | null): TypeError {
  const error = new TypeError(`Cannot answer ${describe(value)}, yielded by ${String(task)}: ${adviceFor(value)}`)
  show(error, task, linesIn(watch?.origin(value)))
  return error
}
