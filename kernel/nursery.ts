/**
 * Nurseries: scopes that own tasks.
 *
 * There is one kind. `nursery(body)` opens one inside a task; every task has one of its own (made when it first spawns),
 * which is why a task is not over before its children are; the kernel's root is one too. What differs is who waits at
 * the end: the task in a FINISH trap, the kernel for a task that has returned, nobody for the root.
 *
 * Bookkeeping only: the loop decides when something happens, this class knows what that means for the group.
 */
import { suppress } from './errors.js'
import { Scope } from './scope.js'
import type { Task } from './task.js'
import { type Op, SPAWN, Trap } from './trap.js'

/** How to spawn a task. */
export interface SpawnOptions {
  /** For messages and traces. Default: the name of the function. */
  readonly name?: string
  /** Cancelled instead of awaited when all else in the nursery is done. */
  readonly daemon?: boolean
}

/** @internal The operands of a SPAWN that names more than the operation. */
export interface SpawnRequest extends SpawnOptions {
  readonly nursery?: Nursery
}

/** A scope that owns tasks; `nursery(body)` makes it and gives it to the body. */
export class Nursery extends Scope {
  /** How many children are alive. */
  size = 0
  /** @internal */
  daemons = 0
  /** @internal The oldest and the youngest child. */
  oldest: Task | null = null
  /** @internal */
  youngest: Task | null = null
  /** @internal The body is over: no more than the children are waited for. */
  finishing = false
  /** @internal */
  failed = false
  /** @internal The first failure. */
  failure: unknown = undefined
  /** @internal The operands of a spawn without options, made once. */
  private readonly request: SpawnRequest = { nursery: this }
  /** @internal Later failures, in the order in which they happened. */
  later: unknown[] | null = null
  /** @internal The root of this kernel, by which things of another kernel are told. */
  readonly root: Nursery

  /** @internal */
  constructor(
    parent: Scope | null,
    task: Task | null,
    name: string,
    shield: boolean,
    grace: number,
    deadline: number,
    root: Nursery | null,
  ) {
    super(parent, task, name, shield, grace, deadline)
    this.root = root ?? this
  }

  /**
   * Starts a child of this nursery, from inside or from any task that holds it. Does not wait.
   *
   * @throws ClosedError once the nursery has ended.
   */
  spawn<T>(op: Op<T>, options?: SpawnOptions): Trap<Task<T>> {
    return new Trap(SPAWN, op, options === undefined ? this.request : { ...options, nursery: this }, 0)
  }

  /** @internal */
  add(task: Task): void {
    const youngest = this.youngest
    task.older = youngest
    if (youngest === null) this.oldest = task
    else youngest.younger = task
    this.youngest = task
    this.size++
    if (task.daemon) this.daemons++
  }

  /** @internal */
  remove(task: Task): void {
    const { older, younger } = task
    if (older === null) this.oldest = younger
    else older.younger = younger
    if (younger === null) this.youngest = older
    else younger.older = older
    task.older = task.younger = null
    this.size--
    if (task.daemon) this.daemons--
  }

  /** @internal Notes a failure of the body or of a child; true for the first one. */
  fail(error: unknown): boolean {
    if (this.failed) {
      suppress(this.failure, error)
      this.later ??= []
      this.later.push(error)
      return false
    }
    this.failed = true
    this.failure = error
    return true
  }
}
