/**
 * A task: one operation being driven.
 *
 * The record that the loop works on, and behind its interface (protocol/handles.ts, where the texts are) the handle that
 * programs hold: its methods only make traps, so nothing here reaches the scheduler by a second door. `value` is one field for three times of life, because they never
 * overlap: the answer to the trap while the task is ready, what the wait needs while it waits, result or error afterwards.
 * A kernel holds a million of these; every field is eight bytes of each.
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
  /** @internal What its name comes from; a function is asked only when somebody wants to know. */
  private readonly label: string | Op<unknown>
  /** @internal */
  iterator: TaskIterator | Call
  /** @internal The nursery that it is a child of. */
  parentNursery: NurseryRecord
  /** @internal The innermost scope. */
  scope: ScopeRecord
  /** @internal */
  phase = NEW
  /** @internal One field for three times of life, see above. */
  value: unknown = undefined
  /** Switches in one field: see the accessors below. */
  private flags: number
  /** @internal What it waits in. */
  trap: Trap | null = null
  /** @internal A sleep's end or a wait's timeout. */
  timerIndex = -1
  /** @internal Neighbours in the wait queue. */
  next: TaskRecord | null = null
  /** @internal */
  previous: TaskRecord | null = null
  /** @internal Neighbours in the nursery. */
  nextSibling: TaskRecord | null = null
  /** @internal */
  previousSibling: TaskRecord | null = null
  /** @internal Null for most: the accessors `implicitNursery`, `delivered` and `context` look into it. */
  extras: Extras | null = null

  /** @internal */
  constructor(id: number, label: string | Op<unknown>, iterator: TaskIterator, home: NurseryRecord, daemon: boolean) {
    this.id = id
    this.label = label
    this.iterator = iterator
    this.parentNursery = home
    this.scope = home
    this.flags = (daemon ? DAEMON : 0) | (iterator.next === generatorNext ? GENERATOR : 0)
  }

  get name(): string {
    return typeof this.label === 'string' ? this.label : nameOf(this.label)
  }

  get daemon(): boolean {
    return (this.flags & DAEMON) !== 0
  }

  /** @internal Its iterator is a generator, so that `generatorNext` resumes it. */
  get generator(): boolean {
    return (this.flags & GENERATOR) !== 0
  }

  /** @internal The innermost of its frames; null as long as it has made no call. */
  get frame(): Call | null {
    return (this.flags & CALLING) === 0 ? null : (this.iterator as Call)
  }

  /** @internal */
  set frame(frame: Call | null) {
    if (frame === null) return
    this.iterator = frame
    this.flags |= CALLING
  }

  /** @internal What is resumed next. */
  get innermost(): TaskIterator {
    const { frame } = this
    return (frame === null ? this.iterator : frame.callee) as TaskIterator
  }

  /** @internal `value` is to be thrown. */
  get faulted(): boolean {
    return (this.flags & FAULTED) !== 0
  }

  /** @internal */
  set faulted(on: boolean) {
    this.flags = on ? this.flags | FAULTED : this.flags & ~FAULTED
  }

  /** @internal Some scope around it is cancelled: look before each wait. Never false if one is, sometimes true if none is. */
  get cancelPending(): boolean {
    return (this.flags & CANCEL_PENDING) !== 0
  }

  /** @internal */
  set cancelPending(on: boolean) {
    this.flags = on ? this.flags | CANCEL_PENDING : this.flags & ~CANCEL_PENDING
  }

  /** @internal It got a `Cancelled` of a scope that lies around the whole task. */
  get cancelDelivered(): boolean {
    return (this.flags & CANCEL_DELIVERED) !== 0
  }

  /** @internal */
  set cancelDelivered(on: boolean) {
    this.flags = on ? this.flags | CANCEL_DELIVERED : this.flags & ~CANCEL_DELIVERED
  }

  /** @internal Somebody knows how it ended: joined it, or got it from `next`. */
  get observed(): boolean {
    return (this.flags & OBSERVED) !== 0
  }

  /** @internal */
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

  /** @internal For whoever adds to them. */
  get ensuredExtras(): Extras {
    this.extras ??= new Extras()
    return this.extras
  }

  /** @internal */
  get implicitNursery(): NurseryRecord | null {
    return this.extras === null ? null : this.extras.implicitNursery
  }

  /** @internal */
  get delivered(): Map<ScopeRecord, number> | null {
    return this.extras === null ? null : this.extras.delivered
  }

  /** @internal */
  get context(): ContextEntry | null {
    return this.extras === null ? null : this.extras.context
  }

  /** @internal */
  get hostContext(): HostContext | null {
    return this.extras === null ? null : this.extras.hostContext
  }

  hasHeard(scope: Scope): boolean {
    return this.delivered?.has(scope as ScopeRecord) ?? false
  }

  static {
    // Hidden from the types: a task is no operation, and `yield* task` is to say what it should be.
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
