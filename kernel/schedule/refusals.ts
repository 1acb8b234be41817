/**
 * What the loop says to tasks that it cannot go on with.
 */

import type { OperationTracker } from '../protocol/debug.js'
import { KernelStateError } from '../protocol/errors.js'
import { adviceFor, ONLY_OPERATIONS } from '../protocol/operation.js'
import { describe } from '../protocol/value.js'
import type { TaskRecord } from '../task/task.js'
import { linesIn, show } from '../watch/traceback.js'

/** After its grace a task may try this many waits, each of which throws; then its generator is dropped as it is. */
const PATIENCE = 1000

/** A task that answers the end of its grace with one wait after the other will never go by itself. */
export function outstays(evictions: ReadonlyMap<TaskRecord, number>, task: TaskRecord): boolean {
  return evictions.size > 0 && (evictions.get(task) ?? 0) >= PATIENCE
}

export function evicted(task: TaskRecord): KernelStateError {
  const why = `it was cancelled, its grace is over, and it has begun ${PATIENCE} waits since`
  return new KernelStateError(`go on with ${String(task)}`, why, { cause: task.value })
}

/** A bare `yield` has no trap on top of its generators; debug mode knows at least where the yielded operation was made. */
export function badYield(task: TaskRecord, value: unknown, watch: OperationTracker | null): TypeError {
  const advice = adviceFor(value) || ONLY_OPERATIONS
  const where = watch === null ? '; debug mode (DRUPE_DEBUG=1) shows the line' : ''
  const error = new TypeError(`Cannot answer ${describe(value)}, yielded by ${String(task)}: ${advice}${where}`)
  show(error, task, linesIn(watch?.origin(value)))
  return error
}
