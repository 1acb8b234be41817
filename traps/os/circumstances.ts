/**
 * What goes along with a call to a kernel elsewhere, as it is in the task that makes the call: when
 * it will be cancelled at the latest, how long it may clean up then, the values that travel.
 */
import type { Scope } from '../../kernel/protocol/handles.js'
import { atomically } from '../raw/call.js'
import { travellers } from '../scope/context.js'

const NONE: readonly never[] = []

/** A scope that is cancelled already lets the task clean up, without a deadline. */
export const CIRCUMSTANCES = atomically((task) => {
  let deadline = Number.POSITIVE_INFINITY
  for (let scope: Scope | null = task.scope; scope !== null; scope = scope.parent) {
    if (!scope.cancelled) deadline = Math.min(deadline, scope.deadline)
    if (scope.shield) break
  }
  const context = task.context === null ? NONE : travellers(task)
  return { deadline, grace: task.scope.grace, context }
})
