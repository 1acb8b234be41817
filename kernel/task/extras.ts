/**
 * The extras of a task: what few tasks have.
 *
 * A task that sleeps has no children, no joiners, no context and no cancel behind it, and there may
 * be a million such tasks. So all this is in one object, which a task gets when it first needs a
 * part of it. Most often that is its first joiner, so the object is itself the list of joiners: a
 * spawn with its join makes one object, not two.
 */

import type { ContextEntry } from '../protocol/handles.js'
import type { HostContext } from '../protocol/host-context.js'
import type { Owned, Resumer } from '../protocol/scheduler.js'
import { TaskList } from '../protocol/wait-queue.js'
import type { NurseryRecord } from './nursery.js'
import type { ScopeRecord } from './scope.js'

/** The list of the tasks that join a task, and what else the task has. */
export class Extras extends TaskList {
  /** Its implicit nursery, which is also the scope that `task.cancel()` cancels. */
  implicitNursery: NurseryRecord | null = null
  /**
   * The cancelled scopes whose `Cancelled` was delivered to it, and when: a number of
   * `state.sequence`.
   */
  delivered: Map<ScopeRecord, number> | null = null
  /** Its values of task-local context, innermost first. */
  context: ContextEntry | null = null
  /** The host's context in which it is stepped; null for the program's own. */
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

  /** The body is over: tells all that the task owns. */
  ownerEnded(resumer: Resumer): void {
    for (let thing = this.owned; thing !== null; thing = this.owned) {
      this.disown(thing)
      thing.ownerEnded(resumer)
    }
  }
}
