/**
 * What debug mode has to say about tasks that go on: each in a line on the console, while the program runs.
 */
import type { ForgottenWatch } from '../protocol/debug.js'
import type { Scope } from '../task/scope.js'
import type { Task } from '../task/task.js'
import { situation } from '../task/whereabouts.js'
import { linesIn } from '../watch/traceback.js'
import type { Loop } from './loop.js'

/** A step that takes longer holds up all other tasks, and the host, noticeably. */
const LONG_STEP_MS = 50

/** A task was told to leave and ended as if nothing had happened. */
export function swallowed(loop: Loop, task: Task): void {
  if (loop.instruments !== null) loop.instruments.swallowed(task)
  if (loop.watch !== null) loop.warn(`${String(task)} swallowed a Cancelled: rethrow it after cleaning up`)
}

/** A task's cleanup after a cancel took longer than the grace, and its wait throws. */
export function cutShort(loop: Loop, task: Task, { name, grace }: Scope): void {
  const line = lineOf(loop.watch, task)
  loop.warn(`${String(task)} is cut short in its cleanup: the grace of ${grace} ms of ${name} is over${line}`)
}

/** A step is over that began at a time: how long did it hold the thread, and where did it end? */
export function stepped(loop: Loop, task: Task, began: number): void {
  const ms = loop.driver.now() - began
  if (ms < LONG_STEP_MS) return
  const where = `${situation(task)}${lineOf(loop.watch, task)}`
  loop.warn(`${String(task)} held the thread for ${Math.round(ms)} ms before this: ${where}`)
}

/** The line at which a task waits, below the text that it belongs to. */
export function lineOf(watch: ForgottenWatch | null, task: Task): string {
  const [line] = linesIn(watch?.placeOf(task))
  return line === undefined ? '' : `\n${line}`
}
