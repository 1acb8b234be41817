/**
 * The host's context in which a task is stepped (protocol/host-context.ts): the answer to ENTER,
 * and what a child inherits.
 */
import { UnsupportedError } from '../protocol/errors.js'
import type { HostContext } from '../protocol/host-context.js'
import type { Trap } from '../protocol/trap.js'
import type { Extras } from '../task/extras.js'
import { READY } from '../task/phase.js'
import type { TaskRecord } from '../task/task.js'
import type { KernelState } from './state.js'

/** A child begins with the task-local values and the host's context of its spawner. */
export function inherit(task: TaskRecord, { context, hostContext }: Extras): void {
  if (context !== null) task.ensuredExtras.context = context
  if (hostContext !== null) task.ensuredExtras.hostContext = hostContext
}

/**
 * ENTER: changes the host's context of the task; the answer is the one before. The task goes on in
 * a new step, because a context is entered around a whole step. No point of cancellation, since the
 * change back must not fail.
 */
export function enter(state: KernelState, task: TaskRecord, trap: Trap): void {
  const { contexts } = state
  if (contexts === null) throw new UnsupportedError('enter a context of the host', 'this host has none')
  const make = trap.detail as ((capture: () => HostContext) => HostContext) | null
  const next = make === null ? (trap.subject as HostContext | null) : make(contexts.make)
  task.value = task.hostContext
  task.ensuredExtras.hostContext = next
  state.contextual = true
  task.phase = READY
  state.ready.push(task)
}
