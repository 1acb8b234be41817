/**
 * When nothing can ever happen again: the error that names the tasks that wait.
 */
import type { IoOp } from '../protocol/io-op.js'
import { deadlock, waiting } from '../schedule/deadlock.js'
import type { TaskRecord } from '../task/task.js'

/**
 * A kernel sleeps on a stage where nothing moves any more. Without a kernel (a driver under test)
 * it returns: to wake up for nothing is allowed.
 * @throws DeadlockError that names its waiting tasks.
 */
export function stuck(ops: readonly IoOp[]): void {
  const task = ops.find(({ owner }) => owner !== null)?.owner as TaskRecord | undefined
  if (task === undefined) return
  throw deadlock(waiting(task.parentNursery.root))
}
