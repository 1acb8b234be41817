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
import { Call, generatorNext as inheritedNext } from '../protocol/call.js'
import { type OperationTracker, setTracker, tracker } from '../protocol/debug.js'
import type { Resumed, TaskIterator } from '../protocol/trap.js'
import * as traps from '../protocol/trap.js'
import * as phases from '../task/phase.js'
import { TaskRecord } from '../task/task.js'
import { ownError, throwAt } from '../watch/traceback.js'
import { taskDue } from './abort.js'
import { handle } from './answers.js'
import { scopeDue } from './cancel.js'
import { bodyEnded } from './endings.js'
import { complete } from './io.js'
import { badYield, evicted, outstays } from './refusals.js'
import { KernelState, type StateOptions } from './state.js'
import { stepped, swallowed } from './warnings.js'

/** How many traps a task may have answered in place before others get their turn. An I/O call counts as sixteen. */
const BUDGET = 256
/** The loop looks at the world at least this often, in steps… */
const MOST_STEPS = 64
/** …and aims at this many milliseconds between two looks. */
const CHECK_EVERY_MS = 0.1
/** A pass that takes longer is interrupted this often to ask the driver. */
const POLL_EVERY_MS = 4
/** How many lent buffers may be on their way to tasks that have not run since. */
const MOST_LOANS = 64
/** How many timers may go off at one look. */
const MOST_TIMERS = 4096
/** With nothing under way, only a wake-up from outside can come from the driver: every eighth look suffices. A mask. */
const IDLE_POLLS = 7

// Constants of this module, which optimised code has built in; imported ones it looks up each time.
const generatorNext = inheritedNext
const { COPIES, HANDOVER, NOTHING, originalOf } = traps
const { DONE, FAILED, NEW, READY, RUNNING } = phases

export class Loop extends KernelState {
  private readonly random: (() => number) | null
  private leftInPass = 0
  /** Buffers lent to tasks that run in this pass, and those for the next one. */
  private loans = 0
  private loansBehind = 0
  private stride = MOST_STEPS
  private idlePolls = 0
  /** Not 0: a field that begins as a small integer and becomes a fraction gives the loop a new shape (shapes.ts). */
  private polledAt = -0

  constructor(options: StateOptions) {
    super(options)
    this.random = options.random
    this.driver.start((op) => {
      if (op.lender !== null) this.loansBehind++
      complete(this, op)
    })
  }

  /** Takes in what happened outside: completions, wake-ups and timers that are due. With `wait` it sleeps for them. The time. */
  poll(wait: boolean): number {
    this.driver.poll(wait, MOST_LOANS - this.loansBehind - (this.leftInPass === 0 ? 0 : this.loans))
    if (this.wakers.size > 0) for (const waker of this.wakers) waker.poll()
    const now = this.driver.now()
    if (this.timers.size > 0) this.fire(now)
    return now
  }

  /**
   * The same between steps: always the timers; the driver at the end of a pass, or when a long pass has kept it waiting.
   * Asked more often, it would bring work faster than the steps do it, and every piece holds a buffer while it queues.
   * Without operations under way the driver is asked only every eighth time.
   */
  private pollBetween(now: number): void {
    const polls = this.leftInPass === 0 || now - this.polledAt >= POLL_EVERY_MS
    if (polls && (this.inFlight > 0 || (this.idlePolls++ & IDLE_POLLS) === 0)) {
      // When it was done, or a poll that takes long would be followed by the next one after a single step.
      this.polledAt = this.poll(false)
    } else if (this.timers.size > 0) {
      this.fire(now)
    }
  }

  /** Runs ready tasks, polling now and then, until none is left or the time `end` has come. */
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
      this.pollBetween(now)
      if (now >= end || this.enough) return
      if (now - before > CHECK_EVERY_MS) this.stride = Math.max(1, this.stride >> 1)
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
    this.poll(false)
    if (this.ready.length > 0) return true
    for (let task = this.idlers.head; task !== null; task = this.idlers.head) {
      this.idlers.remove(task)
      this.resume(task as TaskRecord, undefined)
    }
    return true
  }

  private fire(now: number): void {
    // So many at most, because a million that are due together must not stop the host; the rest is due at the next look.
    for (let i = 0; i < MOST_TIMERS; i++) {
      const entry = this.timers.due(now)
      if (entry === null) return
      if (entry instanceof TaskRecord) taskDue(this, entry)
      else scopeDue(this, entry)
    }
  }

  private step(task: TaskRecord): void {
    this.current = task
    this.budget = BUDGET
    if (this.instruments !== null) this.instruments.beforeStep(task)
    const context = this.contextual ? task.hostContext : null
    if (context !== null) context.runInAsyncScope(this.resumeTask, this, task)
    else this.resumeTask(task)
    if (this.instruments !== null) this.instruments.afterStep(task)
    this.current = null
  }

  private resumeTask(task: TaskRecord): void {
    if (this.tracker === null) task.frame = this.advance(task)
    else this.advanceTracked(task, this.tracker)
  }

  /** Resumes a task and answers its traps until it waits, ends, or has used up its budget. */
  private advance(task: TaskRecord): Call | null {
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
          if (this.tracker !== null) this.tracker.started(HANDOVER.value)
          if (!handle(this, task, HANDOVER.value)) return frame
        } else if (result instanceof Call) {
          if (this.tracker !== null) this.tracker.called(result)
          frame = result.begin(frame ?? new Call(iterator))
          iterator = frame.callee
          generator = true
        } else {
          throw badYield(task, result.value, this.tracker)
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

  private advanceTracked(task: TaskRecord, watch: OperationTracker): void {
    // Not always null: a task may run another kernel inside one of its own steps.
    const outer = tracker
    const began = this.driver.now()
    watch.enter(task)
    setTracker(watch)
    task.frame = this.advance(task)
    setTracker(outer)
    watch.leave(task)
    stepped(this, task, began)
  }
}
