/**
 * A task: one operation being driven.
 *
 * The record that the loop works on, and at the same time the handle that users hold: its methods only make traps, so
 * nothing here reaches the scheduler by a second door. `value` is one field for three times of life, because they never
 * overlap: the answer to the trap while the task is ready, what the wait needs while it waits, result or error afterwards.
 * A kernel holds a million of these; every field is eight bytes of each.
 */

import { type Call, generatorNext } from '../protocol/call.js'
import { watched } from '../protocol/debug.js'
import { TaskCancelledError } from '../protocol/errors.js'
import type { HostContext } from '../protocol/host-context.js'
import { INSPECT } from '../protocol/inspect.js'
import { checkOptions, checkSwitch } from '../protocol/operands.js'
import { adviceFor, CANCEL, JOIN, nameOf, type Op, type Operation, type TaskIterator, Trap } from '../protocol/trap.js'
import type { Timed } from '../time/timers.js'
import { Belongings, type ContextEntry } from './extras.js'
import type { Nursery } from './nursery.js'
import type { Scope } from './scope.js'
import { situation } from './whereabouts.js'

export const NEW = 0
export const READY = 1
export const RUNNING = 2
export const WAITING = 3
/** The body is over, its children are not. */
export const FINISHING = 4
export const DONE = 5
export const FAILED = 6
export const CANCELLED = 7

const STATES = ['new', 'ready', 'running', 'waiting', 'finishing', 'done', 'failed', 'cancelled'] as const

const IS_DAEMON = 1
const IS_FAULTED = 2
const IS_ALERT = 4
const IS_TOLD = 8
const IS_SEEN = 16
const IS_GENERATOR = 32
const IS_CALLING = 64

/** Where a task is in its life. */
export type TaskState = (typeof STATES)[number]

/** A running operation, as `spawn` returns it. */
export class Task<out T = unknown> implements Timed {
  /** Unique within the kernel, counted from 1. */
  readonly id: number
  /** @internal What its name comes from; a function is asked only when somebody wants to know. */
  private readonly label: string | Op<unknown>
  /** @internal */
  iterator: TaskIterator | Call
  /** @internal The nursery that it is a child of. */
  home: Nursery
  /** @internal The innermost scope. */
  scope: Scope
  /** @internal */
  phase = NEW
  /** @internal See the head of this file. */
  value: unknown = undefined
  /** Switches in one field: see the accessors below. */
  private flags: number
  /** @internal What it waits in. */
  trap: Trap | null = null
  /** @internal A sleep's end or a wait's timeout. */
  timerIndex = -1
  /** @internal Neighbours in the wait queue. */
  next: Task | null = null
  /** @internal */
  previous: Task | null = null
  /** @internal Neighbours in the nursery. */
  younger: Task | null = null
  /** @internal */
  older: Task | null = null
  /** @internal Null for most: the accessors `own`, `knocked` and `context` look into it. */
  estate: Belongings | null = null

  /** @internal */
  constructor(id: number, label: string | Op<unknown>, iterator: TaskIterator, home: Nursery, daemon: boolean) {
    this.id = id
    this.label = label
    this.iterator = iterator
    this.home = home
    this.scope = home
    this.flags = (daemon ? IS_DAEMON : 0) | (iterator.next === generatorNext ? IS_GENERATOR : 0)
  }

  /** The name given at spawn, or that of the function; for messages and traces. */
  get name(): string {
    return typeof this.label === 'string' ? this.label : nameOf(this.label)
  }

  /** Cancelled, not awaited, when everything else in its nursery is done. */
  get daemon(): boolean {
    return (this.flags & IS_DAEMON) !== 0
  }

  /** @internal Its iterator is a generator, so that `generatorNext` resumes it. */
  get generator(): boolean {
    return (this.flags & IS_GENERATOR) !== 0
  }

  /** @internal The innermost of its frames; null as long as it has made no call. */
  get frame(): Call | null {
    return (this.flags & IS_CALLING) === 0 ? null : (this.iterator as Call)
  }

  /** @internal */
  set frame(frame: Call | null) {
    if (frame === null) return
    this.iterator = frame
    this.flags |= IS_CALLING
  }

  /** @internal What is resumed next. */
  get innermost(): TaskIterator {
    const { frame } = this
    return (frame === null ? this.iterator : frame.callee) as TaskIterator
  }

  /** @internal `value` is to be thrown. */
  get faulted(): boolean {
    return (this.flags & IS_FAULTED) !== 0
  }

  /** @internal */
  set faulted(on: boolean) {
    this.flags = on ? this.flags | IS_FAULTED : this.flags & ~IS_FAULTED
  }

  /** @internal Some scope around it is cancelled: look before each wait. Never false if one is, sometimes true if none is. */
  get alert(): boolean {
    return (this.flags & IS_ALERT) !== 0
  }

