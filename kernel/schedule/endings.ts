/**
 * Endings: what happens when a body, a child or a whole nursery is over.
 *
 * There is one rule. A nursery is over when its body and all children are. Its first failure
 * cancels the rest and is what it throws. A `Cancelled` is no failure: it is how a task ends that
 * was asked to leave. The implicit nursery of a task and one opened by `nursery(body)` end through
 * the same functions; they differ only in what goes on afterwards.
 */
import { scopeOf } from '../protocol/errors.js'
import { FINISH_DELIVERED, type Trap } from '../protocol/trap.js'
import { NurseryRecord } from '../task/nursery.js'
import { DONE, FAILED, FINISHING } from '../task/phase.js'
import { LIVE, type ScopeRecord } from '../task/scope.js'
import type { TaskRecord } from '../task/task.js'
import { ownError } from '../watch/traceback.js'
import {
  cancelScope,
  cancelTask,
  deliver,
  deliverable,
  implicitNurseryOf,
  isCancelPending,
  isLeaving,
} from './cancel.js'
import { conclude, reportFailure } from './outcome.js'
import type { KernelState } from './state.js'

/**
 * The error that a nursery's body ended with, in a box because an error can be any value,
 * `undefined` too.
 */
export interface Failure {
  readonly error: unknown
}

/** A task's generator has returned (DONE) or thrown (FAILED). */
export function bodyEnded(state: KernelState, task: TaskRecord, phase: number, value: unknown): void {
  closeLeftOpen(state, task)
  task.extras?.ownerEnded(state)
  const implicit = task.implicitNursery
  if (implicit === null) {
    exit(state, task, phase, value)
    return
  }
  if (phase === FAILED && !isLeaving(task, value) && implicit.fail(value)) cancelScope(state, implicit, value, false)
  if (implicit.size === 0) {
    exit(state, task, phase, value)
    return
  }
  task.phase = FINISHING
  task.value = value
  task.faulted = phase === FAILED
  implicit.finishing = true
  dismissDaemons(state, implicit)
}

/** A task in FINISH asks to leave its nursery; true if it can at once. */
export function finish(state: KernelState, task: TaskRecord, trap: Trap): boolean {
  const nursery = trap.subject as NurseryRecord
  const failure = trap.detail as Failure | null
  if (failure !== null) ownError(failure.error)
  if (failure !== null && !isLeaving(task, failure.error) && nursery.fail(failure.error)) {
    cancelScope(state, nursery, failure.error, false)
  }
  if (nursery.empty) {
    leave(state, task, trap)
    return true
  }
  nursery.finishing = true
  dismissDaemons(state, nursery)
  return false
}

/** Closes a nursery whose children are all out, and sets the answer of its FINISH trap. */
function leave(state: KernelState, task: TaskRecord, trap: Trap): void {
  const nursery = trap.subject as NurseryRecord
  const failure = trap.detail as Failure | null
  closeScope(state, task, nursery)
  if (nursery.failed) state.fault(task, nursery.failure)
  else if (failure === null) task.value = undefined
  else if (scopeOf(failure.error) === nursery) nursery.caught = true
  else state.fault(task, failure.error)
  if (nursery.endedChildren !== null && nursery.collecting) reportUnseen(state, nursery.endedChildren)
  if (nursery.startingFor !== null) startEnded(state, nursery, nursery.startingFor)
}

/** A start is over, with or without a new child: the target may have waited for that only. */
function startEnded(state: KernelState, starterNursery: NurseryRecord, nursery: NurseryRecord): void {
  nursery.starts?.delete(starterNursery)
  if (!nursery.finishing) return
  if (nursery.empty) resumeFinisher(state, nursery, nursery.task as TaskRecord)
  else dismissDaemons(state, nursery)
}

/** Reports failures that a collecting nursery kept and nothing has observed. */
function reportUnseen(state: KernelState, tasks: readonly TaskRecord[]): void {
  for (const task of tasks) if (task.phase === FAILED && !task.observed) reportFailure(state, task.value)
}

