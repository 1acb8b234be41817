/**
 * Where a task is: the raw traps with which resources and signals find their place in the tree.
 * None of them waits.
 */
import { scopeOf } from '../../kernel/protocol/errors.js'
import type { Nursery, Scope } from '../../kernel/protocol/handles.js'
import { CANCEL, CANCEL_LATER, CURRENT, CURRENT_NURSERY, type Operation, Trap } from '../../kernel/protocol/trap.js'
import { current } from '../raw/call.js'

const INNERMOST = new Trap<Nursery>(CURRENT, null, null, CURRENT_NURSERY)

/** The innermost nursery of the current task, where its `spawn` puts children. */
export function innermostNursery(): Trap<Nursery> {
  return INNERMOST
}

/**
 * A function with which host code cancels a scope; false if it was cancelled already, or is over.
 */
export function canceller(scope: Scope): Trap<(reason: unknown) => boolean> {
  return new Trap(CANCEL, scope, null, CANCEL_LATER)
}

/**
 * Whether a scope around the current task is cancelled, and no shield keeps that out. So it is also
 * where the `Cancelled` was caught, or made another error.
 */
export function* isCalledOff(): Operation<boolean> {
  for (let scope: Scope | null = (yield* current()).scope; scope !== null; scope = scope.parent) {
    if (scope.cancelled) return true
    if (scope.shield) break
  }
  return false
}

/**
 * Whether this error is the `Cancelled` of a scope that the current task is in. A `Cancelled` of
 * another scope, for instance of an earlier cancel, is an error like any other.
 */
export function* isLeaving(error: unknown): Operation<boolean> {
  const cancelled = scopeOf(error)
  if (cancelled === null) return false
  for (let scope: Scope | null = (yield* current()).scope; scope !== null; scope = scope.parent) {
    if (scope === cancelled) return true
  }
  return false
}
