/**
 * Cancellation: whom it reaches, and when it is said.
 *
 * A cancelled scope throws `Cancelled` once into every task inside it: at once where the task
 * waits, else at its next waiting trap. Cleanup then waits as usual, undisturbed by further cancels, until the scope's grace
 * is over; from there on every waiting trap inside throws. A shield in between keeps a cancel of an outer scope out. Delivery is always `throw`, never
 * `return`: a return that meets a `finally` which yields is lost at the next `yield*`, and the caller carries on.
 *
 * Walking up answers "is there something to say to this task?" (`deliverable`), walking down "who must hear of it?" (`spread`).
 * Between the two, `task.alert` spares tasks that no cancel concerns the walk.
 */
import { Cancelled, scopeOf } from '../protocol/errors.js'
import { NurseryRecord } from '../task/nursery.js'
import { READY, WAITING } from '../task/phase.js'
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
 * The implicit nursery of a task, made when first needed. It slides in beneath the scopes that the task has already opened,
 * so that it encloses them, too.
 */
export function implicitNurseryOf(state: KernelState, task: TaskRecord): NurseryRecord {
  if (task.implicitNursery !== null) return task.implicitNursery
  const own = new NurseryRecord(
    task.parentNursery,
    task,
    'the task',
    false,
    state.grace,
    Number.POSITIVE_INFINITY,
    state.root,
  )
  if (task.scope === task.parentNursery) {
    task.scope = own
  } else {
    let scope: ScopeRecord = task.scope
    while (scope.parent !== task.parentNursery) scope = scope.parent as ScopeRecord
    scope.parent = own
  }
  task.ensuredExtras.implicitNursery = own
  return own
}

/** The innermost nursery that a task is in: where its `spawn` puts children. */
export function innermostNursery(state: KernelState, task: TaskRecord): NurseryRecord {
  for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
    if (scope instanceof NurseryRecord) return scope
  }
  return implicitNurseryOf(state, task)
}

/**
 * The scope that has something to say to this task now; with several the outermost, since the inner ones end with it. Null if
 * there is none.
 *
 * A scope whose grace is over always has. One that is only cancelled has if the task was not told of it yet, and if the
 * task is not cleaning up after an earlier cancel: a second cancel must not cut that short, so it waits until the scope of the
 * first is left. What the cleanup itself has opened since (a timeout around its last message, say) is not held back.
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

/** When the task was last told of a scope that it is still in and that it did not disregard; −1 if there is none. */
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
  // It was told in there, and moved out with its parent, which was ready.
  return cancelled instanceof NurseryRecord && cancelled.started !== null && task.delivered?.has(cancelled) === true
}

/** The error that tells a task about a scope; from now on it has been told. */
export function deliver(state: KernelState, task: TaskRecord, scope: ScopeRecord): Cancelled {
  const { ensuredExtras } = task
  const again = task.delivered?.has(scope) ?? false
  ensuredExtras.delivered ??= new Map()
  ensuredExtras.delivered.set(scope, ++state.sequence)
  if (scope.task !== task || scope === task.implicitNursery) task.cancelDelivered = true
  if (scope.status === FORCED) {
    const times = state.evictions.get(task) ?? 0
    state.evictions.set(task, times + 1)
    // Without a grace every wait of a cleanup throws, by the rule that was chosen.
    if (state.tracker !== null && again && times === 0 && scope.grace > 0) cutShort(state, task, scope)
  }
  return new Cancelled(scope, scope.name, scope.reason)
}

/** Tells every task inside a scope that was cancelled, ran out of grace, or lost its shield; the youngest first. */
export function spread(state: KernelState, scope: ScopeRecord, reason: unknown = scope.reason): void {
  const tasks: TaskRecord[] = []
  runHooks(state, scope, reason)
  // A child's chain ends in its nursery, which is inside `scope`; the opener's own chain ends at `scope` itself.
  if (scope.task !== null) visit(state, scope.task, scope, tasks, reason)
  if (scope instanceof NurseryRecord) collect(scope, tasks)
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop())
    visit(state, task, task.parentNursery, tasks, reason)
}

/** Interrupts one task unless a shield between it and `until` protects it, and collects its unprotected children. */
function visit(state: KernelState, task: TaskRecord, until: ScopeRecord, tasks: TaskRecord[], reason: unknown): void {
  let exposed: ScopeRecord = task.scope
  for (let scope: ScopeRecord = task.scope; scope !== until; scope = scope.parent as ScopeRecord) {
    if (scope.shield) exposed = scope.parent as ScopeRecord
  }
  for (let scope: ScopeRecord = exposed; scope !== until; scope = scope.parent as ScopeRecord) {
    runHooks(state, scope, reason)
    if (scope instanceof NurseryRecord) collect(scope, tasks)
  }
  // Even behind a shield: the task must look again when it leaves the shield.
  task.cancelPending = true
  if (exposed === task.scope) interrupt(state, task)
}

/** Tells those outside of tasks that follow a scope: abort signals. Each once. */
function runHooks(state: KernelState, scope: ScopeRecord, reason: unknown): void {
  const { hooks } = scope
  if (hooks === null) return
  scope.hooks = null
  for (const hook of hooks) {
    try {
      hook(reason)
    } catch (error) {
      state.report(error)
    }
  }
}

/** Its children, and what other tasks are starting for it. */
function collect(nursery: NurseryRecord, tasks: TaskRecord[]): void {
  for (let child = nursery.oldest; child !== null; child = child.nextSibling) tasks.push(child)
  if (nursery.starts === null) return
  for (const nest of nursery.starts) if (follow(nest)) collect(nest, tasks)
}

/** A cancel reaches a task: it leaves its wait, or gives back what that brought and it has not seen. */
export function interrupt(state: KernelState, task: TaskRecord): void {
  if (task.phase !== WAITING && (task.phase !== READY || task.trap === null)) return
  const scope = deliverable(task)
  if (scope === null) return
  // A wait that cannot be withdrawn resumes the task when its completion comes, and the completion decides.
  if (task.phase === WAITING) {
    if (withdraw(state, task)) state.throwInto(task, deliver(state, task, scope))
  } else if (undoAnswer(state, task)) {
    state.fault(task, deliver(state, task, scope))
  }
}

/** A waiting task goes on with this answer, where a cancel has asked for the wait before: it takes that back if it can be. */
export function resumeLate(state: KernelState, task: TaskRecord, value: unknown): void {
  state.resume(task, value)
  interrupt(state, task)
}

/** Before a wait: throws if a cancel has something to say to the task. */
export function checkpoint(state: KernelState, task: TaskRecord): void {
  const scope = deliverable(task)
  if (scope !== null) throw deliver(state, task, scope)
}
