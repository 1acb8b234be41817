/**
 * A kernel as text: its tasks as a tree, each with its state, what it waits for, until when, and at
 * which line.
 *
 * A dump only reads, so it can be taken at any time, also by a signal handler or a debugger. The
 * lines are known in debug mode only: without it, a suspended generator tells where it is only by
 * being resumed.
 */
import type { KernelState } from './schedule/state.js'
import { lineOf } from './schedule/warnings.js'
import { NurseryRecord } from './task/nursery.js'
import { LIVE, type ScopeRecord } from './task/scope.js'
import type { TaskRecord } from './task/task.js'
import { situation } from './task/whereabouts.js'

/** The kernel in one line: its driver and its counts. */
export function summary({ driver, live, ready, timers, inFlight, suspended }: KernelState): string {
  const counts = `${live} tasks, ${ready.length} ready, ${timers.size} timers, ${inFlight} operations, ${suspended} suspended`
  return `Kernel (${driver.name}): ${counts}`
}

/** The whole picture, one task a line. */
export function dump(state: KernelState): string {
  const lines = [summary(state)]
  add(state, state.root, '  ', lines)
  return lines.join('\n')
}

function add(state: KernelState, nursery: NurseryRecord, indent: string, lines: string[]): void {
  for (let task = nursery.oldest; task !== null; task = task.nextSibling) {
    const daemon = task.daemon ? ', daemon' : ''
    const text = `${String(task)}: ${situation(task)}${daemon}${bounds(state, task)}${lineOf(state.tracker, task)}`
    lines.push(...text.split('\n').map((line) => indent + line))
    for (const inner of nurseriesOf(task)) add(state, inner, `${indent}  `, lines)
  }
}

/** The deadlines and the cancels of the scopes that a task has opened, the innermost first. */
function bounds(state: KernelState, task: TaskRecord): string {
  let text = ''
  for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
    if (scope.status !== LIVE) text += `, ${scope.name} is cancelled`
    else if (scope.deadline !== Number.POSITIVE_INFINITY) {
      text += `, ${scope.name} ends in ${Math.round(scope.deadline - state.driver.now())} ms`
    }
  }
  return text
}

/** The nurseries that a task has opened, with its implicit one, the outermost first. */
function nurseriesOf(task: TaskRecord): NurseryRecord[] {
  const found: NurseryRecord[] = []
  for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
    if (scope instanceof NurseryRecord) found.unshift(scope)
  }
  return found
}
