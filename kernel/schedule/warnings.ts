/**
 * What debug mode says about tasks while the program runs: each warning is a line on the console.
 */
import type { OperationTracker } from '../protocol/debug.js'
import type { ScopeRecord } from '../task/scope.js'
import type { TaskRecord } from '../task/task.js'
import { situation } from '../task/whereabouts.js'
import { linesIn } from '../watch/traceback.js'
import type { KernelState } from './state.js'

/** A step that takes longer holds up all other tasks, and the host, noticeably. */
const LONG_STEP_MS = 50

/** A task got a `Cancelled` and ended as if nothing had happened. */
export function swallowed(state: KernelState, task: TaskRecord): void {
  if (state.instruments !== null) state.instruments.swallowed(task)
  if (state.tracker !== null) state.warn(`${String(task)} swallowed a Cancelled: rethrow it after cleaning up`)
}

/** A task's cleanup after a cancel took longer than the grace, and its wait throws. */
export function cutShort(state: KernelState, task: TaskRecord, { name, grace }: ScopeRecord): void {
  const line = lineOf(state.tracker, task)
  state.warn(`${String(task)} is cut short in its cleanup: the grace of ${grace} ms of ${name} is over${line}`)
}

/** A step that began at `began` is over: did it hold the thread for long, and where did it end? */
export function stepped(state: KernelState, task: TaskRecord, began: number): void {
  const ms = state.driver.now() - began
  if (ms < LONG_STEP_MS) return
  const where = `${situation(task)}${lineOf(state.tracker, task)}`
  state.warn(`${String(task)} held the thread for ${Math.round(ms)} ms before this: ${where}`)
}

/** Things were never closed: the first was made by that task, where that stack says. */
export function unclosedText(what: string, count: number, maker: string, stack: string | undefined): string {
  const [line] = linesIn(stack)
  const subject = count === 1 ? `A ${what} was` : `${count} times a ${what} was`
  return `${subject} never closed; ${maker} made it${line === undefined ? '' : ` here:\n${line}`}`
}

/** The line at which a task waits, on a line of its own. */
export function lineOf(tracker: OperationTracker | null, task: TaskRecord): string {
  const [line] = linesIn(tracker?.waitsAt(task))
  return line === undefined ? '' : `\n${line}`
}
