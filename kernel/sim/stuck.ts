/**
 * When nothing can ever happen again: who waits for it.
 */
import { DeadlockError } from '../errors.js'
import type { IoOp } from '../io-op.js'
import { waiting } from '../runners.js'
import type { Task } from '../task.js'

/**
 * A kernel sleeps on a stage where nothing moves any more. Without a kernel (a driver under test) it returns: to wake up
 * for nothing is allowed.
 *
 * @internal
 * @throws DeadlockError that names its waiting tasks.
 */
export function stuck(ops: readonly IoOp[]): number {
  const task = ops.find(({ owner }) => owner !== null)?.owner as Task | undefined
  if (task === undefined) return 0
  throw new DeadlockError(whoWaits(task))
}

/** @internal The waiting tasks of the kernel that a task belongs to. */
export function whoWaits(task: Task): string[] {
  return waiting(task.home.root)
}
