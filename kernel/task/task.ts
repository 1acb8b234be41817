/**
 * A task: one operation being driven.
 *
 * The record that the loop works on, and behind the interface `Task` (protocol/handles.ts, where
 * its members are described) the handle that programs hold. Its methods only make traps, so there
 * is no second door to the scheduler. `value` is one field for three phases that never overlap: the
 * answer to the trap while the task is ready, what the wait needs while it waits, result or error
 * afterwards. A kernel may hold a million tasks, and every field is eight bytes of each.
 */

import { type Call, generatorNext } from '../protocol/call.js'
import { tracked } from '../protocol/debug.js'
import type { ContextEntry, Scope, Task, TaskState } from '../protocol/handles.js'
import type { HostContext } from '../protocol/host-context.js'
import { INSPECT } from '../protocol/inspect.js'
import { checkOptions, checkSwitch } from '../protocol/operands.js'
import { adviceFor, nameOf } from '../protocol/operation.js'
import {
  CANCEL,
  CANCEL_TASK,
  JOIN,
  JOIN_END,
  JOIN_RESULT,
  type Op,
  type Operation,
  type TaskIterator,
  Trap,
} from '../protocol/trap.js'
import type { Timed } from '../time/timers.js'
import { Extras } from './extras.js'
import type { NurseryRecord } from './nursery.js'
import { DONE, FINISHING, NEW, STATES } from './phase.js'
import type { ScopeRecord } from './scope.js'
import { situation } from './whereabouts.js'

const DAEMON = 1
const FAULTED = 2
const CANCEL_PENDING = 4
const CANCEL_DELIVERED = 8
const OBSERVED = 16
const GENERATOR = 32
const CALLING = 64

export class TaskRecord<out T = unknown> implements Task<T>, Timed {
  readonly id: number
  /** What its name comes from; a function is asked only when the name is needed. */
  private readonly label: string | Op<unknown>
  iterator: TaskIterator | Call
  /** The nursery that it is a child of. */
  parentNursery: NurseryRecord
  /** The innermost scope. */
  scope: ScopeRecord
  phase = NEW
  /** One field for three phases, see above. */
  value: unknown = undefined
  /** Booleans in one field: see the accessors below. */
  private flags: number
  /** What it waits in. */
  trap: Trap | null = null
  /** A sleep's end or a wait's timeout. */
  timerIndex = -1
  /** Neighbours in the wait queue. */
  next: TaskRecord | null = null
  previous: TaskRecord | null = null
  /** Neighbours in the nursery. */
  nextSibling: TaskRecord | null = null
  previousSibling: TaskRecord | null = null
  /**
   * Null for most; the accessors `implicitNursery`, `delivered`, `context` and
   * `hostContext` read it.
   */
  extras: Extras | null = null

  constructor(
    id: number,
    label: string | Op<unknown>,
    iterator: TaskIterator,
    parentNursery: NurseryRecord,
    daemon: boolean,
  ) {
    this.id = id
    this.label = label
    this.iterator = iterator
    this.parentNursery = parentNursery
    this.scope = parentNursery
    this.flags = (daemon ? DAEMON : 0) | (iterator.next === generatorNext ? GENERATOR : 0)
  }

  get name(): string {
    return typeof this.label === 'string' ? this.label : nameOf(this.label)
  }

  get daemon(): boolean {
    return (this.flags & DAEMON) !== 0
  }

  /** Its iterator is a generator, so that `generatorNext` resumes it. */
  get generator(): boolean {
    return (this.flags & GENERATOR) !== 0
  }

  /** The innermost of its frames; null as long as it has made no call. */
  get frame(): Call | null {
    return (this.flags & CALLING) === 0 ? null : (this.iterator as Call)
  }

  set frame(frame: Call | null) {
    if (frame === null) return
    this.iterator = frame
    this.flags |= CALLING
  }

