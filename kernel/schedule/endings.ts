/**
 * Endings: what happens when a body, a child or a whole nursery is over.
 *
 * One rule runs through it. A group is over when its body and all children are; its first failure cancels the rest and is
 * what leaves; a `Cancelled` is no failure, it is what a member says that did as it was told. The implicit nursery of a task
 * and one opened by `nursery(body)` end through the same functions and differ only in who hears of it.
 */
import { scopeOf } from '../protocol/errors.js'
import type { Trap } from '../protocol/trap.js'
import type { TaskList } from '../protocol/wait-queue.js'
import { Nursery } from '../task/nursery.js'
import { LIVE, type Scope, type ScopeRecord } from '../task/scope.js'
import { CANCELLED, DONE, FAILED, FINISHING, outcomeOf, type Task } from '../task/task.js'
import { failedIn, nameOrigin, ownError } from '../watch/traceback.js'
import { cancelScope, cancelTask, isAlerted, isLeaving, knock, knockFor, ownNursery } from './cancel.js'
import type { Loop } from './loop.js'
import { swallowed } from './warnings.js'

/** The error that a nursery's body ended with, in a box because an error can be any value, `undefined` too. */
export interface Failure {
  readonly error: unknown
}

/** A task's generator has returned (DONE) or thrown (FAILED). */
export function bodyEnded(loop: Loop, task: Task, phase: number, value: unknown): void {
  closeLeftOpen(loop, task)
  task.estate?.abandon(loop)
  const own = task.own
  if (own === null) {
    exit(loop, task, phase, value)
    return
  }
  if (phase === FAILED && !isLeaving(task, value) && own.fail(value)) cancelScope(loop, own, value, false)
  if (own.size === 0) {
    exit(loop, task, phase, value)
    return
  }
  task.phase = FINISHING
  task.value = value
  task.faulted = phase === FAILED
  own.finishing = true
  dismissDaemons(loop, own)
}

/** A task in FINISH asks to leave its nursery; true if it can at once. */
export function finish(loop: Loop, task: Task, trap: Trap): boolean {
  const nursery = trap.subject as Nursery
  const failure = trap.detail as Failure | null
  if (failure !== null) ownError(failure.error)
  if (failure !== null && !isLeaving(task, failure.error) && nursery.fail(failure.error)) {
    cancelScope(loop, nursery, failure.error, false)
  }
  if (nursery.empty) {
    leave(loop, task, trap)
    return true
  }
  nursery.finishing = true
  dismissDaemons(loop, nursery)
  return false
}

/** Closes a nursery whose children are all out, and sets the answer of its FINISH trap. */
function leave(loop: Loop, task: Task, trap: Trap): void {
  const nursery = trap.subject as Nursery
  const record: ScopeRecord = nursery
  const failure = trap.detail as Failure | null
  closeScope(loop, task, nursery)
  if (nursery.failed) loop.fault(task, nursery.failure)
  else if (failure === null) task.value = undefined
  else if (scopeOf(failure.error) === nursery) record.caught = true
  else loop.fault(task, failure.error)
  if (nursery.over !== null && nursery.collecting) reportUnseen(loop, nursery.over)
  if (nursery.startingFor !== null) startEnded(loop, nursery, nursery.startingFor)
}

/** A start is over, with or without a new child: the nursery that it was for may have waited for that only. */
function startEnded(loop: Loop, nest: Nursery, nursery: Nursery): void {
  nursery.starts?.delete(nest)
  if (!nursery.finishing) return
  if (nursery.empty) resumeFinisher(loop, nursery, nursery.task as Task)
  else dismissDaemons(loop, nursery)
}

/** Failures that a collecting nursery kept for somebody who never asked. */
function reportUnseen(loop: Loop, tasks: readonly Task[]): void {
  for (const task of tasks) if (task.phase === FAILED && !task.seen) reportFailure(loop, task.value)
}

/** Takes the innermost scope off a task. */
export function closeScope(loop: Loop, task: Task, scope: Scope): void {
  loop.timers.remove(scope)
  scope.closed = true
  task.scope = scope.parent as Scope
  if (task.alert) {
    task.knocked?.delete(scope)
    task.alert = isAlerted(task)
  }
}

/** The end of a task, children included; and then of its parent, if that waited for nothing else, and so on upwards. */
function exit(loop: Loop, first: Task, ended: number, outcome: unknown): void {
  settle(loop, first, ended, outcome)
  let parent = childEnded(loop, first)
  while (parent !== null) {
    settle(loop, parent, parent.faulted ? FAILED : DONE, parent.value)
    parent = childEnded(loop, parent)
  }
}

