/**
 * The loop: one step of one task, and one pass over those that are ready.
 *
 * A step resumes a task with its answer and deals with the traps that it hands out. A trap that need not wait is answered
 * in place and the task goes on, until it has used up its budget; a trap that waits parks it. Around the steps stand two
 * rules. A pass runs exactly the tasks that were ready when it began, so whoever is made ready by a pass comes after all
 * that were there before. And the loop looks at the world (driver, clock) every so many steps, in the middle of a pass if
 * need be; how many adapts to how long steps take.
 *
 * The loop never blocks. Its callers do (runners.ts).
 */
import { CANCELED, type Driver, type IoOp } from '../driver/contract.js'
import { ioError } from '../driver/results.js'
import { Call, generatorNext as inheritedNext } from '../protocol/call.js'
import { type ForgottenWatch, setWatcher, watcher } from '../protocol/debug.js'
import { TimeoutError } from '../protocol/errors.js'
import type { HostContexts } from '../protocol/host-context.js'
import { actionOf } from '../protocol/io-op.js'
import type { Resumed, TaskIterator, Trap } from '../protocol/trap.js'
import * as traps from '../protocol/trap.js'
import { type Hands, TaskList } from '../protocol/wait-queue.js'
import { Nursery } from '../task/nursery.js'
import type { Scope } from '../task/scope.js'
import * as states from '../task/task.js'
import { Task } from '../task/task.js'
import { Timers } from '../time/timers.js'
import type { Instruments } from '../watch/instruments.js'
import { ownError, throwAt } from '../watch/traceback.js'
import { allowance, taskDue } from './abort.js'
import { handle } from './answers.js'
import { interrupt, knock, knockFor, scopeDue } from './cancel.js'
import { bodyEnded, wakeFirst } from './endings.js'
import { ReadyQueue } from './ready.js'
import { badYield, evicted, outstays } from './refusals.js'
import { stepped, swallowed } from './warnings.js'

/** How many traps a task may have answered in place before others get their turn. An I/O call counts as sixteen. */
const BUDGET = 256
/** The loop looks at the world at least this often, in steps… */
const MOST_STEPS = 64
/** …and aims at this many milliseconds between two looks. */
const LOOK_EVERY_MS = 0.1
/** A pass that takes longer is interrupted this often to ask the driver. */
const POLL_EVERY_MS = 4
/** How many lent buffers may be on their way to tasks that have not run since. */
const MOST_LOANS = 64
/** How many timers may go off at one look. */
const MOST_TIMERS = 4096
/** With nothing under way, only a wake-up from outside can come from the driver: every eighth look suffices. A mask. */
const IDLE_GLANCES = 7

// Constants of this module, which optimised code has built in; imported ones it looks up each time.
const generatorNext = inheritedNext
const { COPIES, HANDOVER, NOTHING, originalOf } = traps
const { DONE, FAILED, NEW, READY, RUNNING, WAITING } = states

export interface LoopOptions {
  readonly driver: Driver
  readonly grace: number
  /** Numbers in [0, 1): shuffles every pass. */
  readonly random: (() => number) | null
  readonly instruments: Instruments | null
  readonly watch: ForgottenWatch | null
  readonly contexts: HostContexts | null
  /** An error that has no task to go to. */
  readonly report: (error: unknown) => void
  /** Debug mode has something to say. */
  readonly warn: (message: string) => void
}

/** Each kernel's loop by its root: a lock or a queue may be shared, and then one kernel's task wakes another's. */
const loops = new WeakMap<Nursery, Loop>()

export class Loop implements Hands {
  readonly driver: Driver
  readonly grace: number
  readonly instruments: Instruments | null
  readonly watch: ForgottenWatch | null
  readonly contexts: HostContexts | null
  readonly report: (error: unknown) => void
  readonly warn: (message: string) => void
  readonly ready = new ReadyQueue()
  readonly timers = new Timers<Task | Scope>()
  readonly root: Nursery
  /** The task whose step is running. */
  current: Task | null = null
  /** Tasks that are not over. */
  live = 0
  lastId = 0
  /** Counts what the rules of cancellation have to put in order: scopes opened, knocks delivered. */
  sequence = 0
  /** Operations that the driver has. */
  inFlight = 0
  /** Tasks that wait for host code. */
  suspended = 0
  /** Tasks, daemons aside, that sleep for ever: until they are cancelled. */
  endless = 0
  /** What is left of the running step's budget. */
  budget = 0
  /** Tasks that wait until all others wait. */
  readonly idlers = new TaskList()
  /** Tasks whose timed-out wait could not be withdrawn. */
  readonly overdue = new Set<Task>()
  /** Tasks whose grace is over, and how many waits they have tried since. */
  readonly evictions = new Map<Task, number>()
  /** Host code that wants to know of a task's end, or of the error after which there will be none. */
  readonly watchers = new Map<Task, (error?: Error) => void>()
  /** Wake-ups by other threads that tasks may wait for. */
  readonly wakers = new Set<{ look(): void }>()
  /** Called when something became ready outside a turn. */
  nudge: () => void = () => {}
  turning = false
  /** Leave `runReady` at the next look, whoever is ready: what its caller waits for is there. */
  enough = false
  /** A blocking run has the thread: the host's loop, and what comes through it, stands still. */
  blocking = false
  /** Some task has had a context of the host's. */
  contextual = false
  private readonly random: (() => number) | null
  private leftInPass = 0
  /** Buffers lent to tasks that run in this pass, and those for the next one. */
  private loans = 0
  private loansBehind = 0
  private stride = MOST_STEPS
  private glances = 0
  /** Not 0: a field that begins as a small integer and becomes a fraction gives the loop a new shape (shapes.ts). */
  private lookedAt = -0

