/**
 * The answer to ENTER, and what a child inherits: the host's context in which a task is stepped (protocol/host-context.ts).
 */
import { UnsupportedError } from '../protocol/errors.js'
import type { HostContext } from '../protocol/host-context.js'
import type { Trap } from '../protocol/trap.js'
import type { Belongings } from '../task/extras.js'
import { READY, type Task } from '../task/task.js'
import type { Loop } from './loop.js'

/** A child begins with what its spawner has: task-local values, and the host's context. */
export function inherit(task: Task, { context, hostContext }: Belongings): void {
  if (context !== null) task.belongings.context = context
  if (hostContext !== null) task.belongings.hostContext = hostContext
}

/**
 * ENTER: another context of the host's, and back; the answer is the one before. The task goes on in a new step, because
 * a context is entered around a whole step. No cancellation point, since the way back must not fail.
 */
export function enter(loop: Loop, task: Task, trap: Trap): void {
  const { contexts } = loop
  if (contexts === null) throw new UnsupportedError('enter a context of the host', 'this host has none')
  const make = trap.detail as ((capture: () => HostContext) => HostContext) | null
  const next = make === null ? (trap.subject as HostContext | null) : make(contexts.make)
  task.value = task.hostContext
  task.belongings.hostContext = next
  loop.contextual = true
  task.phase = READY
  loop.ready.push(task)
}
