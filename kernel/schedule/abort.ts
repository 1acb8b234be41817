/**
 * Abort: getting a task out of a wait before its time.
 *
 * For each trap that waits there is one way to withdraw it, with one of two results: *withdrawn
 * now* (true), or *its completion will come* (false). Cancels and timeouts go through here, and
 * nothing else does. An answer that the task has and has not seen can be taken back, too.
 */
import type { IoOp, Request } from '../driver/contract.js'
import { TimeoutError } from '../protocol/errors.js'
import { FINISH, IDLE, IO, JOIN, PARK, REQUEST, SLEEP, SLEEP_UNTIL, SUSPEND, type Trap } from '../protocol/trap.js'
import type { Giver, TaskList } from '../protocol/wait-queue.js'
import type { TaskRecord } from '../task/task.js'
import { waitOf } from '../task/whereabouts.js'
import type { KernelState } from './state.js'

/**
 * A task's wait for host code to call back, as far as withdrawing it goes (suspension.ts). While
 * the task waits, this is its `value`.
 */
export abstract class HostWait {
  /** It was to be withdrawn once, and the callback will still come. */
  asked = false
  /** What host code gave for this: returns false if the callback will still come. */
  protected abort: (() => boolean | void) | undefined = undefined

  /** Is the wait over? */
  abstract get over(): boolean

  abstract end(): void

  /** Asks host code not to call back. False: the callback will still come. */
  withdraw(): boolean {
    this.asked = true
    return this.abort?.() !== false
  }
}

/**
 * Withdraws a wait. True: the task waits no more, and the caller resumes it. False: its completion
 * will do so.
 */
export function withdraw(state: KernelState, task: TaskRecord): boolean {
  const trap = task.trap as Trap
  switch (trap.code) {
    case IO: {
      const op = trap as IoOp
      if (op.withdrawing) return false
      if (!state.driver.cancel(op)) {
        op.withdrawing = true
        return false
      }
      op.owner = null
      state.inFlight--
      break
    }
    case REQUEST: {
      const request = trap as Request
      if (request.withdrawing) return false
      if (!state.driver.cancelRequest(request)) {
        request.withdrawing = true
        return false
      }
      request.owner = null
      state.inFlight--
      break
    }
    case PARK:
      ;(trap.subject as TaskList).remove(task)
      break
    case JOIN:
      ;((trap.subject as TaskRecord).extras as TaskList).remove(task)
      break
    case IDLE:
      state.idlers.remove(task)
      break
    case SUSPEND: {
      const wait = task.value as HostWait
      if (wait.asked || !isHostWaitWithdrawn(state, wait) || wait.over) return false
      wait.end()
      state.suspended--
      break
    }
    case SLEEP:
    case SLEEP_UNTIL:
      if (trap.amount === Number.POSITIVE_INFINITY && !task.daemon) state.endless--
      break
    case FINISH:
      // A nursery is not left before its children are out; the cancel is delivered to them, too.
      return false
  }
  if (task.timerIndex !== -1) state.timers.remove(task)
  return true
}

/**
 * Takes back the answer of a task that has not run since it got it, so that nothing is lost with
 * it. False if there is none, or it cannot be taken back.
 */
export function undoAnswer(state: KernelState, task: TaskRecord): boolean {
  const { trap } = task
  if (trap === null || task.faulted) return false
  const giver = giverOf(trap)
  if (giver === null || giver.undo === null) return false
  try {
    return giver.undo(task, trap, task.value, state)
  } catch (error) {
    state.report(error)
    return false
  }
}

function giverOf(trap: Trap): Giver | null {
  switch (trap.code) {
    case PARK:
    case IO:
      return trap.subject as Giver | null
    case SUSPEND:
    case SLEEP_UNTIL:
      return trap.detail as Giver | null
  }
  return null
}

/** An abort function that fails is reported, and the callback ignored from then on. */
function isHostWaitWithdrawn(state: KernelState, wait: HostWait): boolean {
  try {
    return wait.withdraw()
  } catch (error) {
    state.report(error)
    return true
  }
}

/** A task's timer went off: its sleep is over, or its wait has run out of time. */
export function taskDue(state: KernelState, task: TaskRecord): void {
  const trap = task.trap as Trap
  if (trap.code === SLEEP || trap.code === SLEEP_UNTIL) {
    state.resume(task, undefined)
  } else if (withdraw(state, task)) {
    state.throwInto(task, new TimeoutError(waitOf(trap), allowance(trap)))
  } else {
    state.timedOut.add(task)
  }
}

/** The milliseconds that a wait was given. */
export function allowance(trap: Trap): number {
  return trap.code === IO || trap.code === REQUEST ? (trap as IoOp | Request).timeout : trap.amount
}