  constructor(options: LoopOptions) {
    this.driver = options.driver
    this.grace = options.grace
    this.random = options.random
    this.instruments = options.instruments
    this.watch = options.watch
    this.contexts = options.contexts
    this.report = options.report
    this.warn = options.warn
    this.root = new Nursery(null, null, 'the kernel', false, options.grace, Number.POSITIVE_INFINITY, null)
    loops.set(this.root, this)
    this.driver.start((op) => this.complete(op))
  }

  /** Takes in what happened outside: completions, wake-ups and timers that are due. With `wait` it sleeps for them. The time. */
  look(wait: boolean): number {
    this.driver.poll(wait, MOST_LOANS - this.loansBehind - (this.leftInPass === 0 ? 0 : this.loans))
    if (this.wakers.size > 0) for (const waker of this.wakers) waker.look()
    const now = this.driver.now()
    if (this.timers.size > 0) this.fire(now)
    return now
  }

  /**
   * The same between steps: always the timers; the driver at the end of a pass, or when a long pass has kept it waiting.
   * Asked more often, it would bring work faster than the steps do it, and every piece holds a buffer while it queues.
   * Without operations under way the driver is asked only every eighth time.
   */
  private glance(now: number): void {
    const polls = this.leftInPass === 0 || now - this.lookedAt >= POLL_EVERY_MS
    if (polls && (this.inFlight > 0 || (this.glances++ & IDLE_GLANCES) === 0)) {
      // When it was done, or a poll that takes long would be followed by the next one after a single step.
      this.lookedAt = this.look(false)
    } else if (this.timers.size > 0) {
      this.fire(now)
    }
  }

  /** Runs ready tasks, looking at the world now and then, until none is left or the time `end` has come. */
  runReady(before: number, end: number): void {
    this.enough = false
    for (;;) {
      for (let steps = this.stride; steps > 0 && this.ready.length > 0; steps--) {
        if (this.leftInPass === 0) this.beginPass()
        this.leftInPass--
        this.step(this.ready.take())
      }
      if (this.ready.length === 0) return
      const now = this.driver.now()
      this.glance(now)
      if (now >= end || this.enough) return
      if (now - before > LOOK_EVERY_MS) this.stride = Math.max(1, this.stride >> 1)
      else if (this.stride < MOST_STEPS) this.stride <<= 1
      before = now
    }
  }

  /** A pass may be longer than a turn; the next turn goes on with it. */
  private beginPass(): void {
    this.leftInPass = this.ready.length
    this.loans = this.loansBehind
    this.loansBehind = 0
    if (this.random !== null) this.ready.shuffle(this.leftInPass, this.random)
  }

  /** Nothing is ready: wakes the tasks that waited for this, once the world has nothing new either. True if one is ready. */
  wakeIdlers(): boolean {
    if (this.idlers.length === 0) return false
    this.look(false)
    if (this.ready.length === 0) wakeFirst(this, this.idlers, Number.POSITIVE_INFINITY, undefined)
    return true
  }

  private fire(now: number): void {
    // So many at most, because a million that are due together must not stop the host; the rest is due at the next look.
    for (let i = 0; i < MOST_TIMERS; i++) {
      const entry = this.timers.due(now)
      if (entry === null) return
      if (entry instanceof Task) taskDue(this, entry)
      else scopeDue(this, entry)
    }
  }

  private step(task: Task): void {
    this.current = task
    this.budget = BUDGET
    if (this.instruments !== null) this.instruments.beforeStep(task)
    const context = this.contextual ? task.hostContext : null
    if (context !== null) context.runInAsyncScope(this.resumeTask, this, task)
    else this.resumeTask(task)
    if (this.instruments !== null) this.instruments.afterStep(task)
    this.current = null
  }

  private resumeTask(task: Task): void {
    if (this.watch === null) task.frame = this.advance(task)
    else this.advanceWatched(task, this.watch)
  }

