/**
 * I/O: an operation is submitted to the driver, and completes, now or later.
 *
 * In between it belongs to the driver (driver/contract.ts). A cancel or a timeout that could not
 * withdraw it has asked for its completion; what that brings decides. Bytes count, and a result
 * that says "canceled" becomes the timeout, or the `Cancelled`.
 */
import { CANCELED, type IoOp } from '../driver/contract.js'
import { ioError } from '../driver/results.js'
import { BusyError, TimeoutError } from '../protocol/errors.js'
import { actionOf } from '../protocol/io-op.js'
import type { TaskRecord } from '../task/task.js'
import { allowance } from './abort.js'
import { checkpoint, deliver, deliverable, resumeLate } from './cancel.js'
import type { KernelState } from './state.js'

/** An I/O operation that completes at once has cost syscalls: it counts as this many traps. */
const IO_COST = 16

/** IO: true if the operation completed at once. */
export function submit(state: KernelState, task: TaskRecord, op: IoOp): boolean {
  if (task.cancelPending) checkpoint(state, task)
  if (op.owner !== null) throw new BusyError(actionOf(op), `${String(op.owner)} is waiting in this very operation`)
  if (state.driver.submit(op)) {
    state.budget -= IO_COST
    if (op.result < 0) throw ioError(state.driver, op)
    task.value = op.result
    return true
  }
  op.owner = task
  op.withdrawing = false
  state.inFlight++
  if (op.timeout !== Number.POSITIVE_INFINITY) state.timers.set(task, state.driver.now() + op.timeout)
  state.wait(task, op)
  return false
}

/** The driver is done with an operation. */
export function complete(state: KernelState, op: IoOp): void {
  const task = op.owner as TaskRecord
  op.owner = null
  state.inFlight--
  if (task.timerIndex !== -1) state.timers.remove(task)
  const late = state.timedOut.size > 0 && state.timedOut.delete(task)
  if (op.result >= 0) {
    if (op.withdrawing) resumeLate(state, task, op.result)
    else state.resume(task, op.result)
  } else if (op.result !== CANCELED) {
    state.throwInto(task, ioError(state.driver, op))
  } else if (late) {
    state.throwInto(task, new TimeoutError(actionOf(op), allowance(op)))
  } else {
    const scope = deliverable(task)
    state.throwInto(task, scope === null ? ioError(state.driver, op) : deliver(state, task, scope))
  }
}
