/**
 * I/O: an operation is submitted to the driver, and completes, now or later.
 *
 * In between it belongs to the driver (driver/contract.ts). A cancel or a timeout that could not
 * withdraw it has asked for its completion; what that brings decides. Bytes count, and a result
 * that says "canceled" becomes the timeout, or the `Cancelled`.
 */
import { CANCELED, type IoOp, type Request, requestAction } from '../driver/contract.js'
import { failureOf, ioError, requestError } from '../driver/results.js'
import { BusyError, TimeoutError } from '../protocol/errors.js'
import { actionOf } from '../protocol/io-op.js'
import type { TaskRecord } from '../task/task.js'
import { waitOf } from '../task/whereabouts.js'
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

/** REQUEST: the same for what is no byte on a descriptor. */
export function submitRequest(state: KernelState, task: TaskRecord, request: Request): boolean {
  if (task.cancelPending) checkpoint(state, task)
  if (request.owner !== null)
    throw new BusyError(requestAction(request), `${String(request.owner)} is waiting in this very request`)
  request.output = null
  if (state.driver.submitRequest(request)) {
    state.budget -= IO_COST
    if (request.result < 0) throw requestError(state.driver, request)
    return true
  }
  request.owner = task
  request.withdrawing = false
  state.inFlight++
  if (request.timeout !== Number.POSITIVE_INFINITY) state.timers.set(task, state.driver.now() + request.timeout)
  state.wait(task, request)
  return false
}

/** The driver is done with an operation. */
export function complete(state: KernelState, op: IoOp): void {
  const task = op.owner as TaskRecord
  op.owner = null
  finish(state, task, op, op.result, op.withdrawing)
}

/** The driver is done with a request. */
export function completeRequest(state: KernelState, request: Request): void {
  const task = request.owner as TaskRecord
  request.owner = null
  finish(state, task, request, request.result, request.withdrawing)
}

function finish(
  state: KernelState,
  task: TaskRecord,
  wait: IoOp | Request,
  result: number,
  withdrawing: boolean,
): void {
  state.inFlight--
  if (task.timerIndex !== -1) state.timers.remove(task)
  const late = state.timedOut.size > 0 && state.timedOut.delete(task)
  if (result >= 0) {
    if (withdrawing) resumeLate(state, task, result)
    else state.resume(task, result)
  } else if (result !== CANCELED) {
    state.throwInto(task, failureOf(state.driver, wait))
  } else if (late) {
    state.throwInto(task, new TimeoutError(waitOf(wait), wait.timeout))
  } else {
    const scope = deliverable(task)
    state.throwInto(task, scope === null ? failureOf(state.driver, wait) : deliver(state, task, scope))
  }
}
