/**
 * Nurseries: scopes that own tasks.
 *
 * There is one kind. `nursery(body)` opens one inside a task; every task has one of its own (made
 * when it first spawns), which is why a task is not over before its children are; `start` opens one
 * around its child until that has started; the kernel's root is one too. What differs is what waits
 * at the end: the task in a FINISH trap, the kernel for a task that has returned, nothing for the
 * root.
 *
 * Bookkeeping only: schedule/ decides when something happens, this class keeps what it means for
 * the nursery.
 */

import { tracked } from '../protocol/debug.js'
import { ClosedError, KernelStateError } from '../protocol/errors.js'
import type { Nursery, SpawnOptions } from '../protocol/handles.js'
import { INSPECT } from '../protocol/inspect.js'
import { checkOperation, checkSpawn, checkSpawned } from '../protocol/operands.js'
import { suppress } from '../protocol/suppressed.js'
import {
  CHECKPOINT,
  FINISH,
  FINISH_DECIDED,
  OPEN,
  OPEN_NURSERY,
  type Op,
  type Operation,
  SPAWN,
  Trap,
} from '../protocol/trap.js'
import { PASS, WaitQueue } from '../protocol/wait-queue.js'
import { CALLER, checkScope } from './owner.js'
import { ScopeRecord } from './scope.js'
import { startFor } from './starting.js'
import type { TaskRecord } from './task.js'

const START_OPTIONS = { name: 'start' }

/** The operands of a SPAWN that names more than the operation. */
export interface SpawnRequest extends SpawnOptions {
  readonly nursery?: NurseryRecord
}

/** The record behind a `Nursery` (protocol/handles.ts). */
export class NurseryRecord extends ScopeRecord implements Nursery {
  size = 0
  daemons = 0
  /** The first and the last child. */
  oldest: TaskRecord | null = null
  youngest: TaskRecord | null = null
  /** This daemon and all siblings before it have been dismissed. */
  dismissed: TaskRecord | null = null
  /** The body is over: no more than the children are waited for. */
  finishing = false
  failed = false
  /** A child's failure cancels no sibling; the child is kept with the others that have ended. */
  collecting = false
  /** Children that have ended and that `next` has not returned yet; null if they are not kept. */
  endedChildren: TaskRecord[] | null = null
  /** How many of them it has returned. */
  private returned = 0
  /** Where `next` waits. */
  nextQueue: WaitQueue | null = null
  /** While a child is being started here for another nursery: that nursery. */
  startingFor: NurseryRecord | null = null
  /** The starters' nurseries in which a child is being started for this one; they keep it open. */
  starts: Set<NurseryRecord> | null = null
  /** What the child gave to `started`, once it did. */
  started: { readonly value: unknown } | null = null
  /** The first failure. */
  failure: unknown = undefined
  /** The detail of a spawn without options, made once. */
  private readonly request: SpawnRequest = { nursery: this }
  /** Later failures, in the order in which they happened. */
  later: unknown[] | null = null
  /** The root of its kernel: things of another kernel have another root. */
  readonly root: NurseryRecord

  constructor(
    parent: ScopeRecord | null,
    task: TaskRecord | null,
    name: string,
    shield: boolean,
    grace: number,
    deadline: number,
    root: NurseryRecord | null,
  ) {
    super(parent, task, name, shield, grace, deadline)
    this.root = root ?? this
  }

  spawn<T>(op: Op<T>, options?: SpawnOptions): Trap<TaskRecord<T>> {
    checkSpawned('spawn', 'op', op)
    checkSpawn('spawn', options)
    return new Trap(SPAWN, op, options === undefined ? this.request : { ...options, nursery: this }, 0)
  }

  start<T>(op: Op<unknown>, options?: SpawnOptions): Operation<T> {
    checkOperation('start the task', 'op', op)
    checkSpawn('start the task', options)
    return tracked('start', this.startOperation<T>(op, options))
  }

