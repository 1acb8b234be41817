/**
 * Cancellation: which tasks a cancel reaches, and when it is delivered.
 *
 * A cancelled scope throws `Cancelled` once into every task inside it: at once if the task waits,
 * else at its next wait. Cleanup then waits as usual, undisturbed by further cancels, until the
 * scope's grace is over. From then on every wait inside throws. A shield keeps out the cancel of a
 * scope around it. Delivery is always `throw`, never `return`: a return that meets a `finally`
 * which yields is lost at the next `yield*`, and the caller goes on.
 *
 * The walk up from a task finds what there is to deliver (`deliverable`). The walk down from a
 * scope finds the tasks that it concerns (`spread`). `task.cancelPending` spares all other tasks
 * the walk up.
 */
import { Cancelled, scopeOf } from '../protocol/errors.js'
import { NurseryRecord } from '../task/nursery.js'
import { READY, RUNNING, WAITING } from '../task/phase.js'
import { CANCELLING, FORCED, LIVE, type ScopeRecord } from '../task/scope.js'
import { follow } from '../task/starting.js'
import type { TaskRecord } from '../task/task.js'
import { undoAnswer, withdraw } from './abort.js'
import type { KernelState } from './state.js'
import { cutShort } from './warnings.js'

/** Cancels a scope; false if it was cancelled already, or is over. */
export function cancelScope(state: KernelState, scope: ScopeRecord, reason: unknown, expired: boolean): boolean {
  if (scope.status !== LIVE || scope.closed) return false
  scope.reason = reason
  scope.expired = expired
  state.timers.remove(scope)
  if (scope.grace <= 0) {
    scope.status = FORCED
  } else {
    scope.status = CANCELLING
    if (scope.grace !== Number.POSITIVE_INFINITY) state.timers.set(scope, state.driver.now() + scope.grace)
  }
  spread(state, scope)
  // Perhaps no task is ready for it: the driver tells the OS of what was withdrawn at its next
  // poll, and the end of the grace is to be waited for.
  state.changed()
  return true
}

/** A scope's timer went off: its deadline, or the end of its grace. */
export function scopeDue(state: KernelState, scope: ScopeRecord): void {
  if (scope.status === LIVE) {
    cancelScope(state, scope, undefined, true)
  } else {
    scope.status = FORCED
    spread(state, scope)
  }
}

/** Cancels one task with all its children; false if it is over. */
export function cancelTask(state: KernelState, task: TaskRecord, reason: unknown): boolean {
  if (task.ended) return false
  cancelScope(state, implicitNurseryOf(state, task), reason, false)
  return true
}

/**
 * The implicit nursery of a task, made when first needed. It goes around the scopes that the task
 * has already opened.
 */
export function implicitNurseryOf(state: KernelState, task: TaskRecord): NurseryRecord {
  if (task.implicitNursery !== null) return task.implicitNursery
  const implicit = new NurseryRecord(
    task.parentNursery,
    task,
    'the task',
    false,
    task.parentNursery.grace,
    Number.POSITIVE_INFINITY,
    state.root,
  )
  if (task.scope === task.parentNursery) {
    task.scope = implicit
  } else {
    let scope: ScopeRecord = task.scope
    while (scope.parent !== task.parentNursery) scope = scope.parent as ScopeRecord
    scope.parent = implicit
  }
  task.ensuredExtras.implicitNursery = implicit
  return implicit
}

/** The innermost nursery that a task is in: where its `spawn` puts children. */
export function innermostNursery(state: KernelState, task: TaskRecord): NurseryRecord {
  for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
    if (scope instanceof NurseryRecord) return scope
  }
  return implicitNurseryOf(state, task)
}

/**
 * The scope whose `Cancelled` is to be delivered to this task now; of several the outermost, since
 * the inner ones end with it. Null if there is none.
 *
 * A FORCED scope delivers always. A CANCELLING one delivers once, and not while the task cleans up
 * after an earlier delivery: a second cancel must not cut that short, so it waits until the scope
 * of the first is left. Scopes that the cleanup itself has opened since (a timeout around a last
 * message, say) do not wait.
 */
export function deliverable(task: TaskRecord): ScopeRecord | null {
  const since = lastDelivered(task)
  let found: ScopeRecord | null = null
  for (let scope: ScopeRecord | null = task.scope; scope !== null; scope = scope.parent) {
    if (scope.status === FORCED) found = scope
    else if (scope.status === CANCELLING && (scope.opened > since || since < 0) && !task.delivered?.has(scope))
      found = scope
    if (scope.shield) break
  }
  return found
}

/**
 * When a cancel was last delivered to the task of a scope that it is still in and did not
 * disregard; −1 if there is none.
 */
function lastDelivered(task: TaskRecord): number {
  let last = -1
  if (task.delivered === null) return last
  for (let scope: ScopeRecord | null = task.scope; scope !== null; scope = scope.parent) {
    last = Math.max(last, task.delivered.get(scope) ?? -1)
  }
  return last
}

/** Is any scope around this task cancelled, shields aside? */
export function isCancelPending(task: TaskRecord): boolean {
  for (let scope: ScopeRecord | null = task.scope; scope !== null; scope = scope.parent) {
    if (scope.status !== LIVE) return true
  }
  return false
}

