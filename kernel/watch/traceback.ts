/**
 * Tracebacks: the lines of a task in the stack of an error that was not made there.
 *
 * The kernel makes its errors while the task is suspended, so their stack shows the kernel and not
 * the line that waits. But `iterator.throw(error)` goes down a task's whole chain of `yield*` to
 * the trap, whose `throw` method runs on top of every generator. A probe (protocol/probe.ts) reads
 * the stack there, and writes the lines into the error. A trap that yields itself again instead of
 * throwing leaves all as it was, so lines can be read without waking the task.
 *
 * That is done for mistakes, once for each error. A Cancelled is an everyday answer and goes
 * without, and so does a TimeoutError outside debug mode.
 */

import { tracker } from '../protocol/debug.js'
import { Cancelled, DrupeError, TimeoutError } from '../protocol/errors.js'
import { type Probe, setProbe } from '../protocol/probe.js'
import type { TaskIterator } from '../protocol/trap.js'

/** As much of a task as is needed here. */
interface Suspended {
  /** What is resumed: the innermost of its frames. */
  readonly innermost: TaskIterator
  toString(): string
}

/**
 * Reads the lines of a task, and writes them into the error that is thrown into it, if there is
 * one.
 */
class LineProbe implements Probe {
  lines: readonly string[] = []

  constructor(
    private readonly task: Suspended,
    readonly error: unknown,
  ) {}

  arrive(): boolean {
    const limit = Error.stackTraceLimit
    // An assignment would throw where the built-ins are frozen.
    Reflect.set(Error, 'stackTraceLimit', MOST_FRAMES)
    // Above the program's lines are this method, `arrived` and the trap's `throw`.
    this.lines = linesIn(new Error().stack, 3)
    Reflect.set(Error, 'stackTraceLimit', limit)
    if (this.error === LINES_ONLY) return true
    show(this.error as Error, this.task, this.lines)
    return false
  }
}

/** Is thrown into a task of which only the lines are read. */
const LINES_ONLY = Symbol('lines only')

/** In a bundle, where no file is this one: everything is shown. */
const NOWHERE = '\0'

/** How the line begins that names a task. */
const IN_TASK = '\n    in task '

/** How deep a chain of generators is shown. */
const MOST_FRAMES = 200

/** How many tasks are shown in one error. */
const MOST_TASKS = 20

/** Errors that get no lines: they have them, or their own are right. */
const located = new WeakSet<object>()

/**
 * The task in which a failure began; on its way up it ends others. The name alone: an error that is
 * kept must not keep a kernel.
 */
const origins = new WeakMap<object, string>()

/** The folder of this package, as stacks write it. */
let root: string | null = null

/** A task's own code threw this error: its stack is right as it is, wherever it goes from here. */
export function ownError(error: unknown): void {
  if (isMistake(error)) located.add(error)
}

/** A task has failed with this error. */
export function failedIn(task: { toString(): string }, error: unknown): void {
  if (typeof error === 'object' && error !== null && !origins.has(error)) origins.set(error, String(task))
}

/** Writes into an error that leaves the kernel in which task it began, unless that is there. */
export function nameOrigin(error: unknown): void {
  try {
    const { stack } = error as Error
    const origin = origins.get(error as object)
    if (origin === undefined || typeof stack !== 'string' || stack.includes(IN_TASK)) return
    Reflect.set(error as Error, 'stack', `${stack}\n    in ${origin}`)
  } catch {
    // Anything can be thrown; it is reported all the same.
  }
}

/** Throws into a suspended task, and shows it in the error. */
export function throwAt(task: Suspended, iterator: TaskIterator, error: unknown): IteratorResult<unknown, unknown> {
  if (iterator.throw === undefined) throw error
  if (!isMistake(error) || located.has(error)) return iterator.throw(error)
  setProbe(new LineProbe(task, error))
  try {
    return iterator.throw(error)
  } finally {
    setProbe(null)
  }
}

/**
 * Writes into an error at which lines these tasks wait, and leaves them waiting there. Only for
 * tasks that are lost: a hand-made iterator that passes nothing on to its trap takes the probe for
 * an error.
 */
export function showWaits(error: Error, tasks: readonly Suspended[]): void {
  for (const task of tasks.slice(0, MOST_TASKS)) {
    const probe = new LineProbe(task, LINES_ONLY)
    setProbe(probe)
    try {
      task.innermost.throw?.(LINES_ONLY)
    } catch {
      // See above.
    } finally {
      setProbe(null)
    }
    show(error, task, probe.lines)
  }
}

/** Writes into an error in which task it happened, and at which lines. */
export function show(error: Error, task: Suspended, lines: readonly string[]): void {
  located.add(error)
  const { stack } = error
  if (typeof stack !== 'string') return
  const there = `\n    in ${String(task)}${lines.map((line) => `\n${line}`).join('')}`
  // A program's own lines come first: they tell where the error comes from. Those of the kernel
  // alone come last.
  const frames = linesIn(stack).length > 0 ? -1 : stack.indexOf('\n    at ')
  const at = frames === -1 ? stack.length : frames
  Reflect.set(error, 'stack', stack.slice(0, at) + there + stack.slice(at))
}

/**
 * The lines of a program in a stack: without this package's, and not beyond where the kernel
 * resumed the task.
 */
export function linesIn(stack = '', skip = 0): readonly string[] {
  root ??= /(?:\(|@|at )([^(@]*)kernel\/watch\/traceback\.[jt]s:/.exec(new Error().stack ?? '')?.[1] ?? NOWHERE
  const found: string[] = []
  for (const line of stack.split('\n').slice(skip)) {
    if (line.includes(`${root}kernel/schedule/step.`) || line.includes(`${root}kernel/watch/traceback.`)) break
    const frame = line.startsWith('    at ') || line.includes('@')
    const native = line.endsWith('(<anonymous>)')
    const own = ['kernel/', 'traps/', 'native/'].some((folder) => line.includes(root + folder))
    if (frame && !native && !own) found.push(line)
  }
  return found
}

function isMistake(error: unknown): error is Error {
  try {
    if (error instanceof DrupeError)
      return !(error instanceof Cancelled || (error instanceof TimeoutError && tracker === null))
    return error instanceof TypeError
  } catch {
    // A proxy, say, that cannot be asked.
    return false
  }
}