/** Closes the innermost scope of a task. */
export function closeScope(state: KernelState, task: TaskRecord, scope: ScopeRecord): void {
  state.timers.remove(scope)
  scope.closed = true
  task.scope = scope.parent as ScopeRecord
  if (task.cancelPending) {
    task.delivered?.delete(scope)
    task.cancelPending = isCancelPending(task)
  }
}

/**
 * Ends a task, children included; and then its parent, if that waited for nothing else, and so on
 * upwards.
 */
function exit(state: KernelState, first: TaskRecord, ended: number, outcome: unknown): void {
  conclude(state, first, ended, outcome)
  let parent = childEnded(state, first)
  while (parent !== null) {
    conclude(state, parent, parent.faulted ? FAILED : DONE, parent.value)
    parent = childEnded(state, parent)
  }
}

/**
 * A child is over: its nursery may fail with it, and may be over, too. Returns the parent if that
 * ends it.
 */
function childEnded(state: KernelState, child: TaskRecord): TaskRecord | null {
  const nursery = child.parentNursery
  nursery.remove(child)
  if (nursery.endedChildren !== null) announce(state, nursery, child)
  if (child.phase === FAILED && nursery !== state.root && !nursery.collecting && nursery.fail(child.value)) {
    cancelScope(state, nursery, child.value, false)
  }
  if (!nursery.finishing) return null
  if (!nursery.empty) {
    dismissDaemons(state, nursery)
    return null
  }
  const parent = nursery.task as TaskRecord
  if (parent.phase === FINISHING) return parent
  resumeFinisher(state, nursery, parent)
  return null
}

/** Wakes tasks that wait for the next child to end. */
function announce(state: KernelState, nursery: NurseryRecord, child: TaskRecord): void {
  if (!child.daemon || child.phase === FAILED) nursery.endedChildren?.push(child)
  if (nursery.nextQueue === null) return
  const last = nursery.size === nursery.daemons
  state.wakeFirst(nursery.nextQueue, last ? Number.POSITIVE_INFINITY : 1, undefined)
}

/**
 * The only child of a `start` has moved to its target: the starter goes on, too, if it waits
 * already.
 */
export function starterEmptied(state: KernelState, starterNursery: NurseryRecord): void {
  if (starterNursery.finishing) resumeFinisher(state, starterNursery, starterNursery.task as TaskRecord)
}

/** The last child of a nursery block is out: the task that waits in FINISH leaves it. */
function resumeFinisher(state: KernelState, nursery: NurseryRecord, task: TaskRecord): void {
  nursery.finishing = false
  const trap = task.trap as Trap
  leave(state, task, trap)
  if (trap.amount === FINISH_DELIVERED && !task.faulted && task.cancelPending) {
    const scope = deliverable(task)
    if (scope !== null) state.fault(task, deliver(state, task, scope))
  }
  state.resume(task, task.value)
}

/** Cancels the daemons once they are all that is left: nothing waits for them. */
function dismissDaemons(state: KernelState, nursery: NurseryRecord): void {
  // A child that is being started is awaited, even one that will be a daemon.
  if (nursery.daemons === 0 || nursery.size > nursery.daemons || nursery.awaited || nursery.startingFor !== null) {
    return
  }
  // Those that were dismissed before are on their way out already; this is called again for each
  // that ends.
  const last = nursery.dismissed
  nursery.dismissed = nursery.youngest
  for (let child = nursery.youngest; child !== null && child !== last; child = child.previousSibling) {
    if (child.implicitNursery === null || child.implicitNursery.status === LIVE)
      cancelTask(state, child, 'all else in its nursery is done')
  }
}

/**
 * Closes the scopes that a body has left open: it was a hand-made iterator, or the task was given
 * up. Their timers go, and children that are still in them become children of the task itself,
 * which waits for them.
 */
function closeLeftOpen(state: KernelState, task: TaskRecord): void {
  while (task.scope !== (task.implicitNursery ?? task.parentNursery)) {
    const scope = task.scope
    if (scope instanceof NurseryRecord) {
      for (let child = scope.oldest; child !== null; child = scope.oldest)
        scope.reparent(child, implicitNurseryOf(state, task))
      if (scope.startingFor !== null) startEnded(state, scope, scope.startingFor)
    }
    closeScope(state, task, scope)
  }
}
