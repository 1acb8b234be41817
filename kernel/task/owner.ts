/**
 * Owners: a task, a scope, a nursery belongs to one kernel, and no other may touch it.
 *
 * What a kernel does to a task goes into its own queues, timers and counts, so a task of another
 * kernel would leave both broken. All that takes such a thing, traps and host functions alike, asks
 * here first. Locks, queues and events belong to no kernel: tasks of several may wait in one, and a
 * wake makes a task ready in its own kernel.
 */
import { KernelStateError } from '../protocol/errors.js'
import { wrong } from '../protocol/operands.js'
import { CURRENT, CURRENT_TASK, Trap } from '../protocol/trap.js'
import type { NurseryRecord } from './nursery.js'
import type { ScopeRecord } from './scope.js'
import { TaskRecord } from './task.js'

/** Returns the task that runs, for operations that must know which task has begun them. */
export const CALLER = new Trap<TaskRecord>(CURRENT, null, null, CURRENT_TASK)

/** Checks a task that a kernel, known by its root, is to do something with. */
export function checkTask(root: NurseryRecord, action: string, task: TaskRecord): void {
  if (task?.parentNursery?.root === root) return
  if (!(task instanceof TaskRecord)) throw wrong(action, 'task', 'a Task', task, '')
  throw foreign(`${action} ${String(task)}`)
}

/** Checks a scope or a nursery that a kernel is to do something with. */
export function checkScope(root: NurseryRecord, action: string, scope: ScopeRecord): void {
  const owner = scope.task === null ? scope : scope.task.parentNursery.root
  if (owner !== root) throw foreign(`${action} ${scope.name}`)
}

function foreign(action: string): KernelStateError {
  return new KernelStateError(action, 'it belongs to another kernel')
}
