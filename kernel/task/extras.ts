/**
 * What few tasks have.
 *
 * A task that sleeps has no children, no joiners, no context and no cancel behind it, and there may be a million of those. So
 * all this is in one object that a task gets when it first needs one of them. That is most often its first joiner, so
 * the object is itself the list of them: a spawn with its join makes one object, not two.
 */

import type { ContextEntry } from '../protocol/handles.js'
import type { HostContext } from '../protocol/host-context.js'
import type { Owned, Resumer } from '../protocol/scheduler.js'
import { TaskList } from '../protocol/wait-queue.js'
import type { NurseryRecord } from './nursery.js'
import type { ScopeRecord } from './scope.js'

/** The list of those who wait for a task's end, and what else the task has. */
export class Extras extends TaskList {
  /** Its implicit nursery and at the same time the scope that `cancel` cancels. */
  implicitNursery: NurseryRecord | null = null
  /** The cancelled scopes whose `Cancelled` it got, and when (a count of the loop's; see schedule/cancel.ts). */
  delivered: Map<ScopeRecord, number> | null = null
  /** Its values of task-local context, innermost first. */
  context: ContextEntry | null = null
  /** The host's context in which it is stepped; null for that of the program itself. */
  hostContext: HostContext | null = null
  private owned: Owned | null = null

  own(thing: Owned): void {
    thing.nextOwned = this.owned
    this.owned = thing
  }

  disown(thing: Owned): void {
    if (this.owned === thing) {
      this.owned = thing.nextOwned
    } else {
      let before = this.owned
      while (before !== null && before.nextOwned !== thing) before = before.nextOwned
      if (before !== null) before.nextOwned = thing.nextOwned
    }
    thing.nextOwned = null
  }

  /** The body is over: what it owns hears of it. */
  ownerEnded(resumer: Resumer): void {
    for (let thing = this.owned; thing !== null; thing = this.owned) {
      this.disown(thing)
      thing.ownerEnded(resumer)
    }
  }
}
