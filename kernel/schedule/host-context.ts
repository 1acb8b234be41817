/**
 * The host's ambient context: what Node keeps for AsyncLocalStorage, as the kernel sees it.
 *
 * The host follows its context through its own call-backs; between two steps of a task it loses sight of it. So each
 * task that was started in one carries it, hands it on to its children, and is stepped inside it. What a context is, and
 * how one is made, the host knows (native/host/async-context.ts); here it is something in which a function can be called.
 */

import { UnsupportedError } from '../protocol/errors.js'
import type { Trap } from '../protocol/trap.js'
import type { Belongings } from '../task/extras.js'
import { READY, type Task } from '../task/task.js'
import type { Loop } from './loop.js'

/** A context of the host's, as it was when this was made; Node's AsyncResource is one. */
export interface HostContext {
  runInAsyncScope<A extends unknown[], R>(step: (...operands: A) => R, self: unknown, ...operands: A): R
}

/** What a kernel needs of its host to carry contexts. */
export interface HostContexts {
  /** That of the program itself: the kernel's own work is done in it, not in that of whoever woke the kernel. */
  readonly base: HostContext
  /** The present one. */
  make(): HostContext
  /** The present one, or null if there is nothing in it. */
  capture(): HostContext | null
}

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
