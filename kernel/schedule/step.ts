/**
 * A step: one task is resumed with its answer, and the traps that it yields are answered.
 *
 * A trap that need not wait is answered in place and the task goes on, until its budget is used up;
 * a trap that waits parks the task. The kernel resumes the innermost frame of the task, and deals
 * with calls (protocol/call.ts) by itself: a callee that begins is a new frame, and one that ends
 * gives its result, or its error, to the frame of its caller.
 */
import { Call, generatorNext as inheritedNext } from '../protocol/call.js'
import { tracker as activeTracker, type OperationTracker, setTracker } from '../protocol/debug.js'
import type { Resumed, TaskIterator } from '../protocol/trap.js'
import * as traps from '../protocol/trap.js'
import * as phases from '../task/phase.js'
import type { TaskRecord } from '../task/task.js'
import { ownError, throwAt } from '../watch/traceback.js'
import { handle } from './answers.js'
import { bodyEnded } from './endings.js'
import { badYield, givenUp, isGivenUp } from './refusals.js'
import { KernelState } from './state.js'
import { stepped, swallowed } from './warnings.js'

/**
 * How many traps of a task are answered in place before other tasks have their turn. An I/O call
 * counts as sixteen.
 */
const BUDGET = 256

// Constants of this module, which optimised code has built in; imported ones it looks up each time.
const generatorNext = inheritedNext
const { COPIES, HANDOVER, NOTHING, originalOf } = traps
const { DONE, FAILED, NEW, READY, RUNNING } = phases

/** The state of a kernel and the steps of its tasks; the loop (loop.ts) decides which, and when. */
export class Stepper extends KernelState {
  /** One step of one task. */
  protected step(task: TaskRecord): void {
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
    // What the next resume gives: the task, whose value answers a trap; or the last result of a
    // callee.
    let next: Resumed = task
    task.phase = RUNNING
    task.trap = null
    for (; this.budget > 0; this.budget--) {
      if (task.faulted && isGivenUp(this.forcedWaits, task)) {
        swallowed(this, task)
        bodyEnded(this, task, FAILED, givenUp(task))
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
        // In the `try`, because a hand-made iterator may return anything.
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

  private advanceTracked(task: TaskRecord, tracker: OperationTracker): void {
    // Not always null: a task may run another kernel inside its own step.
    const outer = activeTracker
    const began = this.driver.now()
    tracker.enter(task)
    setTracker(tracker)
    task.frame = this.advance(task)
    setTracker(outer)
    tracker.leave(task)
    stepped(this, task, began)
  }
}
