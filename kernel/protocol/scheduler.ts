/**
 * What runs inside a trap, and what it may ask of the scheduler meanwhile.
 *
 * An ATOMIC trap carries a function, and so do wait queues (`admit`, `undo`). The kernel calls it
 * in the middle of its own work, so nothing comes between its steps, and it never waits. It changes
 * tasks and scopes through the scheduler alone, which it may use during the call.
 */
import type { ContextEntry, Scope, Task } from './handles.js'
import type { Trap } from './trap.js'

/** What a synchronisation object does inside a trap: nothing comes between its steps. */
export type Atomic = (task: Task, trap: Trap<unknown>, resumer: Resumer) => unknown

/**
 * Takes back what a task was given and has not seen, because it was cancelled before it ran. False:
 * that cannot be undone, and the answer stays.
 */
export type Undo = (task: Task, trap: Trap<unknown>, value: unknown, resumer: Resumer) => boolean

/** Lets parked tasks go on, whatever their place in the queue. */
export interface Resumer {
  /**
   * Answers the wait of a parked task. A cancel that comes before it runs may still take that back;
   * see `Undo`.
   *
   * @param task The task.
   * @param value What its wait returns.
   */
  wake(task: Task, value: unknown): void
  /**
   * The same with an error.
   *
   * @param task The task.
   * @param error What its wait throws.
   */
  fail(task: Task, error: unknown): void
}

/** What a task has to give back, because others wait for it. */
export interface Owned {
  /** @internal The next one that the same task owns. */
  nextOwned: Owned | null
  /** @internal The owner's body is over, so it will not give the thing back. */
  ownerEnded(resumer: Resumer): void
}

/**
 * The same and more, for Drupe's own steps. Each method is one change to a record of the kernel.
 */
export interface Scheduler extends Resumer {
  /** A random number in [0, 1); with a seed, always the same ones. */
  readonly draw: () => number
  /** The task has this to give back. If its body ends before, `ownerEnded` is called. */
  own(task: Task, thing: Owned): void
  disown(task: Task, thing: Owned): void
  /**
   * The values of task-local context that the task sees from now on, and that its children begin
   * with.
   */
  setContext(task: Task, context: ContextEntry | null): void
  /** Something observes how the task ends, so that a failure need not be reported. */
  observe(task: Task): void
  /**
   * The task stays on purpose after this scope's cancel was delivered to it: later cancels are
   * delivered again. False: it was the task itself that was cancelled.
   */
  disregard(task: Task, scope: Scope): boolean
  /** Calls back once when a cancel of this scope, or of one around it, comes in. */
  onCancel(scope: Scope, callback: (reason: unknown) => void): void
}
