/**
 * The answers to the traps about scopes: open, adjust, cancel, and the hand-over of a started task.
 */
import { KernelStateError } from '../protocol/errors.js'
import type { Trap } from '../protocol/trap.js'
import { Nursery, type NurseryOptions } from '../task/nursery.js'
import { checkScope, checkTask } from '../task/owner.js'
import { cancelOver, LIVE, Scope, type ScopeRecord } from '../task/scope.js'
import type { Task } from '../task/task.js'
import { cancelScope, cancelTask, reach } from './cancel.js'
import { nestEmptied } from './endings.js'
import type { Loop } from './loop.js'

/** CANCEL: a scope (0), a task (1), or (2) a scope later: the answer is a function for host code that cancels it. */
export function cancel(loop: Loop, trap: Trap): boolean | ((reason: unknown) => boolean) {
  if (trap.amount === 1) {
    checkTask(loop.root, 'cancel', trap.subject as Task)
    return cancelTask(loop, trap.subject as Task, trap.detail)
  }
  const scope = trap.subject as Scope
  checkScope(loop.root, 'cancel', scope)
  if (trap.amount === 2) return (reason) => cancelScope(loop, scope, reason, false)
  return cancelScope(loop, scope, trap.detail, false)
}

/** OPEN: a scope, or a nursery, around what the task does next. */
export function open(loop: Loop, task: Task, trap: Trap): Scope {
  const options = trap.subject as NurseryOptions | null
  const name = options?.name ?? (trap.detail === null ? 'a scope' : 'the nursery')
  const grace = options?.grace ?? loop.grace
  const now = trap.amount === Number.POSITIVE_INFINITY && options?.deadline === undefined ? 0 : loop.driver.now()
  const deadline = Math.min(options?.deadline ?? Number.POSITIVE_INFINITY, now + trap.amount)
  const shield = options?.shield ?? false
  let scope: Scope
  if (trap.detail === null) {
    scope = new Scope(task.scope, task, name, shield, grace, deadline)
  } else {
    const nursery = new Nursery(task.scope, task, name, shield, grace, deadline, loop.root)
    nursery.collecting = options?.onError === 'collect'
    if (nursery.collecting || options?.completions) nursery.over = []
    scope = nursery
  }
  scope.born = ++loop.sequence
  task.scope = scope
  if (deadline <= now) cancelScope(loop, scope, undefined, true)
  else if (deadline !== Number.POSITIVE_INFINITY) loop.timers.set(scope, deadline)
  return scope
}

/** ADJUST: the shield (a boolean in `detail`), or the deadline (in `amount`). */
export function adjust(loop: Loop, trap: Trap): void {
  const scope = trap.subject as Scope
  checkScope(loop.root, 'adjust', scope)
  if (scope.closed) return
  const record: ScopeRecord = scope
  if (trap.detail !== null) {
    record.shield = trap.detail as boolean
    // Whoever is inside and has not heard of an outer cancel hears of it now.
    const outer = scope.shield ? null : cancelOver(scope.parent)
    if (outer !== null) reach(loop, scope, outer.reason)
    return
  }
  record.deadline = trap.amount
  if (scope.status !== LIVE) return
  if (trap.amount <= loop.driver.now()) cancelScope(loop, scope, undefined, true)
  else if (trap.amount === Number.POSITIVE_INFINITY) loop.timers.remove(scope)
  else loop.timers.set(scope, trap.amount)
}

/** STARTED: the task is ready, and moves from the nursery of its starter into the one that it was started for. */
export function started(loop: Loop, task: Task, value: unknown): void {
  const nest = task.home
  const target = nest.startingFor
  if (target === null || nest.started !== null)
    throw new KernelStateError('say started', 'nobody waits for it in n.start()')
  if (target.closed) throw new KernelStateError('say started', `${target.name} has ended meanwhile`)
  // Told to leave before it was ready, it is on its way out, and its starter, too.
  if (task.alert && (isToldFrom(task, nest) || areToldFrom(task, nest.parent as Scope))) return
  nest.started = { value }
  nest.handOver(task, target)
  nestEmptied(loop, nest)
}

/** Were children of a task told by the cancel of its starter? It would be ready without them. */
function areToldFrom(task: Task, from: Scope): boolean {
  for (let scope: Scope = task.scope; scope !== task.home; scope = scope.parent as Scope) {
    if (!(scope instanceof Nursery)) continue
    for (let child = scope.oldest; child !== null; child = child.younger) if (isToldFrom(child, from)) return true
  }
  return false
}

/** Was a task told, in its own time, of a cancel of this scope or of one around it? */
function isToldFrom(task: Task, from: Scope): boolean {
  const { knocked } = task
  if (knocked === null) return false
  const born = task.own?.born ?? 0
  for (let scope: Scope | null = from; scope !== null; scope = scope.parent) {
    if ((knocked.get(scope) ?? -1) > born) return true
  }
  return false
}
