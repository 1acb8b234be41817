/**
 * What runs inside a trap, and what it may ask of the scheduler meanwhile.
 *
 * An ATOMIC trap carries a function, and so do wait queues (`admit`, `undo`). The kernel calls it in the middle of its own
 * work, so nothing comes between its steps; it never waits. All that it changes of a task or a scope it changes through the
 * scheduler, which is lent to it for the call.
 */
import type { ContextEntry, Scope, Task } from './handles.js'
import type { Trap } from './trap.js'

/** What a synchronisation object does inside a trap: nothing comes between its steps. */
export type Atomic = (task: Task, trap: Trap<unknown>, resumer: Resumer) => unknown

/**
 * Takes back what a task was given: it is cancelled before it ran, so nobody has seen the answer. False: that cannot be
 * undone, and the answer stays.
 */
export type Undo = (task: Task, trap: Trap<unknown>, value: unknown, resumer: Resumer) => boolean

/** Lets parked tasks go on, whichever place they have in their queue. */
export interface Resumer {
  /** Answers the wait of a parked task. A cancel that comes before it runs may still take that back; see `Undo`. */
  wake(task: Task, value: unknown): void
  /** The same with an error. */
  fail(task: Task, error: unknown): void
}

/** What others wait for and a task has to give back. */
export interface Owned {
  /** @internal The next one that the same task owns. */
  nextOwned: Owned | null
  /** @internal The owner's body is over: it will not give it back. */
  ownerEnded(resumer: Resumer): void
}

/** The same and more, for Drupe's own steps: each is one change to a record that is the kernel's. */
export interface Scheduler extends Resumer {
  /** The task has this to give back, and if its body ends before, the thing hears of it. */
  own(task: Task, thing: Owned): void
  disown(task: Task, thing: Owned): void
  /** The values of task-local context that the task sees from now on, and that its children begin with. */
  setContext(task: Task, context: ContextEntry | null): void
  /** Somebody looks at how the task ends, so that a failure need not be reported. */
  observe(task: Task): void
  /** The task heard of this scope's cancel and stays on purpose: later ones are news to it again. False: the task itself was cancelled. */
  disregard(task: Task, scope: Scope): boolean
  /** Calls back once when a cancel of this scope, or of one around it, comes in. */
  onCancel(scope: Scope, callback: (reason: unknown) => void): void
}
