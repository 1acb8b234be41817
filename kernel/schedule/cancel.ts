/**
 * Cancellation: whom it reaches, and when it is said.
 *
 * First a knock, then the door. A cancelled scope throws `Cancelled` once into every task inside it: at once where the task
 * waits, else at its next waiting trap. Cleanup then waits as usual, undisturbed by further cancels, until the scope's grace
 * is over; from there on every waiting trap inside throws. A shield in between keeps a cancel of an outer scope out. Delivery is always `throw`, never
 * `return`: a return that meets a `finally` which yields is lost at the next `yield*`, and the caller carries on.
 *
 * Walking up answers "is there something to say to this task?" (`knockFor`), walking down "who must hear of it?" (`reach`).
 * Between the two, `task.alert` spares tasks that no cancel concerns the walk.
 */
import { Cancelled, scopeOf } from '../protocol/errors.js'
import { Nursery } from '../task/nursery.js'
import { KNOCKED, LIVE, OVERDUE, type Scope, type ScopeRecord } from '../task/scope.js'
import { follow } from '../task/starting.js'
import { READY, type Task, WAITING } from '../task/task.js'
import { takeBack, withdraw } from './abort.js'
import type { Loop } from './loop.js'
import { cutShort } from './warnings.js'

/** Cancels a scope; false if it was cancelled already, or is over. */
export function cancelScope(loop: Loop, scope: Scope, reason: unknown, expired: boolean): boolean {
  if (scope.status !== LIVE || scope.closed) return false
  const record: ScopeRecord = scope
  record.reason = reason
  record.expired = expired
  loop.timers.remove(scope)
  if (scope.grace <= 0) {
    scope.status = OVERDUE
  } else {
    scope.status = KNOCKED
    if (scope.grace !== Number.POSITIVE_INFINITY) loop.timers.set(scope, loop.driver.now() + scope.grace)
  }
  reach(loop, scope)
  return true
}

/** A scope's timer went off: its deadline, or the end of its grace. */
export function scopeDue(loop: Loop, scope: Scope): void {
  if (scope.status === LIVE) {
    cancelScope(loop, scope, undefined, true)
  } else {
    scope.status = OVERDUE
    reach(loop, scope)
  }
}

/** Cancels one task with all its children; false if it is over. */
export function cancelTask(loop: Loop, task: Task, reason: unknown): boolean {
  if (task.ended) return false
  cancelScope(loop, ownNursery(loop, task), reason, false)
  return true
}

/**
 * The implicit nursery of a task, made when first needed. It slides in beneath the scopes that the task has already opened,
 * so that it encloses them, too.
 */
export function ownNursery(loop: Loop, task: Task): Nursery {
  if (task.own !== null) return task.own
  const own = new Nursery(task.home, task, 'the task', false, loop.grace, Number.POSITIVE_INFINITY, loop.root)
  if (task.scope === task.home) {
    task.scope = own
  } else {
    let scope: Scope = task.scope
    while (scope.parent !== task.home) scope = scope.parent as Scope
    scope.parent = own
  }
  task.belongings.own = own
  return own
}

/** The innermost nursery that a task is in: where its `spawn` puts children. */
export function innermostNursery(loop: Loop, task: Task): Nursery {
  for (let scope: Scope = task.scope; scope !== task.home; scope = scope.parent as Scope) {
    if (scope instanceof Nursery) return scope
  }
  return ownNursery(loop, task)
}

/**
 * The scope that has something to say to this task now; with several the outermost, since the inner ones end with it. Null if
 * there is none.
 *
 * A scope whose grace is over always has. One that is only cancelled has if the task was not told of it yet, and if the
 * task is not cleaning up after an earlier knock: a second cancel must not cut that short, so it waits until the scope of the
 * first is left. What the cleanup itself has opened since (a timeout around its last message, say) is not held back.
 */
export function knockFor(task: Task): Scope | null {
  const since = lastTold(task)
  let found: Scope | null = null
  for (let scope: Scope | null = task.scope; scope !== null; scope = scope.parent) {
    if (scope.status === OVERDUE) found = scope
    else if (scope.status === KNOCKED && (scope.born > since || since < 0) && !task.knocked?.has(scope)) found = scope
    if (scope.shield) break
  }
  return found
}

