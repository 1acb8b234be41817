/**
 * The handles: tasks, scopes and nurseries as programs hold them.
 *
 * The records behind them are the kernel's (task/). Programs, and all of traps/, know nothing but
 * these: what may be read, and methods that make a trap or an operation, to be answered inside the
 * kernel. A few members more, hidden from the published types, are for the steps that run inside a
 * trap (scheduler.ts); they are read, never written.
 */
import type { Op, Operation, Trap } from './trap.js'

/** Where a task is in its life. `finishing`: its body is over, its children are not. */
export type TaskState = 'new' | 'ready' | 'running' | 'waiting' | 'finishing' | 'done' | 'failed' | 'cancelled'

/** How a scope behaves. */
export interface ScopeOptions {
  /** Cancel when the kernel's clock reaches this, in milliseconds. */
  readonly deadline?: number | undefined
  /** Cancels from outside do not come in, except through the scope's own cancel. */
  readonly shield?: boolean | undefined
  /**
   * Milliseconds after a cancel in which cleanup can still wait. Default: that of the scope around
   * it; outside of all, the kernel's, 5000.
   */
  readonly grace?: number | undefined
  /** For messages. */
  readonly name?: string | undefined
}

/** How to spawn a task. */
export interface SpawnOptions {
  /** For messages and traces. Default: the name of the function. */
  readonly name?: string
  /** Cancelled instead of awaited when all else in the nursery is done. */
  readonly daemon?: boolean
}

/** How a nursery behaves. */
export interface NurseryOptions extends ScopeOptions {
  /**
   * `'first'` (default): the first failure leaves as it is. `'group'`: always an AggregateError of
   * all failures.
   */
  readonly errors?: 'first' | 'group'
  /**
   * `'cancel'` (default): the first failure cancels the rest. `'collect'`: a child's failure is its
   * own affair. Whoever joins it or gets it from `next` sees it; a failure that nobody looked at is
   * reported as an unhandled rejection.
   */
  readonly onError?: 'cancel' | 'collect'
  /** Keeps children that are over for `next`. */
  readonly completions?: boolean
}

/** One value of one context; a chain of them is never changed, so that tasks can share it. */
export interface ContextEntry {
  readonly key: object
  readonly value: unknown
  readonly outer: ContextEntry | null
}

/** A running operation, as `spawn` returns it. */
export interface Task<out T = unknown> {
  /** Unique within the kernel, counted from 1. */
  readonly id: number
  /** The name given at spawn, or that of the function; for messages and traces. */
  readonly name: string
  /** Cancelled, not awaited, when everything else in its nursery is done. */
  readonly daemon: boolean
  /** Where it is in its life. */
  readonly state: TaskState
  /** The task whose nursery it is in; null for a task that the host spawned. */
  readonly parent: Task | null
  /** Whether it is over. */
  readonly ended: boolean
  /** What it returned; undefined unless its state is `done`. */
  readonly result: T | undefined
  /**
   * What it threw (its `Cancelled` if it was cancelled); undefined unless its state is `failed` or
   * `cancelled`.
   */
  readonly error: unknown

  /**
   * Waits for the end and returns the result. If the task is cancelled while it waits, this one
   * goes on.
   *
   * @throws whatever the task threw, the same object.
   * @throws TaskCancelledError if it was cancelled.
   */
  join(): Trap<T>

  /**
   * Waits for the end, however it came. If the task is cancelled while it waits, this one goes on.
   */
  wait(): Trap<void>

  /**
   * Cancels the task, waits until it is out, cleanup and children included, and returns whether it
   * was still alive. If the task that asks is cancelled while it waits, this one stays cancelled.
   *
   * @param reason What its `Cancelled` says, as `reason`.
   * @param options `wait`: false only asks. Default: true.
   */
  cancel(reason?: unknown, options?: { readonly wait?: boolean }): Operation<boolean>

