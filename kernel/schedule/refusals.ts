/**
 * Refusals: the errors of tasks, and of whole runs, that the loop does not go on with.
 */

import type { Driver } from '../driver/contract.js'
import type { OperationTracker } from '../protocol/debug.js'
import { KernelStateError, UnsupportedError } from '../protocol/errors.js'
import { adviceFor, ONLY_OPERATIONS } from '../protocol/operation.js'
import { describe } from '../protocol/value.js'
import type { TaskRecord } from '../task/task.js'
import { linesIn, show } from '../watch/traceback.js'

/**
 * After its grace a task may try this many waits, each of which throws. Then its generator is
 * dropped as it is.
 */
const MOST_FORCED_WAITS = 1000

/** Has a task tried so many waits since its grace was over that it will never end by itself? */
export function isGivenUp(forcedWaits: ReadonlyMap<TaskRecord, number>, task: TaskRecord): boolean {
  return forcedWaits.size > 0 && (forcedWaits.get(task) ?? 0) >= MOST_FORCED_WAITS
}

export function givenUp(task: TaskRecord): KernelStateError {
  const why = `it was cancelled, its grace is over, and it has begun ${MOST_FORCED_WAITS} waits since`
  return new KernelStateError(`go on with ${String(task)}`, why, { cause: task.value })
}

/** The error of a blocking run that has to wait, on a driver that serves guests alone. */
export function notBlocking({ name }: Driver): UnsupportedError {
  return new UnsupportedError('block the thread', `the ${name} driver lives on the event loop; use run()`)
}

/**
 * The error of a bare `yield`. There is no trap on top of the generators to read lines at, but
 * debug mode knows where the yielded operation was made.
 */
export function badYield(task: TaskRecord, value: unknown, tracker: OperationTracker | null): TypeError {
  const advice = adviceFor(value) || ONLY_OPERATIONS
  const where = tracker === null ? '; debug mode (DRUPE_DEBUG=1) shows the line' : ''
  const error = new TypeError(`Cannot answer ${describe(value)}, yielded by ${String(task)}: ${advice}${where}`)
  show(error, task, linesIn(tracker?.madeAt(value)))
  return error
}
