/**
 * Starts: a task on its way into a nursery. Until it says `started`, it is in a nursery of its
 * starter.
 *
 * Two cancels concern it: that of its starter, which reaches it as it reaches every child, and that
 * of the target nursery. If the starter is not inside the target, that cancel must be copied;
 * otherwise the target, cancelled, would wait for a task that does not know.
 */
import { ClosedError } from '../protocol/errors.js'
import type { NurseryRecord } from './nursery.js'
import { checkScope } from './owner.js'
import { LIVE, strongestCancel } from './scope.js'

/** What is spawned in `starterNursery` will move into `target`. */
export function startFor(starterNursery: NurseryRecord, target: NurseryRecord): void {
  checkScope(starterNursery.root, 'start a task in', target)
  if (target.closed) throw new ClosedError('start the task', `${target.name} has ended`)
  starterNursery.startingFor = target
  target.starts ??= new Set()
  target.starts.add(starterNursery)
  follow(starterNursery)
}

/**
 * Cancels `starterNursery` if a cancel concerns its target; true if it is cancelled. A starter
 * inside the target gets that cancel itself, or has a shield that keeps it out.
 */
export function follow(starterNursery: NurseryRecord): boolean {
  const over = strongestCancel(starterNursery.startingFor)
  if (
    over !== null &&
    over.status > starterNursery.status &&
    starterNursery.started === null &&
    !isInside(starterNursery, starterNursery.startingFor)
  ) {
    starterNursery.reason = over.reason
    starterNursery.status = over.status
    if (starterNursery.task !== null) starterNursery.task.cancelPending = true
  }
  return starterNursery.status !== LIVE
}

/** Is the starter in the nursery that it starts for? */
function isInside(starterNursery: NurseryRecord, target: NurseryRecord | null): boolean {
  for (let scope = starterNursery.parent; scope !== null; scope = scope.parent) if (scope === target) return true
  return false
}
