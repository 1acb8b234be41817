/**
 * Starts: a task that is on its way into a nursery, and lives in one of its starter's until it has said that it is ready.
 *
 * Two cancels concern it: its starter's, which comes down to it as to every child, and that of the nursery which it is for.
 * Where the starter is somewhere else, that one must be carried over; otherwise the nursery would wait, cancelled, for
 * something that nobody has told to leave.
 */
import { ClosedError } from '../protocol/errors.js'
import type { NurseryRecord } from './nursery.js'
import { checkScope } from './owner.js'
import { cancelOver, LIVE } from './scope.js'

/** What is spawned in `nest` is to move into `target`. */
export function startFor(nest: NurseryRecord, target: NurseryRecord): void {
  checkScope(nest.root, 'start a task in', target)
  if (target.closed) throw new ClosedError('start the task', `${target.name} has ended`)
  nest.startingFor = target
  target.starts ??= new Set()
  target.starts.add(nest)
  follow(nest)
}

/**
 * Cancels `nest` if a cancel concerns the nursery that it starts for; true if it is cancelled. A starter that is inside that
 * nursery hears of the cancel itself, or has a shield which keeps it out.
 */
export function follow(nest: NurseryRecord): boolean {
  const over = cancelOver(nest.startingFor)
  if (over !== null && over.status > nest.status && nest.started === null && !isInside(nest, nest.startingFor)) {
    nest.reason = over.reason
    nest.status = over.status
    if (nest.task !== null) nest.task.cancelPending = true
  }
  return nest.status !== LIVE
}

/** Is the starter in the nursery that it starts for? */
function isInside(nest: NurseryRecord, target: NurseryRecord | null): boolean {
  for (let scope = nest.parent; scope !== null; scope = scope.parent) if (scope === target) return true
  return false
}