  /** @internal For messages: `task 3 (worker)`. */
  toString(): string
  /** @internal What it waits in, or was answered by and has not seen. */
  readonly trap: Trap | null
  /** @internal The innermost scope. */
  readonly scope: Scope
  /** @internal The nursery that it is a child of. */
  readonly parentNursery: Nursery
  /** @internal The next younger child of the same nursery. */
  readonly nextSibling: Task | null
  /** @internal Neighbours in the wait queue. */
  next: Task | null
  /** @internal */
  previous: Task | null
  /** @internal Its values of task-local context, innermost first. */
  readonly context: ContextEntry | null
  /** @internal Its body is over: it may wait for its children, and does nothing else any more. */
  readonly idle: boolean
  /** @internal It got a `Cancelled` of a scope that is around the whole task. */
  readonly cancelDelivered: boolean
  /** @internal Whether it got a `Cancelled` of this scope. */
  wasDelivered(scope: Scope): boolean
}

/** A cancel scope, as `scope`, `timeout` and nurseries open it. */
export interface Scope {
  /** What it is called in messages. */
  readonly name: string
  /** Whether cancels from outside are kept out. Changed through `setShield`. */
  readonly shield: boolean
  /** Milliseconds of grace after a cancel. */
  readonly grace: number
  /**
   * When it will be cancelled, on the kernel's clock in milliseconds; Infinity for never. Changed
   * through `setDeadline`.
   */
  readonly deadline: number
  /** Whether the deadline cancelled it. */
  readonly expired: boolean
  /**
   * Whether its own `Cancelled` arrived at its edge, so that what was in it did not come to its
   * end.
   */
  readonly caught: boolean
  /** What was given to `cancel`. */
  readonly reason: unknown
  /** Whether it was cancelled; nothing inside need have noticed yet. */
  readonly cancelled: boolean

  /**
   * Moves the deadline to a time on the kernel's clock, in milliseconds; one that is past cancels
   * at once. Does not wait.
   *
   * @param at Milliseconds on the kernel's clock; Infinity for never.
   */
  setDeadline(at: number): Trap<void>

  /**
   * Sets the shield on or off; once it is off, a cancel that waited outside comes in. Does not
   * wait.
   *
   * @param on Whether cancels from outside are kept out.
   */
  setShield(on: boolean): Trap<void>

  /**
   * Cancels everything inside; returns false if it was cancelled already. Does not wait, and does
   * not throw into the caller: a task that cancels a scope it is in gets the `Cancelled` at its
   * next waiting trap.
   *
   * @param reason What each `Cancelled` says, as `reason`.
   */
  cancel(reason?: unknown): Trap<boolean>

  /** @internal The scope around this one. */
  readonly parent: Scope | null
}

/** A scope that owns tasks; `nursery(body)` makes it and gives it to the body. */
export interface Nursery extends Scope {
  /** How many children are alive. */
  readonly size: number
  /** @internal Whether its body has failed, or a child. */
  readonly failed: boolean
  /** @internal The first failure. */
  readonly failure: unknown
  /** @internal Later failures, in the order in which they happened. */
  readonly later: readonly unknown[] | null

  /**
   * Starts a child of this nursery, from inside or from any task that holds it. Does not wait.
   *
   * @param op What to run: an operation, or a function that returns one, which then gives the task
   * its name.
   * @param options `name`: for messages; `daemon`: it is cancelled when everything else is done.
   * @throws TypeError if `op` is neither an operation nor a function that returns one.
   * @throws ClosedError once the nursery has ended.
   */
  spawn<T>(op: Op<T>, options?: SpawnOptions): Trap<Task<T>>

  /**
   * Starts a child, waits until it says that it is ready, with `yield* started(value)`, and returns
   * that value. Until then it belongs to the caller: its errors come out here, and cancelling the
   * caller, or this nursery, cancels it. From then on it is a child of this nursery, which stays
   * open meanwhile.
   *
   * @param op What to run: an operation, or a function that returns one.
   * @param options `name`: for messages; `daemon`: it is cancelled when everything else is done.
   * @throws what the task throws before it is ready.
   * @throws KernelStateError if it returns before it is ready.
   * @throws ClosedError once the nursery has ended, and if it was cancelled before the task was
   * ready.
   * @throws Cancelled if a scope around the caller is cancelled before the task is ready.
   */
  start<T>(op: Op<unknown>, options?: SpawnOptions): Operation<T>

  /**
   * Waits for the next child to be over and returns it, however it ended; children in the order of
   * their ends, each once. Null when none is left. Only in a nursery with `completions` or
   * `onError: 'collect'`.
   *
   * @throws KernelStateError in another nursery, or in one of another kernel.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  next(): Operation<Task | null>
}