  /** What is resumed next. */
  get innermost(): TaskIterator {
    const { frame } = this
    return (frame === null ? this.iterator : frame.callee) as TaskIterator
  }

  /** `value` is to be thrown. */
  get faulted(): boolean {
    return (this.flags & FAULTED) !== 0
  }

  set faulted(on: boolean) {
    this.flags = on ? this.flags | FAULTED : this.flags & ~FAULTED
  }

  /**
   * Some scope around it is cancelled, so each wait asks first. Never false if one is,
   * sometimes true if none is.
   */
  get cancelPending(): boolean {
    return (this.flags & CANCEL_PENDING) !== 0
  }

  set cancelPending(on: boolean) {
    this.flags = on ? this.flags | CANCEL_PENDING : this.flags & ~CANCEL_PENDING
  }

  /** A `Cancelled` was delivered to it of a scope that is around the whole task. */
  get cancelDelivered(): boolean {
    return (this.flags & CANCEL_DELIVERED) !== 0
  }

  set cancelDelivered(on: boolean) {
    this.flags = on ? this.flags | CANCEL_DELIVERED : this.flags & ~CANCEL_DELIVERED
  }

  /** Its outcome was observed: by a joiner, or through `next`. */
  get observed(): boolean {
    return (this.flags & OBSERVED) !== 0
  }

  set observed(on: boolean) {
    this.flags = on ? this.flags | OBSERVED : this.flags & ~OBSERVED
  }

  get state(): TaskState {
    return STATES[this.phase] as TaskState
  }

  get parent(): TaskRecord | null {
    return this.parentNursery.task
  }

  get ended(): boolean {
    return this.phase >= DONE
  }

  get idle(): boolean {
    return this.phase >= FINISHING
  }

  get result(): T | undefined {
    return this.phase === DONE ? (this.value as T) : undefined
  }

  get error(): unknown {
    return this.phase > DONE ? this.value : undefined
  }

  join(): Trap<T> {
    return new Trap(JOIN, this, null, JOIN_RESULT)
  }

  wait(): Trap<void> {
    return new Trap(JOIN, this, null, JOIN_END)
  }

  cancel(reason?: unknown, options?: { readonly wait?: boolean }): Operation<boolean> {
    checkOptions('cancel the task', 'options', options)
    checkSwitch('cancel the task', 'wait', options?.wait)
    return tracked('cancel', this.cancelOperation(reason, options))
  }

  private *cancelOperation(reason: unknown, options?: { readonly wait?: boolean }): Operation<boolean> {
    const alive = yield* new Trap<boolean>(CANCEL, this, reason, CANCEL_TASK)
    if (alive && options?.wait !== false) yield* this.wait()
    return alive
  }

  /** The extras, made if there are none. */
  get ensuredExtras(): Extras {
    this.extras ??= new Extras()
    return this.extras
  }

  get implicitNursery(): NurseryRecord | null {
    return this.extras === null ? null : this.extras.implicitNursery
  }

  get delivered(): Map<ScopeRecord, number> | null {
    return this.extras === null ? null : this.extras.delivered
  }

  get context(): ContextEntry | null {
    return this.extras === null ? null : this.extras.context
  }

  get hostContext(): HostContext | null {
    return this.extras === null ? null : this.extras.hostContext
  }

  wasDelivered(scope: Scope): boolean {
    return this.delivered?.has(scope as ScopeRecord) ?? false
  }

  static {
    // Hidden from the types: a task is no operation, and `yield* task` should say what to write.
    Object.defineProperty(TaskRecord.prototype, Symbol.iterator, {
      value(this: TaskRecord): never {
        throw new TypeError(`Cannot run ${String(this)}: ${adviceFor(this)}`)
      },
    })
  }

  /** `console.log(task)` is one line. */
  [INSPECT](): string {
    return `Task ${this.id} (${this.name}): ${situation(this)}`
  }

  toString(): string {
    return `task ${this.id} (${this.name})`
  }
}
