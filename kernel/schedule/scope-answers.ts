/**
 * The answers to the traps about scopes: OPEN, ADJUST, CANCEL, and STARTED, which moves a task into
 * another nursery.
 */
import { KernelStateError } from '../protocol/errors.js'
import type { NurseryOptions } from '../protocol/handles.js'
import { CANCEL_LATER, CANCEL_TASK, OPEN_NURSERY, type Trap } from '../protocol/trap.js'
import { NurseryRecord } from '../task/nursery.js'
import { checkScope, checkTask } from '../task/owner.js'
import { LIVE, ScopeRecord, strongestCancel } from '../task/scope.js'
import type { TaskRecord } from '../task/task.js'
import { cancelScope, cancelTask, spread } from './cancel.js'
import { starterEmptied } from './endings.js'
import type { KernelState } from './state.js'

/**
 * CANCEL: a scope or a task; or a scope later, and then the answer is a function with which host
 * code cancels it.
 */
export function cancel(state: KernelState, trap: Trap): boolean | ((reason: unknown) => boolean) {
  if (trap.amount === CANCEL_TASK) {
    checkTask(state.root, 'cancel', trap.subject as TaskRecord)
    return cancelTask(state, trap.subject as TaskRecord, trap.detail)
  }
  const scope = trap.subject as ScopeRecord
  checkScope(state.root, 'cancel', scope)
  if (trap.amount === CANCEL_LATER) return (reason) => cancelScope(state, scope, reason, false)
  return cancelScope(state, scope, trap.detail, false)
}

/** OPEN: a scope, or a nursery, around what the task does next. */
export function open(state: KernelState, task: TaskRecord, trap: Trap): ScopeRecord {
  const options = trap.subject as NurseryOptions | null
  const name = options?.name ?? (trap.detail === OPEN_NURSERY ? 'the nursery' : 'a scope')
  const grace = options?.grace ?? task.scope.grace
  const now = trap.amount === Number.POSITIVE_INFINITY && options?.deadline === undefined ? 0 : state.driver.now()
  const deadline = Math.min(options?.deadline ?? Number.POSITIVE_INFINITY, now + trap.amount)
  const shield = options?.shield ?? false
  let scope: ScopeRecord
  if (trap.detail !== OPEN_NURSERY) {
    scope = new ScopeRecord(task.scope, task, name, shield, grace, deadline)
  } else {
    const nursery = new NurseryRecord(task.scope, task, name, shield, grace, deadline, state.root)
    nursery.collecting = options?.onError === 'collect'
    if (nursery.collecting || options?.completions) nursery.endedChildren = []
    scope = nursery
  }
  scope.opened = ++state.sequence
  task.scope = scope
  if (deadline <= now) cancelScope(state, scope, undefined, true)
  else if (deadline !== Number.POSITIVE_INFINITY) state.timers.set(scope, deadline)
  return scope
}

/** ADJUST: the shield (a boolean in `detail`), or the deadline (in `amount`). */
export function adjust(state: KernelState, trap: Trap): void {
  const scope = trap.subject as ScopeRecord
  checkScope(state.root, 'adjust', scope)
  if (scope.closed) return
  if (trap.detail !== null) {
    scope.shield = trap.detail as boolean
    // A cancel of a scope around it now comes in.
    const outer = scope.shield ? null : strongestCancel(scope.parent)
    if (outer !== null) spread(state, scope, outer.reason)
    return
  }
  scope.deadline = trap.amount
  if (scope.status !== LIVE) return
  if (trap.amount <= state.driver.now()) cancelScope(state, scope, undefined, true)
  else if (trap.amount === Number.POSITIVE_INFINITY) state.timers.remove(scope)
  else state.timers.set(scope, trap.amount)
}

/** STARTED: the task moves from the nursery of its starter into the one that it was started for. */
export function started(state: KernelState, task: TaskRecord, value: unknown): void {
  const starterNursery = task.parentNursery
  const target = starterNursery.startingFor
  if (target === null || starterNursery.started !== null)
    throw new KernelStateError('say started', 'no n.start() waits for it')
  if (target.closed) throw new KernelStateError('say started', `${target.name} has ended meanwhile`)
  // The cancel of its starter was delivered to it before: both are on their way out.
  if (
    task.cancelPending &&
    (isDeliveredTo(task, starterNursery) || isDeliveredToChildren(task, starterNursery.parent as ScopeRecord))
  )
    return
  starterNursery.started = { value }
  starterNursery.reparent(task, target)
  starterEmptied(state, starterNursery)
}

/** Was the starter's cancel delivered to children of the task? It would start without them. */
function isDeliveredToChildren(task: TaskRecord, from: ScopeRecord): boolean {
  for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
    if (!(scope instanceof NurseryRecord)) continue
    for (let child = scope.oldest; child !== null; child = child.nextSibling)
      if (isDeliveredTo(child, from)) return true
  }
  return false
}

/**
 * Was a cancel of this scope, or of one around it, delivered to a task itself, and not inherited?
 */
function isDeliveredTo(task: TaskRecord, from: ScopeRecord): boolean {
  const { delivered } = task
  if (delivered === null) return false
  const opened = task.implicitNursery?.opened ?? 0
  for (let scope: ScopeRecord | null = from; scope !== null; scope = scope.parent) {
    if ((delivered.get(scope) ?? -1) > opened) return true
  }
  return false
}