  private *startOperation<T>(op: Op<unknown>, options?: SpawnOptions): Operation<T> {
    const starterNursery = yield* new Trap<NurseryRecord>(OPEN, START_OPTIONS, OPEN_NURSERY, Number.POSITIVE_INFINITY)
    let failure: { readonly error: unknown } | null = null
    try {
      startFor(starterNursery, this)
      yield* starterNursery.spawn(op, options)
    } catch (error) {
      failure = { error }
    }
    // The task has started, though its starter may be cancelled: the starter gets the value now,
    // and the `Cancelled` at its next wait.
    yield* new Trap<void>(FINISH, starterNursery, failure, FINISH_DECIDED)
    if (starterNursery.started !== null) return starterNursery.started.value as T
    yield* new Trap<void>(CHECKPOINT, null, null, 0)
    if (starterNursery.cancelled)
      throw new ClosedError('start the task', `${this.name} was cancelled`, { cause: starterNursery.reason })
    throw new KernelStateError('start the task', 'it returned without yield* started(…)')
  }

  next(): Operation<TaskRecord | null> {
    return tracked('next', this.nextOperation())
  }

  private *nextOperation(): Operation<TaskRecord | null> {
    checkScope((yield* CALLER).parentNursery.root, 'wait for the next task in', this)
    if (this.endedChildren === null)
      throw new KernelStateError('wait for the next task', 'the nursery needs { completions: true }')
    yield* PASS.trap
    for (;;) {
      const task = this.endedChildren[this.returned]
      if (task !== undefined) {
        task.observed = true
        if (++this.returned === this.endedChildren.length) this.returned = this.endedChildren.length = 0
        return task
      }
      if (this.size === this.daemons) return null
      this.nextQueue ??= new WaitQueue('wait for the next task', null, (_task, _trap, _nothing, resumer) => {
        // The ended child is still there: it is for the next waiting task.
        const next = this.nextQueue?.head ?? null
        if (next !== null && this.endedChildren?.[this.returned] !== undefined) resumer.wake(next, undefined)
        return true
      })
      yield* this.nextQueue.trap
    }
  }

  /** `console.log(nursery)` is one line. */
  override [INSPECT](): string {
    return `Nursery (${this.name}): ${this.size} children, ${this.condition()}`
  }

  add(task: TaskRecord): void {
    const youngest = this.youngest
    task.previousSibling = youngest
    if (youngest === null) this.oldest = task
    else youngest.nextSibling = task
    this.youngest = task
    this.size++
    if (task.daemon) this.daemons++
  }

  remove(task: TaskRecord): void {
    const { previousSibling, nextSibling } = task
    if (task === this.dismissed) this.dismissed = previousSibling
    if (previousSibling === null) this.oldest = nextSibling
    else previousSibling.nextSibling = nextSibling
    if (nextSibling === null) this.youngest = previousSibling
    else nextSibling.previousSibling = previousSibling
    task.previousSibling = task.nextSibling = null
    this.size--
    if (task.daemon) this.daemons--
  }

  /** Is a child being started for it? */
  get awaited(): boolean {
    return this.starts !== null && this.starts.size > 0
  }

  /** Has it no child, and is none being started for it? */
  get empty(): boolean {
    return this.size === 0 && !this.awaited
  }

  /** Moves a child, with all that is in it, into another nursery. */
  reparent(task: TaskRecord, target: NurseryRecord): void {
    this.remove(task)
    target.add(task)
    task.parentNursery = target
    if (task.scope === this) {
      task.scope = target
    } else {
      let scope: ScopeRecord = task.scope
      while (scope.parent !== this) scope = scope.parent as ScopeRecord
      scope.parent = target
    }
    // Other scopes are around it now, and one may be cancelled.
    task.cancelPending = true
  }

  /** Notes a failure of the body or of a child; true for the first one. */
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
