/**
 * Cancel scopes: regions of a task that can be cancelled as one.
 *
 * A scope is a link in a chain. Every task points at its innermost scope; each scope at the one around it; the chain of a
 * child task goes on in the nursery that it lives in. So "is this task inside that scope?" is a walk up, and "whom does this
 * cancel reach?" a walk down through nurseries (schedule/cancel.ts). No scope keeps lists of what is inside it, which makes entering
 * and leaving one cheap: this is what `timeout` costs.
 */
import type { Scope } from '../protocol/handles.js'
import { INSPECT } from '../protocol/inspect.js'
import { checkAt, wrong } from '../protocol/operands.js'
import { ADJUST, CANCEL, CANCEL_SCOPE, Trap } from '../protocol/trap.js'
import type { Timed } from '../time/timers.js'
import type { TaskRecord } from './task.js'

/** Not cancelled. */
export const LIVE = 0
/** Cancelled; tasks inside got a `Cancelled` once and may clean up in peace. */
export const CANCELLING = 1
/** Cancelled, and the grace is over: every waiting trap inside throws. */
export const FORCED = 2

/** The record behind a `Scope` (protocol/handles.ts). */
export class ScopeRecord implements Scope, Timed {
  /** @internal The deadline before a cancel, the end of the grace after it. */
  timerIndex = -1
  /** @internal The scope around this one. */
  parent: ScopeRecord | null
  /** @internal The task that opened it; null for the root. */
  readonly task: TaskRecord | null
  /** @internal */
  status = LIVE
  /** @internal When it was opened, as a count of the loop's; 0 for one that is as old as its task. */
  opened = 0
  /** @internal Its task has left it. */
  closed = false
  readonly name: string
  shield: boolean
  readonly grace: number
  deadline: number
  expired = false
  caught = false
  /** @internal Called once when a cancel of this scope, or of one around it, comes in. */
  hooks: ((reason: unknown) => void)[] | null = null
  reason: unknown = undefined

  /** @internal */
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

  /** @internal */
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

/** The cancelled scope that has the most to say to what is inside this one: itself or one around it, up to a shield. */
export function cancelOver(inner: ScopeRecord | null): ScopeRecord | null {
  let found: ScopeRecord | null = null
  for (let scope = inner; scope !== null; scope = scope.shield ? null : scope.parent) {
    if (scope.status > (found === null ? LIVE : found.status)) found = scope
  }
  return found
}
