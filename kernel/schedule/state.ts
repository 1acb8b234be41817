/**
 * The state of one kernel: what every answer, cancel and ending reads and writes.
 *
 * The files of this room have an order, and each loads only files before it (the table in
 * CONTRIBUTING.md). First come the queues, the counts and the few ways in which a task goes on
 * (this file); then what ends a wait early (abort, cancel), what begins one (suspension, io), how a
 * task begins and ends (spawn, outcome, endings), the answers to all traps, and the loop with its
 * runners.
 *
 * The loop is a subclass of this class, so there is one class of objects, and all hot code knows
 * one shape.
 */
import type { Driver } from '../driver/contract.js'
import type { OperationTracker } from '../protocol/debug.js'
import type { ContextEntry } from '../protocol/handles.js'
import type { HostContexts } from '../protocol/host-context.js'
import type { Owned, Scheduler } from '../protocol/scheduler.js'
import type { Trap } from '../protocol/trap.js'
import { TaskList } from '../protocol/wait-queue.js'
import { NurseryRecord } from '../task/nursery.js'
import { READY, WAITING } from '../task/phase.js'
import type { ScopeRecord } from '../task/scope.js'
import type { TaskRecord } from '../task/task.js'
import { Timers } from '../time/timers.js'
import type { Instruments } from '../watch/instruments.js'
import { ReadyQueue } from './ready.js'

/** What a kernel's state is made of. */
export interface StateOptions {
  readonly driver: Driver
  readonly grace: number
  /** Numbers in [0, 1): shuffles every pass. */
  readonly random: (() => number) | null
  /** Numbers in [0, 1) for tasks that ask. */
  readonly draw: () => number
  readonly instruments: Instruments | null
  readonly tracker: OperationTracker | null
  readonly contexts: HostContexts | null
  /** Takes an error that has no task to go to. */
  readonly report: (error: unknown) => void
  /** Takes what debug mode has to say. */
  readonly warn: (message: string) => void
}

/**
 * Each kernel's state by its root: kernels may share a lock or a queue, and then a task of one
 * wakes a task of another.
 */
const states = new WeakMap<NurseryRecord, KernelState>()

export class KernelState implements Scheduler {
  readonly driver: Driver
  readonly grace: number
  readonly instruments: Instruments | null
  readonly tracker: OperationTracker | null
  readonly contexts: HostContexts | null
  readonly report: (error: unknown) => void
  readonly warn: (message: string) => void
  readonly draw: () => number
  readonly ready = new ReadyQueue()
  readonly timers = new Timers<TaskRecord | ScopeRecord>()
  readonly root: NurseryRecord
  /** The task whose step is running. */
  current: TaskRecord | null = null
  /** Tasks that are not over. */
  live = 0
  lastId = 0
  /** Counts what the rules of cancellation put in order: scopes opened, cancels delivered. */
  sequence = 0
  /** I/O operations that the driver has. */
  inFlight = 0
  /** Tasks that wait for host code. */
  suspended = 0
  /** Tasks that sleep until they are cancelled, without daemons. */
  endless = 0
  /** What is left of the running step's budget. */
  budget = 0
  /** Tasks that wait until all others wait. */
  readonly idlers = new TaskList()
  /** Tasks whose timed-out wait could not be withdrawn. */
  readonly timedOut = new Set<TaskRecord>()
  /** Tasks in a FORCED scope, and how many of their waits have thrown for that. */
  readonly forcedWaits = new Map<TaskRecord, number>()
  /**
   * What host code is called with when a task ends, or with the error after which it never will.
   */
  readonly endCallbacks = new Map<TaskRecord, (error?: Error) => void>()
  /** Wake-ups by other threads that tasks may wait for. */
  readonly wakers = new Set<{ poll(): void }>()
  /** Asks the host for a turn. */
  nudge: () => void = () => {}
  turning = false
  /** Leave `runReady` at the next poll, whatever is ready: what its caller waits for is there. */
  enough = false
  /** A blocking run has the thread: the host's loop does not turn, and nothing comes through it. */
  blocking = false
  /** Some task has had a context of the host. */
  contextual = false

  constructor(options: StateOptions) {
    this.driver = options.driver
    this.grace = options.grace
    this.instruments = options.instruments
    this.tracker = options.tracker
    this.contexts = options.contexts
    this.report = options.report
    this.warn = options.warn
    this.draw = options.draw
    this.root = new NurseryRecord(null, null, 'the kernel', false, options.grace, Number.POSITIVE_INFINITY, null)
    states.set(this.root, this)
  }

  /**
   * Lets a waiting task go on with this answer; `task.trap` stays until it runs, so that a cancel
   * can take the answer back.
   */
  resume(task: TaskRecord, value: unknown): void {
    task.value = value
    task.phase = READY
    this.ready.push(task)
    this.changed()
  }

  /** There is something to be done: outside of a turn the host is asked for one. */
  changed(): void {
    if (!this.turning) this.nudge()
  }

  /** Lets a waiting task go on with this error. */
  throwInto(task: TaskRecord, error: unknown): void {
    task.faulted = true
    this.resume(task, error)
  }

  /** A parked task goes on with this answer, in its own kernel. */
  wake(task: TaskRecord, value: unknown): void {
    const { root } = task.parentNursery
    if (root !== this.root) {
      states.get(root)?.wake(task, value)
      return
    }
    ;((task.trap as Trap).subject as TaskList).remove(task)
    if (task.timerIndex !== -1) this.timers.remove(task)
    this.resume(task, value)
  }

  /** A parked task goes on with this error. */
  fail(task: TaskRecord, error: unknown): void {
    this.wake(task, error)
    task.faulted = true
  }

  own(task: TaskRecord, thing: Owned): void {
    task.ensuredExtras.own(thing)
  }

  disown(task: TaskRecord, thing: Owned): void {
    task.ensuredExtras.disown(thing)
  }

  setContext(task: TaskRecord, context: ContextEntry | null): void {
    task.ensuredExtras.context = context
  }

  observe(task: TaskRecord): void {
    task.observed = true
  }

  disregard(task: TaskRecord, scope: ScopeRecord): boolean {
    if (scope === task.implicitNursery) return false
    task.cancelDelivered = false
    task.delivered?.set(scope, -1)
    return true
  }

  onCancel(scope: ScopeRecord, callback: (reason: unknown) => void): void {
    scope.cancelCallbacks ??= []
    scope.cancelCallbacks.push(callback)
  }

  /** The running task's trap throws. */
  fault(task: TaskRecord, error: unknown): void {
    task.faulted = true
    task.value = error
  }

  /**
   * Parks the running task in this trap. Comes last, because an instrument that is called here may
   * cancel the task at once.
   */
  wait(task: TaskRecord, trap: Trap): void {
    task.phase = WAITING
    task.trap = trap
    if (this.instruments !== null) this.instruments.suspend(task, trap)
  }

  /** Wakes the tasks that have waited longest in a queue, `count` at most; returns how many. */
  wakeFirst(queue: TaskList, count: number, value: unknown): number {
    let woken = 0
    for (; woken < count && queue.head !== null; woken++) this.wake(queue.head as TaskRecord, value)
    return woken
  }
}
