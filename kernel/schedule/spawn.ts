/**
 * Spawning: a task is made, inherits from its spawner (contexts, cancels that were delivered), and
 * is ready.
 */
import { ClosedError } from '../protocol/errors.js'
import { nameOf, toOperation } from '../protocol/operation.js'
import type { Op, TaskIterator, Trap } from '../protocol/trap.js'
import type { NurseryRecord, SpawnRequest } from '../task/nursery.js'
import { checkScope } from '../task/owner.js'
import { LIVE } from '../task/scope.js'
import { TaskRecord } from '../task/task.js'
import { implicitNurseryOf, innermostNursery } from './cancel.js'
import { inherit } from './host-context.js'
import type { KernelState } from './state.js'

/** SPAWN: a child of the innermost nursery, or of the one that the request names. */
export function spawn(state: KernelState, task: TaskRecord, trap: Trap): TaskRecord {
  const request = trap.detail as SpawnRequest | null
  const op = trap.subject as Op<unknown>
  if (request === null) return start(state, innermostNursery(state, task), op, op, false)
  const nursery = request.nursery ?? innermostNursery(state, task)
  checkScope(state.root, 'spawn into', nursery)
  if (nursery.closed) throw new ClosedError(`spawn ${request.name ?? nameOf(op)} from ${String(task)}`, ended(nursery))
  return start(state, nursery, op, request.name ?? op, request.daemon ?? false)
}

function ended({ name, task }: NurseryRecord): string {
  return task?.ended ? `${String(task)} has ended` : `${name} of ${String(task)} has ended`
}

/** Makes a task and puts it into the ready queue. */
export function start(
  state: KernelState,
  nursery: NurseryRecord,
  op: Op<unknown>,
  label: string | Op<unknown>,
  daemon: boolean,
): TaskRecord {
  const task = new TaskRecord(
    ++state.lastId,
    label,
    toOperation(op)[Symbol.iterator]() as TaskIterator,
    nursery,
    daemon,
  )
  task.cancelPending = nursery.status !== LIVE || (nursery.task?.cancelPending ?? false)
  const spawner = state.current
  if (spawner !== null && spawner.extras !== null) inherit(task, spawner.extras)
  // A task that cleans up after a cancel may spawn helpers; it is not delivered to them again.
  if (task.cancelPending && spawner !== null && spawner.delivered !== null) {
    task.ensuredExtras.delivered = new Map(spawner.delivered)
    implicitNurseryOf(state, task).opened = ++state.sequence
  }
  nursery.add(task)
  state.live++
  state.ready.push(task)
  if (state.instruments !== null) state.instruments.spawn(task)
  return task
}