/** Is this error a task's answer to a cancel of a scope that it is in? */
export function isLeaving(task: TaskRecord, error: unknown): boolean {
  const cancelled = scopeOf(error)
  if (cancelled === null) return false
  for (let scope: ScopeRecord | null = task.scope; scope !== null; scope = scope.parent) {
    if (scope === cancelled) return true
  }
  // The cancel was delivered in there, and the task moved out with its parent, which had started.
  return cancelled instanceof NurseryRecord && cancelled.started !== null && task.delivered?.has(cancelled) === true
}

/** Makes the error that delivers a scope's cancel to a task, and notes the delivery. */
export function deliver(state: KernelState, task: TaskRecord, scope: ScopeRecord): Cancelled {
  const { ensuredExtras } = task
  const again = task.delivered?.has(scope) ?? false
  ensuredExtras.delivered ??= new Map()
  ensuredExtras.delivered.set(scope, ++state.sequence)
  if (scope.task !== task || scope === task.implicitNursery) task.cancelDelivered = true
  if (scope.status === FORCED) {
    const times = state.forcedWaits.get(task) ?? 0
    state.forcedWaits.set(task, times + 1)
    // Without a grace every wait of a cleanup throws, as was asked for: no warning.
    if (state.tracker !== null && again && times === 0 && scope.grace > 0) cutShort(state, task, scope)
  }
  if (state.instruments !== null) {
    // One that cancels the task again must find no wait, and no answer: both are gone already.
    const { phase } = task
    task.phase = RUNNING
    state.instruments.cancel(task)
    task.phase = phase
  }
  return new Cancelled(scope, scope.name, scope.reason)
}

/**
 * Interrupts every task inside a scope that was cancelled, ran out of grace, or lost its shield;
 * the last spawned first.
 */
export function spread(state: KernelState, scope: ScopeRecord, reason: unknown = scope.reason): void {
  const tasks: TaskRecord[] = []
  runCancelCallbacks(state, scope, reason)
  // A child's chain ends in its nursery, which is inside `scope`; the opener's own chain ends at
  // `scope` itself.
  if (scope.task !== null) visit(state, scope.task, scope, tasks, reason)
  if (scope instanceof NurseryRecord) collect(scope, tasks)
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop())
    visit(state, task, task.parentNursery, tasks, reason)
}

/**
 * Interrupts one task unless a shield between it and `until` protects it. Collects its unprotected
 * children.
 */
function visit(state: KernelState, task: TaskRecord, until: ScopeRecord, tasks: TaskRecord[], reason: unknown): void {
  let exposed: ScopeRecord = task.scope
  for (let scope: ScopeRecord = task.scope; scope !== until; scope = scope.parent as ScopeRecord) {
    if (scope.shield) exposed = scope.parent as ScopeRecord
  }
  for (let scope: ScopeRecord = exposed; scope !== until; scope = scope.parent as ScopeRecord) {
    runCancelCallbacks(state, scope, reason)
    if (scope instanceof NurseryRecord) collect(scope, tasks)
  }
  // Even behind a shield: the task must ask when it leaves the shield.
  task.cancelPending = true
  if (exposed === task.scope) interrupt(state, task)
}

/** Calls back what follows a scope from outside of tasks, such as abort signals. Each once. */
function runCancelCallbacks(state: KernelState, scope: ScopeRecord, reason: unknown): void {
  const { cancelCallbacks } = scope
  if (cancelCallbacks === null) return
  scope.cancelCallbacks = null
  for (const callback of cancelCallbacks) {
    try {
      callback(reason)
    } catch (error) {
      state.report(error)
    }
  }
}

/** Collects its children, and what other tasks are starting for it. */
function collect(nursery: NurseryRecord, tasks: TaskRecord[]): void {
  for (let child = nursery.oldest; child !== null; child = child.nextSibling) tasks.push(child)
  if (nursery.starts === null) return
  for (const starterNursery of nursery.starts) if (follow(starterNursery)) collect(starterNursery, tasks)
}

/**
 * A cancel has reached a task: withdraws its wait, or takes back the answer that it has not seen.
 */
export function interrupt(state: KernelState, task: TaskRecord): void {
  if (task.phase !== WAITING && (task.phase !== READY || task.trap === null)) return
  const scope = deliverable(task)
  if (scope === null) return
  // A wait that cannot be withdrawn resumes the task when its completion comes, and the completion
  // decides.
  if (task.phase === WAITING) {
    if (withdraw(state, task)) state.throwInto(task, deliver(state, task, scope))
  } else if (undoAnswer(state, task)) {
    state.fault(task, deliver(state, task, scope))
  }
}

/** Resumes a task whose wait could not be withdrawn: a cancel takes the answer back if it can. */
export function resumeLate(state: KernelState, task: TaskRecord, value: unknown): void {
  state.resume(task, value)
  interrupt(state, task)
}

/** Before a wait: throws if a cancel is to be delivered to the task. */
export function checkpoint(state: KernelState, task: TaskRecord): void {
  const scope = deliverable(task)
  if (scope !== null) throw deliver(state, task, scope)
}