  /** @internal */
  set alert(on: boolean) {
    this.flags = on ? this.flags | IS_ALERT : this.flags & ~IS_ALERT
  }

  /** @internal It got a `Cancelled` of a scope that lies around the whole task. */
  get told(): boolean {
    return (this.flags & IS_TOLD) !== 0
  }

  /** @internal */
  set told(on: boolean) {
    this.flags = on ? this.flags | IS_TOLD : this.flags & ~IS_TOLD
  }

  /** @internal Somebody knows how it ended: joined it, or got it from `next`. */
  get seen(): boolean {
    return (this.flags & IS_SEEN) !== 0
  }

  /** @internal */
  set seen(on: boolean) {
    this.flags = on ? this.flags | IS_SEEN : this.flags & ~IS_SEEN
  }

  /** Where it is in its life. */
  get state(): TaskState {
    return STATES[this.phase] as TaskState
  }

  /** The task whose nursery it lives in; null for a task that the host spawned. */
  get parent(): Task | null {
    return this.home.task
  }

  /** Is it over? */
  get ended(): boolean {
    return this.phase >= DONE
  }

  /** @internal Its body is over: it may wait for its children, and does nothing else any more. */
  get idle(): boolean {
    return this.phase >= FINISHING
  }

  /** What it returned; undefined unless its state is `done`. */
  get result(): T | undefined {
    return this.phase === DONE ? (this.value as T) : undefined
  }

  /** What it threw (its `Cancelled` if it was cancelled); undefined unless its state is `failed` or `cancelled`. */
  get error(): unknown {
    return this.phase > DONE ? this.value : undefined
  }

  /**
   * Waits for the end and returns the result. Cancelling the joiner leaves the task alone.
   *
   * @throws whatever the task threw, the same object.
   * @throws TaskCancelledError if it was cancelled.
   */
  join(): Trap<T> {
    return new Trap(JOIN, this, null, 1)
  }

  /** Waits for the end, however it came. Cancelling the waiter leaves the task alone. */
  wait(): Trap<void> {
    return new Trap(JOIN, this, null, 0)
  }

  /**
   * Asks the task to leave and waits until it is out, cleanup and children included; `{ wait: false }` only asks. Returns
   * whether it was still alive.
   */
  cancel(reason?: unknown, options?: { readonly wait?: boolean }): Operation<boolean> {
    checkOptions('cancel the task', 'options', options)
    checkSwitch('cancel the task', 'wait', options?.wait)
    return watched('cancel', this.cancelOperation(reason, options))
  }

  private *cancelOperation(reason: unknown, options?: { readonly wait?: boolean }): Operation<boolean> {
    const alive = yield* new Trap<boolean>(CANCEL, this, reason, 1)
    if (alive && options?.wait !== false) yield* this.wait()
    return alive
  }

  /** @internal For whoever adds to them. */
  get belongings(): Belongings {
    this.estate ??= new Belongings()
    return this.estate
  }

  /** @internal */
  get own(): Nursery | null {
    return this.estate === null ? null : this.estate.own
  }

  /** @internal */
  get knocked(): Map<Scope, number> | null {
    return this.estate === null ? null : this.estate.knocked
  }

  /** @internal */
  get context(): ContextEntry | null {
    return this.estate === null ? null : this.estate.context
  }

  /** @internal */
  get hostContext(): HostContext | null {
    return this.estate === null ? null : this.estate.hostContext
  }

  /** @internal It heard of this scope and stays on purpose, as resources do: later cancels are news to it again. */
  disregard(scope: Scope): void {
    this.told = false
    this.knocked?.set(scope, -1)
  }

  static {
    // Hidden from the types: a task is no operation, and `yield* task` is to say what it should be.
    Object.defineProperty(Task.prototype, Symbol.iterator, {
      value(this: Task): never {
        throw new TypeError(`Cannot run ${String(this)}: ${adviceFor(this)}`)
      },
    })
  }

  /** `console.log(task)` is one line. */
  [INSPECT](): string {
    return `Task ${this.id} (${this.name}): ${situation(this)}`
  }

  /** @internal For messages: `task 3 (worker)`. */
  toString(): string {
    return `task ${this.id} (${this.name})`
  }
}

/**
 * What joining an ended task gives; what it throws, if the `result` is wanted and there is none.
 */
export function outcomeOf(task: Task, result: boolean): unknown {
  if (!result) return undefined
  if (task.phase === FAILED) throw task.value
  if (task.phase === CANCELLED) throw new TaskCancelledError(String(task), { cause: task.value })
  return task.value
}

/** Makes the iterator that the kernel drives. */
export function iteratorOf(operation: Operation<unknown>): TaskIterator {
  return operation[Symbol.iterator]() as TaskIterator
}
