/**
 * A picture of a kernel as text: its tasks as a tree, each with its state, what it waits for, until when, and at which line.
 *
 * It looks and touches nothing, so it can be taken at any time, from a signal handler or a debugger, too. The lines are known
 * in debug mode only: to ask a suspended generator where it is, one would have to resume it.
 */
import type { Loop } from './schedule/loop.js'
import { lineOf } from './schedule/warnings.js'
import { NurseryRecord } from './task/nursery.js'
import { LIVE, type ScopeRecord } from './task/scope.js'
import type { TaskRecord } from './task/task.js'
import { situation } from './task/whereabouts.js'

/** The kernel in one line: its driver, and what is in hand. */
export function summary({ driver, live, ready, timers, inFlight, suspended }: Loop): string {
  const counts = `${live} tasks, ${ready.length} ready, ${timers.size} timers, ${inFlight} operations, ${suspended} suspended`
  return `Kernel (${driver.name}): ${counts}`
}

/** The whole picture, one task a line. */
export function dump(loop: Loop): string {
  const lines = [summary(loop)]
  add(loop, loop.root, '  ', lines)
  return lines.join('\n')
}

function add(loop: Loop, nursery: NurseryRecord, indent: string, lines: string[]): void {
  for (let task = nursery.oldest; task !== null; task = task.nextSibling) {
    const daemon = task.daemon ? ', daemon' : ''
    const text = `${String(task)}: ${situation(task)}${daemon}${bounds(loop, task)}${lineOf(loop.tracker, task)}`
    lines.push(...text.split('\n').map((line) => indent + line))
    for (const inner of nurseriesOf(task)) add(loop, inner, `${indent}  `, lines)
  }
}

/** The deadlines and the cancels of the scopes that a task is in, the innermost first. */
function bounds(loop: Loop, task: TaskRecord): string {
  let text = ''
  for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
    if (scope.status !== LIVE) text += `, ${scope.name} is cancelled`
    else if (scope.deadline !== Number.POSITIVE_INFINITY) {
      text += `, ${scope.name} ends in ${Math.round(scope.deadline - loop.driver.now())} ms`
    }
  }
  return text
}

/** Those that a task has opened, its own among them, the outermost first. */
function nurseriesOf(task: TaskRecord): NurseryRecord[] {
  const found: NurseryRecord[] = []
  for (let scope: ScopeRecord = task.scope; scope !== task.parentNursery; scope = scope.parent as ScopeRecord) {
    if (scope instanceof NurseryRecord) found.unshift(scope)
  }
  return found
}
