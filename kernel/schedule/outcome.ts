/**
 * The outcome of a task: its final phase, and what is told of it.
 *
 * Its own result is not all that counts. A child's failure is the task's, and so is a cancel that
 * came while only its children were still at work; in debug mode an operation that it made and
 * never ran is one, too. Joiners get the outcome first. A failure of a task of the root that
 * nothing has observed is reported to the host.
 */

import { JOIN_RESULT, type Trap } from '../protocol/trap.js'
import { CANCELLED, DONE, FAILED, outcomeOf } from '../task/phase.js'
import type { TaskRecord } from '../task/task.js'
import { failedIn, nameOrigin, ownError } from '../watch/traceback.js'
import { deliver, deliverable, isLeaving } from './cancel.js'
import type { KernelState } from './state.js'
import { swallowed } from './warnings.js'

/** Gives a task its final phase and the joiners its outcome. */
export function conclude(state: KernelState, task: TaskRecord, ended: number, outcome: unknown): void {
  let phase = ended
  let value = outcome
  const implicit = task.implicitNursery
  if (implicit !== null) {
    implicit.closed = true
    if (implicit.failed) {
      phase = FAILED
      value = implicit.failure
    } else if (phase === DONE && implicit.finishing && task.cancelPending) {
      // The cancel came while only its children were still at work: they left, so its result is not
      // whole.
      const scope = deliverable(task)
      if (scope !== null) {
        phase = FAILED
        value = deliver(state, task, scope)
      }
    }
    if (implicit.timerIndex !== -1) state.timers.remove(implicit)
  }
  if (phase === FAILED && isLeaving(task, value)) phase = CANCELLED
  if (state.tracker !== null) {
    const forgotten = state.tracker.ended(task)
    if (forgotten !== undefined && phase === DONE) {
      ownError(forgotten)
      phase = FAILED
      value = forgotten
    }
  }
  if (phase === DONE && task.cancelDelivered) swallowed(state, task)
  if (state.forcedWaits.size > 0) state.forcedWaits.delete(task)
  task.phase = phase
  task.value = value
  task.faulted = false
  task.trap = null
  state.live--
  if (state.instruments !== null) state.instruments.exit(task)
  if (wakeJoiners(state, task)) task.observed = true
  // A failure goes up to the parent nursery. At the root there is only the host.
  if (phase !== FAILED) return
  failedIn(task, value)
  if (task.parentNursery !== state.root) return
  if (!task.observed) reportFailure(state, value)
  else if (state.tracker !== null) nameOrigin(value)
}

/** Reports a failure that nothing has observed. */
export function reportFailure(state: KernelState, error: unknown): void {
  nameOrigin(error)
  state.report(error)
}

function wakeJoiners(state: KernelState, task: TaskRecord): boolean {
  let observed = false
  const joiners = task.extras
  if (joiners !== null) {
    for (let joiner = joiners.head as TaskRecord | null; joiner !== null; joiner = joiners.head as TaskRecord | null) {
      observed = true
      joiners.remove(joiner)
      const trap = joiner.trap as Trap
      if (joiner.timerIndex !== -1) state.timers.remove(joiner)
      try {
        state.resume(joiner, outcomeOf(task, trap.amount === JOIN_RESULT))
      } catch (error) {
        state.throwInto(joiner, error)
      }
    }
  }
  const callback = state.endCallbacks.get(task)
  if (callback === undefined) return observed
  state.endCallbacks.delete(task)
  callback()
  return true
}
