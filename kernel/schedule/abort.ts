/**
 * Waits: getting a task out of one before its time.
 *
 * For each trap that waits there is one way to call it off, and it answers as the abort protocol wants it: *withdrawn now*
 * (true), or *its completion will come* (false). Cancels and timeouts both go through here, and nothing else does. Waits for
 * host code begin here, too, because calling back and calling off have to agree on which of them came first.
 */
import type { IoOp } from '../driver/contract.js'
import { KernelStateError, TimeoutError } from '../protocol/errors.js'
import { checkFunction } from '../protocol/operands.js'
import { FINISH, IDLE, IO, JOIN, PARK, SLEEP, SLEEP_UNTIL, SUSPEND, type Trap } from '../protocol/trap.js'
import type { Giver, TaskList } from '../protocol/wait-queue.js'
import { type Task, WAITING } from '../task/task.js'
import { waitOf } from '../task/whereabouts.js'
import type { Loop } from './loop.js'

/**
 * A task that waits for host code to call it back; while it waits this is its `value`. The two ways to call back know nothing
 * but this, and once the wait is over it knows nothing any more: host code may keep them for as long as it likes.
 */
class Suspension {
  /** It was asked once to call off, and said that the callback will still come. */
  asked = false
  /** Returns false if the callback will still come. */
  abort: (() => boolean | void) | undefined = undefined

  constructor(
    private loop: Loop | null,
    private task: Task | null,
  ) {}

  /** Does nobody wait for it any more? */
  get over(): boolean {
    return this.task === null
  }

  end(): void {
    this.loop = this.task = null
    this.abort = undefined
  }

  /** Gives it to a starter. */
  begin(starter: Starter): void {
    const abort = starter(
      (value) => this.settle(value, false),
      (error) => this.settle(error, true),
    )
    if (this.over || abort === undefined || abort === null) return
    this.abort = checkFunction('suspend', 'what begin returns', abort)
  }

  private settle(value: unknown, failed: boolean): void {
    const { loop, task } = this
    if (loop === null || task === null) return
    this.end()
    if (task.phase === WAITING) {
      loop.suspended--
      task.faulted = failed
      if (this.asked) loop.resumeLate(task, value)
      else loop.resume(task, value)
    } else if (failed) {
      loop.fault(task, value)
    } else {
      task.value = value
    }
  }
}

/** What a suspended task's starter gets: the two ways to call back; both work once. */
type Starter = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => (() => boolean | void) | void

/** SUSPEND: the task waits until host code calls back; with an amount of 1 that takes the host's loop. */
export function suspend(loop: Loop, task: Task, trap: Trap): boolean {
  if (task.alert) loop.checkpoint(task)
  if (trap.amount === 1 && loop.blocking) {
    throw new KernelStateError(
      'wait for another thread',
      "its messages come through the host's loop; use run, not runSync",
    )
  }
  const wait = new Suspension(loop, task)
  try {
    wait.begin(trap.subject as Starter)
  } catch (error) {
    // Whoever got hold of the callbacks before it failed must not wake the task out of another wait.
    wait.end()
    throw error
  }
  if (wait.over) return true
  loop.suspended++
  task.value = wait
  loop.wait(task, trap)
  return false
}

/** Calls a wait off. True: the task waits no more, and the caller resumes it. False: its completion will do so. */
export function withdraw(loop: Loop, task: Task): boolean {
  const trap = task.trap as Trap
  switch (trap.code) {
    case IO: {
      const op = trap as IoOp
      if (op.withdrawing) return false
      if (!loop.driver.cancel(op)) {
        op.withdrawing = true
        return false
      }
      op.owner = null
      loop.inFlight--
      break
    }
    case PARK:
      ;(trap.subject as TaskList).remove(task)
      break
    case JOIN:
      ;((trap.subject as Task).estate as TaskList).remove(task)
      break
    case IDLE:
      loop.idlers.remove(task)
      break
    case SUSPEND: {
      const wait = task.value as Suspension
      if (wait.asked || !calledOff(loop, wait) || wait.over) return false
      wait.end()
      loop.suspended--
      break
    }
    case SLEEP:
    case SLEEP_UNTIL:
      if (trap.amount === Number.POSITIVE_INFINITY && !task.daemon) loop.endless--
      break
    case FINISH:
      // A nursery is not left before its children are out; they hear of the cancel themselves.
      return false
  }
  if (task.timerIndex !== -1) loop.timers.remove(task)
  return true
}

/**
 * A task has the answer of its wait and has not run since: takes that back, so that nothing is lost with it. False if there
 * is nothing to take back, or it cannot be.
 */
export function takeBack(loop: Loop, task: Task): boolean {
  const { trap } = task
  if (trap === null || task.faulted) return false
  const giver = giverOf(trap)
  if (giver === null || giver.undo === null) return false
  try {
    return giver.undo(task, trap, task.value, loop)
  } catch (error) {
    loop.report(error)
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

/** Asks whoever is to call back not to; an abort function that fails is reported, and its callback ignored from now on. */
function calledOff(loop: Loop, wait: Suspension): boolean {
  wait.asked = true
  try {
    return wait.abort?.() !== false
  } catch (error) {
    loop.report(error)
    return true
  }
}

/** A task's timer went off: its sleep is over, or its wait has run out of time. */
export function taskDue(loop: Loop, task: Task): void {
  const trap = task.trap as Trap
  if (trap.code === SLEEP || trap.code === SLEEP_UNTIL) {
    loop.resume(task, undefined)
  } else if (withdraw(loop, task)) {
    loop.throwInto(task, new TimeoutError(waitOf(trap), allowance(trap)))
  } else {
    loop.overdue.add(task)
  }
}

/** The milliseconds that a wait was given. */
export function allowance(trap: Trap): number {
  return trap.code === IO ? (trap as IoOp).timeout : trap.amount
}
