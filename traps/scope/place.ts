/**
 * Where a task is: the raw traps with which resources and signals find their place in the tree. None of them waits.
 */
import type { Nursery } from '../../kernel/nursery.js'
import type { Scope } from '../../kernel/scope.js'
import { CANCEL, CURRENT, Trap } from '../../kernel/trap.js'

const INNERMOST = new Trap<Nursery>(CURRENT, null, null, 1)

/** @internal The innermost nursery of the current task, where its `spawn` puts children. */
export function innermostNursery(): Trap<Nursery> {
  return INNERMOST
}

/** @internal A function with which host code cancels a scope; false if it was cancelled already, or is over. */
export function canceller(scope: Scope): Trap<(reason: unknown) => boolean> {
  return new Trap(CANCEL, scope, null, 2)
}
