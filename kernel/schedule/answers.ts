/**
 * The answers: what the kernel does for each trap. The table of the whole room is the `switch` in
 * here.
 *
 * `handle` returns true if the trap was answered in place (the answer is in `task.value`, or a
 * fault was set) and false if the task waits now, or is in the ready queue again. What it throws is
 * thrown into the task: a bad operand is the task's mistake and must not harm another. Every trap
 * that can wait first asks whether a cancel is to be delivered.
 */

import type { Address, Driver, IoOp, Request } from '../driver/contract.js'
import { resultError } from '../driver/results.js'
import { KernelStateError } from '../protocol/errors.js'
import type { Atomic } from '../protocol/scheduler.js'
import type { Trap } from '../protocol/trap.js'
import * as codes from '../protocol/trap.js'
import { WAIT, type WaitQueue } from '../protocol/wait-queue.js'
import { checkTask } from '../task/owner.js'
import * as phases from '../task/phase.js'
import { outcomeOf } from '../task/phase.js'
import type { ScopeRecord } from '../task/scope.js'
import type { TaskRecord } from '../task/task.js'
import { checkpoint, innermostNursery, interrupt } from './cancel.js'
import { closeScope, finish } from './endings.js'
import { enter } from './host-context.js'
import { submit, submitRequest } from './io.js'
import { adjust, cancel, open, started } from './scope-answers.js'
import { spawn } from './spawn.js'
import type { KernelState } from './state.js'
import { suspend } from './suspension.js'

// Constants of this module, which optimised code has built in; imported ones it looks up each time.
const {
  ATOMIC,
  ADJUST,
  ASK,
  CANCEL,
  CHECKPOINT,
  CLOCK,
  CLOSE,
  CLOSE_CAUGHT,
  CURRENT,
  CURRENT_NURSERY,
  ENTER,
  FINISH,
  IDLE,
  IO,
  JOIN,
  JOIN_RESULT,
  OPEN,
  PARK,
  REQUEST,
  SLEEP,
  SLEEP_UNTIL,
  SPAWN,
  STARTED,
  SUSPEND,
  WAKE,
} = codes
const { READY } = phases

/**
 * A task that was given something has at least this many traps left in the same step, in which it
 * can note that it has it. Else its step ends with the answer, as after a wait, and a cancel may
 * take that back.
 */
const RESERVE = 8

/** The running task has its answer; with little budget left its step ends here. */
function answered(state: KernelState, task: TaskRecord, trap: Trap): true {
  if (state.budget < RESERVE) {
    state.budget = 1
    task.trap = trap
  }
  return true
}

export function handle(state: KernelState, task: TaskRecord, trap: Trap): boolean {
  switch (trap.code) {
    case CHECKPOINT:
      if (task.cancelPending) checkpoint(state, task)
      task.value = undefined
      task.phase = READY
      state.ready.push(task)
      return false
    case IO:
      return submit(state, task, trap as IoOp) ? answered(state, task, trap) : false
    case PARK:
      return park(state, task, trap)
    case ATOMIC:
      task.value = (trap.subject as Atomic)(task, trap, state)
      return true
    case WAKE:
      task.value = state.wakeFirst(trap.subject as WaitQueue, trap.amount, trap.detail)
      return true
    case SLEEP:
      if (task.cancelPending) checkpoint(state, task)
      if (trap.amount !== Number.POSITIVE_INFINITY) state.timers.set(task, state.driver.now() + trap.amount)
      else if (!task.daemon) state.endless++
      state.wait(task, trap)
      return false
    case SLEEP_UNTIL:
      if (task.cancelPending) checkpoint(state, task)
      if (trap.amount !== Number.POSITIVE_INFINITY) state.timers.set(task, trap.amount)
      else if (!task.daemon) state.endless++
      state.wait(task, trap)
      return false
    case SPAWN:
      task.value = spawn(state, task, trap)
      return true
    case JOIN:
      return join(state, task, trap)
    case CLOCK:
      task.value = state.driver.now()
      return true
    case CURRENT:
      task.value = trap.amount === CURRENT_NURSERY ? innermostNursery(state, task) : task
      return true
    case OPEN:
      task.value = open(state, task, trap)
      return true
    case CLOSE:
      if (task.scope !== trap.subject) throw new KernelStateError('close the scope', 'it is not the innermost one')
      closeScope(state, task, trap.subject as ScopeRecord)
      if (trap.amount === CLOSE_CAUGHT) (trap.subject as ScopeRecord).caught = true
      task.value = undefined
      return true
    case FINISH:
      if (task.scope !== trap.subject) throw new KernelStateError('leave the nursery', 'it is not the innermost scope')
      if (finish(state, task, trap)) return true
      state.wait(task, trap)
      return false
    case CANCEL:
      task.value = cancel(state, trap)
      return true
    case ADJUST:
      adjust(state, trap)
      task.value = undefined
      return true
    case STARTED:
      started(state, task, trap.detail)
      task.value = undefined
      return true
    case IDLE:
      if (task.cancelPending) checkpoint(state, task)
      state.idlers.add(task)
      state.wait(task, trap)
      return false
    case SUSPEND:
      if (suspend(state, task, trap)) return answered(state, task, trap)
      // The host code that began the wait may have cancelled the task just now.
      if (task.cancelPending) interrupt(state, task)
      return false
    case ASK:
      task.value = ask(state.driver, trap)
      return true
    case ENTER:
      enter(state, task, trap)
      return false
    case REQUEST:
      return submitRequest(state, task, trap as Request)
  }
  throw new KernelStateError('answer the trap', `code ${trap.code} is not one of this kernel's; two versions loaded?`)
}

function park(state: KernelState, task: TaskRecord, trap: Trap): boolean {
  if (task.cancelPending) checkpoint(state, task)
  const queue = trap.subject as WaitQueue
  if (queue.admit !== null) {
    const answer = queue.admit(task, trap, state)
    if (answer !== WAIT) {
      task.value = answer
      return answered(state, task, trap)
    }
  }
  queue.add(task)
  if (trap.amount !== Number.POSITIVE_INFINITY) state.timers.set(task, state.driver.now() + trap.amount)
  state.wait(task, trap)
  return false
}

function join(state: KernelState, task: TaskRecord, trap: Trap): boolean {
  const target = trap.subject as TaskRecord
  checkTask(state.root, 'join', target)
  if (task.cancelPending) checkpoint(state, task)
  if (target.ended) {
    target.observed = true
    task.value = outcomeOf(target, trap.amount === JOIN_RESULT)
    return true
  }
  if (target === task) throw new KernelStateError(`join ${String(task)}`, 'it would wait for itself for ever')
  target.ensuredExtras.add(task)
  state.wait(task, trap)
  return false
}

/** The detail of an ASK: what it is called in errors, and the address that it is about. */
export interface AskContext {
  readonly name: string
  readonly address: Address | null
}

function ask(driver: Driver, trap: Trap): unknown {
  const result = (trap.subject as (driver: Driver) => unknown)(driver)
  if (typeof result === 'number' && result < 0) {
    const { name, address } = trap.detail as AskContext
    throw resultError(driver, name, name, result, address)
  }
  return result
}
