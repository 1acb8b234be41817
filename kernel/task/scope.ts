/**
 * Cancel scopes: regions of a task that can be cancelled as one.
 *
 * A scope is a link in a chain. A task points at its innermost scope, and each scope at the one
 * around it; the chain of a child goes on in its parent nursery. "Is this task inside that scope?"
 * is a walk up. "Which tasks does this cancel concern?" is a walk down through nurseries
 * (schedule/cancel.ts). No scope lists what is inside it, so entering and leaving one is cheap:
 * this is what `timeout` costs.
 */
import type { Scope } from '../protocol/handles.js'
import { INSPECT } from '../protocol/inspect.js'
import { checkAt, wrong } from '../protocol/operands.js'
import { ADJUST, CANCEL, CANCEL_SCOPE, Trap } from '../protocol/trap.js'
import type { Timed } from '../time/timers.js'
import type { TaskRecord } from './task.js'

/** Not cancelled. */
export const LIVE = 0
/** Cancelled: a `Cancelled` is delivered to each task inside, once, and its cleanup may wait. */
export const CANCELLING = 1
/** Cancelled, and the grace is over: every wait inside throws. */
export const FORCED = 2

/** The record behind a `Scope` (protocol/handles.ts). */
export class ScopeRecord implements Scope, Timed {
  /** The deadline before a cancel, the end of the grace after it. */
  timerIndex = -1
  /** The scope around this one. */
  parent: ScopeRecord | null
  /** The task that opened it; null for the root. */
  readonly task: TaskRecord | null
  status = LIVE
  /** When it was opened: a number of `state.sequence`; 0 for one that is as old as its task. */
  opened = 0
  /** Its task has left it. */
  closed = false
  readonly name: string
  shield: boolean
  readonly grace: number
  deadline: number
  expired = false
  caught = false
  /** Called once when this scope is cancelled, or a cancel of one around it comes in. */
  cancelCallbacks: ((reason: unknown) => void)[] | null = null
  reason: unknown = undefined

  constructor(
    parent: ScopeRecord | null,
    task: TaskRecord | null,
    name: string,
    shield: boolean,
    grace: number,
    deadline: number,
  ) {
    this.parent = parent
    this.task = task
    this.name = name
    this.shield = shield
    this.grace = grace
    this.deadline = deadline
  }

  /** `console.log(scope)` is one line. */
  [INSPECT](): string {
    return `Scope (${this.name}): ${this.condition()}`
  }

  protected condition(): string {
    if (this.closed) return 'closed'
    if (this.cancelled) return 'cancelled'
    return this.deadline === Number.POSITIVE_INFINITY ? 'open' : `open, deadline ${this.deadline}`
  }

  get cancelled(): boolean {
    return this.status !== LIVE
  }

  setDeadline(at: number): Trap<void> {
    return new Trap(ADJUST, this, null, checkAt('set the deadline', 'at', at))
  }

  setShield(on: boolean): Trap<void> {
    if (typeof on !== 'boolean') throw wrong('set the shield', 'on', 'true or false', on, '')
    return new Trap(ADJUST, this, on, 0)
  }

  cancel(reason?: unknown): Trap<boolean> {
    return new Trap(CANCEL, this, reason, CANCEL_SCOPE)
  }
}

/**
 * The cancelled scope that decides for what is inside this one: itself or one around it, up to a
 * shield; FORCED before CANCELLING.
 */
export function strongestCancel(inner: ScopeRecord | null): ScopeRecord | null {
  let found: ScopeRecord | null = null
  for (let scope = inner; scope !== null; scope = scope.shield ? null : scope.parent) {
    if (scope.status > (found === null ? LIVE : found.status)) found = scope
  }
  return found
}
