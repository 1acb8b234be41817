/**
 * What few tasks have.
 *
 * A task that sleeps has no children, no joiners, no context and no cancel behind it, and there may be a million of those. So
 * all this lies in one object that a task gets when it first needs one of them. That is most often its first joiner, so
 * the object is itself the list of them: a spawn with its join makes one object, not two.
 */

import type { HostContext } from '../protocol/host-context.js'
import { type Hands, TaskList } from '../protocol/wait-queue.js'
import type { Nursery } from './nursery.js'
import type { Scope } from './scope.js'

/** One value of one context; a chain of them is never changed, so that tasks can share it. */
export interface ContextEntry {
  readonly key: object
  readonly value: unknown
  readonly outer: ContextEntry | null
}

/** What a task has to give back, and others wait for. */
export interface Kept {
  /** @internal The next one that the same task keeps. */
  nextKept: Kept | null
  /** @internal The task's body is over: it will not give it back. */
  abandoned(hands: Hands): void
}

/** The list of those who wait for a task's end, and what else the task has. */
export class Belongings extends TaskList {
  /** Its implicit nursery and at the same time the scope that `cancel` cancels. */
  own: Nursery | null = null
  /** The cancelled scopes that it has been told of, and when (a count of the loop's; see reach.ts). */
  knocked: Map<Scope, number> | null = null
  /** Its values of task-local context, innermost first. */
  context: ContextEntry | null = null
  /** The host's context in which it is stepped; null for that of the program itself. */
  hostContext: HostContext | null = null
  private kept: Kept | null = null

  keep(thing: Kept): void {
    thing.nextKept = this.kept
    this.kept = thing
  }

  giveBack(thing: Kept): void {
    if (this.kept === thing) {
      this.kept = thing.nextKept
    } else {
      let before = this.kept
      while (before !== null && before.nextKept !== thing) before = before.nextKept
      if (before !== null) before.nextKept = thing.nextKept
    }
    thing.nextKept = null
  }

  /** The body is over: whoever waits for what it keeps hears of it. */
  abandon(hands: Hands): void {
    for (let thing = this.kept; thing !== null; thing = this.kept) {
      this.giveBack(thing)
      thing.abandoned(hands)
    }
  }
}
