/**
 * Cancel scopes: regions of a task that can be cancelled as one.
 *
 * A scope is a link in a chain. Every task points at its innermost scope; each scope at the one around it; the chain of a
 * child task goes on in the nursery that it lives in. So "is this task inside that scope?" is a walk up, and "whom does this
 * cancel reach?" a walk down through nurseries (reach.ts). No scope keeps lists of what is inside it, which makes entering
 * and leaving one cheap: this is what `timeout` costs.
 */
import { INSPECT } from '../protocol/inspect.js'
import { checkAt, wrong } from '../protocol/operands.js'
import { ADJUST, CANCEL, Trap } from '../protocol/trap.js'
import type { Timed } from '../time/timers.js'
import type { Task } from './task.js'

/** Not cancelled. */
export const LIVE = 0
/** Cancelled; tasks inside got the knock once and may clean up in peace. */
export const KNOCKED = 1
/** Cancelled, and the grace is over: every waiting trap inside throws. */
export const OVERDUE = 2

/** How a scope behaves. */
export interface ScopeOptions {
  /** Cancel when the kernel's clock reaches this, in milliseconds. */
  readonly deadline?: number | undefined
  /** Cancels from outside do not come in, except through the scope's own cancel. */
  readonly shield?: boolean | undefined
  /** Milliseconds after a cancel in which cleanup can still wait. Default: the kernel's, 5000. */
  readonly grace?: number | undefined
  /** For messages. */
  readonly name?: string | undefined
}

/** A scope as the kernel sees it: what users may only read, it writes. */
export type ScopeRecord = {
  -readonly [Field in 'shield' | 'deadline' | 'expired' | 'caught' | 'reason']: Scope[Field]
}

/** A cancel scope, as `scope`, `timeout` and nurseries open it. */
export class Scope implements Timed {
  /** @internal The deadline before a cancel, the end of the grace after it. */
  timerIndex = -1
  /** @internal The scope around this one. */
  parent: Scope | null
  /** @internal The task that opened it; null for the root. */
  readonly task: Task | null
  /** @internal */
  status = LIVE
  /** @internal When it was opened, as a count of the loop's; 0 for one that is as old as its task. */
  born = 0
  /** @internal Its task has left it. */
  closed = false
  /** What it is called in messages. */
  readonly name: string
  /** Are cancels from outside kept out? Changed through `setShield`. */
  readonly shield: boolean
  /** Milliseconds of grace after a cancel. */
  readonly grace: number
  /** When it will be cancelled, on the kernel's clock in milliseconds; Infinity for never. Changed through `setDeadline`. */
  readonly deadline: number
  /** Was it the deadline that cancelled it? */
  readonly expired: boolean = false
  /** Did its own `Cancelled` arrive at its edge, so that what was in it did not come to its end? */
  readonly caught: boolean = false
  /** @internal Called when a cancel of this scope, or of one around it, comes in. */
  hooks: Set<(reason: unknown) => void> | null = null
  /** What was given to `cancel`. */
  readonly reason: unknown = undefined

  /** @internal */
  constructor(parent: Scope | null, task: Task | null, name: string, shield: boolean, grace: number, deadline: number) {
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

  /** Was it cancelled (whether or not anything inside took notice)? */
  get cancelled(): boolean {
    return this.status !== LIVE
  }

  /** Moves the deadline to a time on the kernel's clock; one that is past cancels at once. Does not wait. */
  setDeadline(at: number): Trap<void> {
    return new Trap(ADJUST, this, null, checkAt('set the deadline', 'at', at))
  }

  /** Raises or takes down the shield; a cancel that waited outside then comes in. Does not wait. */
  setShield(on: boolean): Trap<void> {
    if (typeof on !== 'boolean') throw wrong('set the shield', 'on', 'true or false', on, '')
    return new Trap(ADJUST, this, on, 0)
  }

  /**
   * Cancels everything inside; false if it was cancelled already. Does not wait, and does not throw into the caller: a
   * task that cancels a scope it is in gets the knock at its next waiting trap.
   */
  cancel(reason?: unknown): Trap<boolean> {
    return new Trap(CANCEL, this, reason, 0)
  }
}

/** The cancelled scope that has the most to say to what is inside this one: itself or one around it, up to a shield. */
export function cancelOver(inner: Scope | null): Scope | null {
  let found: Scope | null = null
  for (let scope = inner; scope !== null; scope = scope.shield ? null : scope.parent) {
    if (scope.status > (found === null ? LIVE : found.status)) found = scope
  }
  return found
}