/** When the task was last told of a scope that it is still in and that it did not disregard; −1 if there is none. */
function lastTold(task: Task): number {
  let last = -1
  if (task.knocked === null) return last
  for (let scope: Scope | null = task.scope; scope !== null; scope = scope.parent) {
    last = Math.max(last, task.knocked.get(scope) ?? -1)
  }
  return last
}

/** Is any scope around this task cancelled, shields aside? */
export function isAlerted(task: Task): boolean {
  for (let scope: Scope | null = task.scope; scope !== null; scope = scope.parent) {
    if (scope.status !== LIVE) return true
  }
  return false
}

/** Is this error a task's answer to a cancel of a scope that it is in? */
export function isLeaving(task: Task, error: unknown): boolean {
  const cancelled = scopeOf(error)
  if (cancelled === null) return false
  for (let scope: Scope | null = task.scope; scope !== null; scope = scope.parent) {
    if (scope === cancelled) return true
  }
  // It was told in there, and moved out with its parent, which was ready.
  return cancelled instanceof Nursery && cancelled.started !== null && task.knocked?.has(cancelled) === true
}

/** The error that tells a task about a scope; from now on it has been told. */
export function knock(loop: Loop, task: Task, scope: Scope): Cancelled {
  const { belongings } = task
  const again = task.knocked?.has(scope) ?? false
  belongings.knocked ??= new Map()
  belongings.knocked.set(scope, ++loop.sequence)
  if (scope.task !== task || scope === task.own) task.told = true
  if (scope.status === OVERDUE) {
    const times = loop.evictions.get(task) ?? 0
    loop.evictions.set(task, times + 1)
    // Without a grace every wait of a cleanup throws, by the rule that was chosen.
    if (loop.watch !== null && again && times === 0 && scope.grace > 0) cutShort(loop, task, scope)
  }
  return new Cancelled(scope, scope.name, scope.reason)
}

/** Tells every task inside a scope that was cancelled, ran out of grace, or lost its shield; the youngest first. */
export function reach(loop: Loop, scope: Scope, reason: unknown = scope.reason): void {
  const tasks: Task[] = []
  runHooks(loop, scope, reason)
  // A child's chain ends in its nursery, which is inside `scope`; the opener's own chain ends at `scope` itself.
  if (scope.task !== null) visit(loop, scope.task, scope, tasks, reason)
  if (scope instanceof Nursery) collect(scope, tasks)
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) visit(loop, task, task.home, tasks, reason)
}

/** Interrupts one task unless a shield between it and `until` protects it, and collects its unprotected children. */
function visit(loop: Loop, task: Task, until: Scope, tasks: Task[], reason: unknown): void {
  let exposed: Scope = task.scope
  for (let scope: Scope = task.scope; scope !== until; scope = scope.parent as Scope) {
    if (scope.shield) exposed = scope.parent as Scope
  }
  for (let scope: Scope = exposed; scope !== until; scope = scope.parent as Scope) {
    runHooks(loop, scope, reason)
    if (scope instanceof Nursery) collect(scope, tasks)
  }
  // Even behind a shield: the task must look again when it leaves the shield.
  task.alert = true
  if (exposed === task.scope) interrupt(loop, task)
}

/** Tells those outside of tasks who follow a scope: abort signals. */
function runHooks(loop: Loop, scope: Scope, reason: unknown): void {
  if (scope.hooks === null) return
  for (const hook of scope.hooks) {
    try {
      hook(reason)
    } catch (error) {
      loop.report(error)
    }
  }
}

/** Its children, and what other tasks are starting for it. */
function collect(nursery: Nursery, tasks: Task[]): void {
  for (let child = nursery.oldest; child !== null; child = child.younger) tasks.push(child)
  if (nursery.starts === null) return
  for (const nest of nursery.starts) if (follow(nest)) collect(nest, tasks)
}

/** A cancel reaches a task: it leaves its wait, or gives back what that brought and it has not seen. */
export function interrupt(loop: Loop, task: Task): void {
  if (task.phase !== WAITING && (task.phase !== READY || task.trap === null)) return
  const scope = knockFor(task)
  if (scope === null) return
  // A wait that cannot be withdrawn resumes the task when its completion comes, and the completion decides.
  if (task.phase === WAITING) {
    if (withdraw(loop, task)) loop.throwInto(task, knock(loop, task, scope))
  } else if (takeBack(loop, task)) {
    loop.fault(task, knock(loop, task, scope))
  }
}
