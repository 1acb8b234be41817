/**
 * The answers to the traps about scopes: open, adjust, cancel, and the hand-over of a started task.
 */
import { KernelStateError } from '../protocol/errors.js'
import type { NurseryOptions } from '../protocol/handles.js'
import { CANCEL_LATER, CANCEL_TASK, OPEN_NURSERY, type Trap } from '../protocol/trap.js'
import { NurseryRecord } from '../task/nursery.js'
import { checkScope, checkTask } from '../task/owner.js'
import { cancelOver, LIVE, ScopeRecord } from '../task/scope.js'
import type { TaskRecord } from '../task/task.js'
import { cancelScope, cancelTask, spread } from './cancel.js'
import { starterEmptied } from './endings.js'
import type { KernelState } from './state.js'

/** CANCEL: a scope or a task; or a scope later, and then the answer is a function with which host code cancels it. */
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
  const grace = options?.grace ?? state.grace
  const now = trap.amount === Number.POSITIVE_INFINITY && options?.deadline === undefined ? 0 : state.driver.now()
  const deadline = Math.min(options?.deadline ?? Number.POSITIVE_INFINITY, now + trap.amount)
  const shield = options?.shield ?? false
  let scope: ScopeRecord
  if (trap.detail !== OPEN_NURSERY) {
    scope = new ScopeRecord(task.scope, task, name, shield, grace, deadline)
  } else {
    const nursery = new NurseryRecord(task.scope, task, name, shield, grace, deadline, state.root)
    nursery.collecting = options?.onError === 'collect'
    if (nursery.collecting || options?.completions) nursery.over = []
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
    // Whoever is inside and has not heard of an outer cancel hears of it now.
    const outer = scope.shield ? null : cancelOver(scope.parent)
    if (outer !== null) spread(state, scope, outer.reason)
    return
  }
  scope.deadline = trap.amount
  if (scope.status !== LIVE) return
  if (trap.amount <= state.driver.now()) cancelScope(state, scope, undefined, true)
  else if (trap.amount === Number.POSITIVE_INFINITY) state.timers.remove(scope)
  else state.timers.set(scope, trap.amount)
}

/** STARTED: the task is ready, and moves from the nursery of its starter into the one that it was started for. */
export function started(state: KernelState, task: TaskRecord, value: unknown): void {
  const nest = task.parentNursery
  const target = nest.startingFor
  if (target === null || nest.started !== null)
    throw new KernelStateError('say started', 'nobody waits for it in n.start()')
  if (target.closed) throw new KernelStateError('say started', `${target.name} has ended meanwhile`)
  // Told to leave before it was ready, it is on its way out, and its starter, too.
  if (task.cancelPending && (isToldFrom(task, nest) || areToldFrom(task, nest.parent as ScopeRecord))) return
  nest.started = { value }
  nest.reparent(task, target)
  starterEmptied(state, nest)
}

/** Were children of a task told by the cancel of its starter? It would be ready without them. */
function areToldFrom(task: TaskRecord, from: ScopeRecord): boolean {
  for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
    if (!(scope instanceof NurseryRecord)) continue
    for (let child = scope.oldest; child !== null; child = child.nextSibling) if (isToldFrom(child, from)) return true
  }
  return false
}

/** Was a task told, in its own time, of a cancel of this scope or of one around it? */
function isToldFrom(task: TaskRecord, from: ScopeRecord): boolean {
  const { delivered } = task
  if (delivered === null) return false
  const born = task.implicitNursery?.opened ?? 0
  for (let scope: ScopeRecord | null = from; scope !== null; scope = scope.parent) {
    if ((delivered.get(scope) ?? -1) > born) return true
  }
  return false
}
