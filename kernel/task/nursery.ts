/**
 * Nurseries: scopes that own tasks.
 *
 * There is one kind. `nursery(body)` opens one inside a task; every task has one of its own (made when it first spawns),
 * which is why a task is not over before its children are; the kernel's root is one too. What differs is who waits at
 * the end: the task in a FINISH trap, the kernel for a task that has returned, nobody for the root.
 *
 * Bookkeeping only: the loop decides when something happens, this class knows what that means for the group.
 */

import { watched } from '../protocol/debug.js'
import { ClosedError, KernelStateError, suppress } from '../protocol/errors.js'
import { INSPECT } from '../protocol/inspect.js'
import { checkOperation, checkSpawn, checkSpawned } from '../protocol/operands.js'
import { CHECKPOINT, FINISH, OPEN, type Op, type Operation, SPAWN, Trap } from '../protocol/trap.js'
import { PASS, WaitQueue } from '../protocol/wait-queue.js'
import { CALLER, checkScope } from './owner.js'
import { Scope, type ScopeOptions } from './scope.js'
import { startFor } from './starting.js'
import type { Task } from './task.js'

const START_OPTIONS = { name: 'start' }

/** How to spawn a task. */
export interface SpawnOptions {
  /** For messages and traces. Default: the name of the function. */
  readonly name?: string
  /** Cancelled instead of awaited when all else in the nursery is done. */
  readonly daemon?: boolean
}

/** How a nursery behaves. */
export interface NurseryOptions extends ScopeOptions {
  /** `'first'` (default): the first failure leaves as it is. `'group'`: always an AggregateError of all failures. */
  readonly errors?: 'first' | 'group'
  /**
   * `'cancel'` (default): the first failure cancels the rest. `'collect'`: a child's failure is its own affair. Who joins it or
   * gets it from `next` sees it; a failure that nobody looked at is reported as an unhandled rejection.
   */
  readonly onError?: 'cancel' | 'collect'
  /** Keeps children that are over for `next`. */
  readonly completions?: boolean
}

/** The operands of a SPAWN that names more than the operation. */
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
  /** @internal This daemon and all that are older have been dismissed. */
  dismissed: Task | null = null
  /** @internal The body is over: no more than the children are waited for. */
  finishing = false
  /** @internal */
  failed = false
  /** @internal Failures of children cancel nobody; they wait here with the other tasks that are over. */
  collecting = false
  /** @internal Children that are over and that `next` has not returned yet; null if nobody is to be told. */
  over: Task[] | null = null
  /** How many of them it has. */
  private returned = 0
  /** @internal Where `next` waits. */
  arrivals: WaitQueue | null = null
  /** @internal While a child is being started here for another nursery: that nursery. */
  startingFor: Nursery | null = null
  /** @internal The nurseries in which something is being started for this one; they keep it open. */
  starts: Set<Nursery> | null = null
  /** @internal What the child gave to `started`, once it did. */
  started: { readonly value: unknown } | null = null
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
   * @throws TypeError if `op` is neither an operation nor a function that returns one.
   * @throws ClosedError once the nursery has ended.
   */
  spawn<T>(op: Op<T>, options?: SpawnOptions): Trap<Task<T>> {
    checkSpawned('spawn', 'op', op)
    checkSpawn('spawn', options)
    return new Trap(SPAWN, op, options === undefined ? this.request : { ...options, nursery: this }, 0)
  }

  /**
   * Starts a child and waits until it says that it is ready, with `yield* started(value)`; that value. Until then it belongs to
   * the caller: its errors come out here, and cancelling the caller, or this nursery, cancels it. From then on it is a child
   * of this nursery, which stays open meanwhile.
   *
   * @throws what the task throws before it is ready.
   * @throws KernelStateError if it returns before it is ready.
   * @throws ClosedError once the nursery has ended, and if it was cancelled before the task was ready.
   * @throws Cancelled if a scope around the caller is cancelled before the task is ready.
   */
  start<T>(op: Op<unknown>, options?: SpawnOptions): Operation<T> {
    checkOperation('start the task', 'op', op)
    checkSpawn('start the task', options)
    return watched('start', this.startOperation<T>(op, options))
  }

  private *startOperation<T>(op: Op<unknown>, options?: SpawnOptions): Operation<T> {
    const nest = yield* new Trap<Nursery>(OPEN, START_OPTIONS, 'nursery', Number.POSITIVE_INFINITY)
    let failure: { readonly error: unknown } | null = null
    try {
      startFor(nest, this)
      yield* nest.spawn(op, options)
    } catch (error) {
      failure = { error }
    }
    // A task that has started is there, though its starter is cancelled: it has the value, and hears of that later.
    yield* new Trap<void>(FINISH, nest, failure, 1)
    if (nest.started !== null) return nest.started.value as T
    yield* new Trap<void>(CHECKPOINT, null, null, 0)
    if (nest.cancelled) throw new ClosedError('start the task', `${this.name} was cancelled`, { cause: nest.reason })
    throw new KernelStateError('start the task', 'it returned without yield* started(…)')
  }

  /**
   * Waits for the next child to be over and returns it, however it ended; children in the order of their ends, each once.
   * Null when none is left. Only in a nursery with `completions` or `onError: 'collect'`.
   *
   * @throws KernelStateError in another nursery, or in one of another kernel.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  next(): Operation<Task | null> {
    return watched('next', this.nextOperation())
  }

  private *nextOperation(): Operation<Task | null> {
    checkScope((yield* CALLER).home.root, 'wait for the next task in', this)
    if (this.over === null)
      throw new KernelStateError('wait for the next task', 'the nursery needs { completions: true }')
    yield* PASS.trap
    for (;;) {
      const task = this.over[this.returned]
      if (task !== undefined) {
        task.seen = true
        if (++this.returned === this.over.length) this.returned = this.over.length = 0
        return task
      }
      if (this.size === this.daemons) return null
      this.arrivals ??= new WaitQueue('wait for the next task', null, (_task, _trap, _nothing, hands) => {
        // The task that is over is still there: it is for the next one.
        const next = this.arrivals?.head ?? null
        if (next !== null && this.over?.[this.returned] !== undefined) hands.wake(next, undefined)
        return true
      })
      yield* this.arrivals.trap
    }
  }

  /** `console.log(nursery)` is one line. */
  override [INSPECT](): string {
    return `Nursery (${this.name}): ${this.size} children, ${this.condition()}`
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
    if (task === this.dismissed) this.dismissed = older
    if (older === null) this.oldest = younger
    else older.younger = younger
    if (younger === null) this.youngest = older
    else younger.older = older
    task.older = task.younger = null
    this.size--
    if (task.daemon) this.daemons--
  }

  /** @internal Is something on the way into it? */
  get awaited(): boolean {
    return this.starts !== null && this.starts.size > 0
  }

  /** @internal Is there nobody in it, and nobody on the way? */
  get empty(): boolean {
    return this.size === 0 && !this.awaited
  }

  /** @internal Gives a child, with all that is in it, to another nursery. */
  handOver(task: Task, target: Nursery): void {
    this.remove(task)
    target.add(task)
    task.home = target
    if (task.scope === this) {
      task.scope = target
    } else {
      let scope: Scope = task.scope
      while (scope.parent !== this) scope = scope.parent as Scope
      scope.parent = target
    }
    // Other scopes lie around it now; let it look.
    task.alert = true
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