/** Gives a task its final state and tells those who wait for it. */
function settle(loop: Loop, task: Task, ended: number, outcome: unknown): void {
  let phase = ended
  let value = outcome
  const own = task.own
  if (own !== null) {
    own.closed = true
    if (own.failed) {
      phase = FAILED
      value = own.failure
    } else if (phase === DONE && own.finishing && task.alert) {
      // It was told to leave while only its children were still at work: they left, so its result is not whole.
      const scope = knockFor(task)
      if (scope !== null) {
        phase = FAILED
        value = knock(loop, task, scope)
      }
    }
    if (own.timerIndex !== -1) loop.timers.remove(own)
  }
  if (phase === FAILED && isLeaving(task, value)) phase = CANCELLED
  if (loop.watch !== null) {
    const forgotten = loop.watch.ended(task)
    if (forgotten !== undefined && phase === DONE) {
      ownError(forgotten)
      phase = FAILED
      value = forgotten
    }
  }
  if (phase === DONE && task.told) swallowed(loop, task)
  if (loop.evictions.size > 0) loop.evictions.delete(task)
  task.phase = phase
  task.value = value
  task.faulted = false
  task.trap = null
  loop.live--
  if (loop.instruments !== null) loop.instruments.exit(task)
  if (wakeJoiners(loop, task)) task.seen = true
  // A child of the root is nobody's sibling: its failure is the host's affair.
  if (phase !== FAILED) return
  failedIn(task, value)
  if (task.home !== loop.root) return
  if (!task.seen) reportFailure(loop, value)
  else if (loop.watch !== null) nameOrigin(value)
}

/** Nobody has looked at it. */
function reportFailure(loop: Loop, error: unknown): void {
  nameOrigin(error)
  loop.report(error)
}

function wakeJoiners(loop: Loop, task: Task): boolean {
  let heard = false
  const joiners = task.estate
  if (joiners !== null) {
    for (let joiner = joiners.head; joiner !== null; joiner = joiners.head) {
      heard = true
      joiners.remove(joiner)
      const trap = joiner.trap as Trap
      if (joiner.timerIndex !== -1) loop.timers.remove(joiner)
      try {
        loop.resume(joiner, outcomeOf(task, trap.amount === 1))
      } catch (error) {
        loop.throwInto(joiner, error)
      }
    }
  }
  const watcher = loop.watchers.get(task)
  if (watcher === undefined) return heard
  loop.watchers.delete(task)
  watcher()
  return true
}

/** A child is over: its nursery may fail with it, and may be over, too. Returns the parent if that ends it. */
function childEnded(loop: Loop, child: Task): Task | null {
  const nursery = child.home
  nursery.remove(child)
  if (nursery.over !== null) announce(loop, nursery, child)
  if (child.phase === FAILED && nursery !== loop.root && !nursery.collecting && nursery.fail(child.value)) {
    cancelScope(loop, nursery, child.value, false)
  }
  if (!nursery.finishing) return null
  if (!nursery.empty) {
    dismissDaemons(loop, nursery)
    return null
  }
  const parent = nursery.task as Task
  if (parent.phase === FINISHING) return parent
  resumeFinisher(loop, nursery, parent)
  return null
}

/** Tells those who wait for the next task to be over. */
function announce(loop: Loop, nursery: Nursery, child: Task): void {
  if (!child.daemon || child.phase === FAILED) nursery.over?.push(child)
  if (nursery.arrivals === null) return
  const last = nursery.size === nursery.daemons
  wakeFirst(loop, nursery.arrivals, last ? Number.POSITIVE_INFINITY : 1, undefined)
}

/** Wakes those who have waited in a queue for longest; how many. */
export function wakeFirst(loop: Loop, queue: TaskList, count: number, value: unknown): number {
  let woken = 0
  while (woken < count && queue.head !== null) {
    const task = queue.head
    queue.remove(task)
    if (task.timerIndex !== -1) loop.timers.remove(task)
    loop.resume(task, value)
    woken++
  }
  return woken
}

/** The only child of a `start` has moved on: its starter goes on, too, if it waits already. */
export function nestEmptied(loop: Loop, nest: Nursery): void {
  if (nest.finishing) resumeFinisher(loop, nest, nest.task as Task)
}

/** The last child of a nursery block is out: the task that waits in FINISH leaves it. */
function resumeFinisher(loop: Loop, nursery: Nursery, task: Task): void {
  nursery.finishing = false
  const trap = task.trap as Trap
  leave(loop, task, trap)
  // With an amount of 1 the task asks by itself, if that is still of interest to it.
  if (trap.amount === 0 && !task.faulted && task.alert) {
    const scope = knockFor(task)
    if (scope !== null) loop.fault(task, knock(loop, task, scope))
  }
  loop.resume(task, task.value)
}

/** Once only daemons are left, they go: nobody waits for them. */
function dismissDaemons(loop: Loop, nursery: Nursery): void {
  // A child that is being started is awaited whatever it will be afterwards.
  if (nursery.daemons === 0 || nursery.size > nursery.daemons || nursery.awaited || nursery.startingFor !== null) {
    return
  }
  // Those that were dismissed before are on their way out; this is called again for each that ends.
  const last = nursery.dismissed
  nursery.dismissed = nursery.youngest
  for (let child = nursery.youngest; child !== null && child !== last; child = child.older) {
    if (child.own === null || child.own.status === LIVE) cancelTask(loop, child, 'all else in its nursery is done')
  }
}

/**
 * A body that ended without closing its scopes (a hand-made iterator, or a task that was given up) must not leave their
 * timers behind, and children that are still in them become children of the task itself, which waits for those.
 */
function closeLeftOpen(loop: Loop, task: Task): void {
  while (task.scope !== (task.own ?? task.home)) {
    const scope = task.scope
    if (scope instanceof Nursery) {
      for (let child = scope.oldest; child !== null; child = scope.oldest) scope.handOver(child, ownNursery(loop, task))
      if (scope.startingFor !== null) startEnded(loop, scope, scope.startingFor)
    }
    closeScope(loop, task, scope)
  }
}
