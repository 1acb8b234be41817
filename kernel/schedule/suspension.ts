/**
 * Waiting for host code: SUSPEND, and the two ways to call back.
 *
 * A callback and an abort must agree on which of them came first; this one object decides it for
 * both.
 */
import { KernelStateError } from '../protocol/errors.js'
import { checkFunction } from '../protocol/operands.js'
import { SUSPEND_HOST_LOOP, type Trap } from '../protocol/trap.js'
import type { Giver } from '../protocol/wait-queue.js'
import { WAITING } from '../task/phase.js'
import type { TaskRecord } from '../task/task.js'
import { HostWait } from './abort.js'
import { checkpoint, resumeLate } from './cancel.js'
import type { KernelState } from './state.js'

/**
 * The two callbacks refer to this object only, and once the wait is over it refers to nothing: host
 * code may keep them for as long as it likes.
 */
class Suspension extends HostWait {
  constructor(
    private state: KernelState | null,
    private task: TaskRecord | null,
  ) {
    super()
  }

  /** Is the wait over? */
  get over(): boolean {
    return this.task === null
  }

  end(): void {
    this.state = this.task = null
    this.abort = undefined
  }

  /** Gives the two callbacks to host code. */
  begin(starter: Begin): void {
    const abort = starter(
      (value) => this.settle(value, false),
      (error) => this.settle(error, true),
    )
    if (this.over || abort === undefined || abort === null) return
    this.abort = checkFunction('suspend', 'what begin returns', abort)
  }

  private settle(value: unknown, failed: boolean): void {
    const { state, task } = this
    if (state === null || task === null) return
    this.end()
    if (task.phase === WAITING) {
      state.suspended--
      task.faulted = failed
      if (this.asked) resumeLate(state, task, value)
      else state.resume(task, value)
    } else if (failed) {
      state.fault(task, value)
    } else {
      task.value = value
    }
  }
}

/**
 * The host code that begins the wait gets two callbacks, of which the first that is called counts,
 * and may return how to abort it.
 */
type Begin = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => (() => boolean | void) | void

const THREAD = ['wait for another thread', "its messages come through the host's loop"] as const

/**
 * SUSPEND: the task waits until host code calls back. What comes through the host's loop cannot
 * come in a blocking run.
 */
export function suspend(state: KernelState, task: TaskRecord, trap: Trap): boolean {
  if (task.cancelPending) checkpoint(state, task)
  if (trap.amount === SUSPEND_HOST_LOOP && state.blocking) {
    const [action, why] = (trap.detail as Giver).hostLoop ?? THREAD
    throw new KernelStateError(action, `${why}; use run, not runSync`)
  }
  const wait = new Suspension(state, task)
  try {
    wait.begin(trap.subject as Begin)
  } catch (error) {
    // A callback that was kept before this failed must not wake the task out of another wait.
    wait.end()
    throw error
  }
  if (wait.over) return true
  state.suspended++
  task.value = wait
  state.wait(task, trap)
  return false
}