  /** Resumes a task and answers its traps until it waits, ends, or has used up its budget. */
  private advance(task: Task): Call | null {
    let fresh = task.phase === NEW
    let frame = task.frame
    let iterator = (frame === null ? task.iterator : frame.callee) as TaskIterator
    let generator = task.generator || (frame !== null && frame.caller !== null)
    // What the next resume gives: the task, whose value answers a trap; or the last result of a callee.
    let next: Resumed = task
    task.phase = RUNNING
    task.trap = null
    for (; this.budget > 0; this.budget--) {
      if (task.faulted && outstays(this.evictions, task)) {
        swallowed(this, task)
        bodyEnded(this, task, FAILED, evicted(task))
        while (frame !== null && frame.caller !== null) frame = frame.end()
        return frame
      }
      const resumed = next
      next = task
      let result: IteratorResult<unknown, unknown> | Call
      let ended: boolean
      if (COPIES) HANDOVER.value = NOTHING
      try {
        if (task.faulted) {
          const error = task.value
          task.faulted = false
          task.value = undefined
          result = throwAt(task, iterator, error)
        } else if (generator) {
          result = generatorNext.call(iterator, resumed)
        } else {
          result = fresh ? iterator.next() : iterator.next(resumed)
        }
        fresh = false
        if (COPIES) result = originalOf(result)
        // A hand-made iterator may return anything, so its result is looked at in here.
        ended = result !== HANDOVER && result.done === true
      } catch (error) {
        ownError(error)
        if (frame === null || frame.caller === null) {
          bodyEnded(this, task, FAILED, error)
          return frame
        }
        frame = frame.end()
        iterator = frame.callee
        generator = frame.caller !== null || task.generator
        this.fault(task, error)
        continue
      }
      if (ended) {
        if (frame === null || frame.caller === null) {
          bodyEnded(this, task, DONE, result.value)
          return frame
        }
        frame = frame.end()
        iterator = frame.callee
        generator = frame.caller !== null || task.generator
        next = result
        continue
      }
      try {
        if (result === HANDOVER) {
          if (this.watch !== null) this.watch.started(HANDOVER.value)
          if (!handle(this, task, HANDOVER.value)) return frame
        } else if (result instanceof Call) {
          if (this.watch !== null) this.watch.called(result)
          frame = result.begin(frame ?? new Call(iterator))
          iterator = frame.callee
          generator = true
        } else {
          throw badYield(task, result.value, this.watch)
        }
      } catch (error) {
        this.fault(task, error)
      }
    }
    if (next !== task) task.value = next.value
    task.phase = READY
    this.ready.push(task)
    return frame
  }

  /** Lets a waiting task go on with this answer; `trap` stays until it runs, so that a cancel may take that back. */
  resume(task: Task, value: unknown): void {
    task.value = value
    task.phase = READY
    this.ready.push(task)
    if (!this.turning) this.nudge()
  }

  /** Lets a waiting task go on with this error. */
  throwInto(task: Task, error: unknown): void {
    task.faulted = true
    this.resume(task, error)
  }

  /** The same, where a cancel has asked for the wait before: it takes the answer back if that can be. */
  resumeLate(task: Task, value: unknown): void {
    this.resume(task, value)
    interrupt(this, task)
  }

  /** A parked task goes on with this answer, in its own kernel. */
  wake(task: Task, value: unknown): void {
    const { root } = task.home
    if (root !== this.root) {
      loops.get(root)?.wake(task, value)
      return
    }
    ;((task.trap as Trap).subject as TaskList).remove(task)
    if (task.timerIndex !== -1) this.timers.remove(task)
    this.resume(task, value)
  }

  /** A parked task goes on with this error. */
  fail(task: Task, error: unknown): void {
    this.wake(task, error)
    task.faulted = true
  }

  /** The running task's trap throws. */
  fault(task: Task, error: unknown): void {
    task.faulted = true
    task.value = error
  }

  /** Before a wait: throws if a cancel has something to say to the task. */
  checkpoint(task: Task): void {
    const scope = knockFor(task)
    if (scope !== null) throw knock(this, task, scope)
  }

  /** Parks the running task in this trap; last of all, because whoever is told of it here may cancel it at once. */
  wait(task: Task, trap: Trap): void {
    task.phase = WAITING
    task.trap = trap
    if (this.instruments !== null) this.instruments.suspend(task, trap)
  }

  /** The driver is done with an operation. */
  private complete(op: IoOp): void {
    const task = op.owner as Task
    op.owner = null
    this.inFlight--
    if (op.lender !== null) this.loansBehind++
    if (task.timerIndex !== -1) this.timers.remove(task)
    const late = this.overdue.size > 0 && this.overdue.delete(task)
    if (op.result >= 0) {
      if (op.withdrawing) this.resumeLate(task, op.result)
      else this.resume(task, op.result)
    } else if (op.result !== CANCELED) {
      this.throwInto(task, ioError(this.driver, op))
    } else if (late) {
      this.throwInto(task, new TimeoutError(actionOf(op), allowance(op)))
    } else {
      const scope = knockFor(task)
      this.throwInto(task, scope === null ? ioError(this.driver, op) : knock(this, task, scope))
    }
  }

  private advanceWatched(task: Task, watch: ForgottenWatch): void {
    // Not always null: a task may run another kernel inside one of its own steps.
    const outer = watcher
    const began = this.driver.now()
    watch.enter(task)
    setWatcher(watch)
    task.frame = this.advance(task)
    setWatcher(outer)
    watch.leave(task)
    stepped(this, task, began)
  }
}
