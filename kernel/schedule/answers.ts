/**
 * The answers: what the kernel does for each trap.
 *
 * `handle` returns true if the trap was answered in place (the answer is in `task.value`, or a fault was set) and false if
 * the task waits now, or stands in the ready queue again. What it throws is thrown into the task: a bad operand is the
 * task's mistake and must not hurt anyone else. Every trap that can wait first asks whether a cancel has something to say.
 */
import type { Address, Driver, IoOp } from '../driver/contract.js'
import { ioError, resultError } from '../driver/results.js'
import { BusyError, ClosedError, KernelStateError } from '../protocol/errors.js'
import { actionOf } from '../protocol/io-op.js'
import * as codes from '../protocol/trap.js'
import { nameOf, type Op, type Trap, toOperation } from '../protocol/trap.js'
import { type Act, WAIT, type WaitQueue } from '../protocol/wait-queue.js'
import type { Nursery, SpawnRequest } from '../task/nursery.js'
import { checkScope, checkTask } from '../task/owner.js'
import { LIVE, type Scope } from '../task/scope.js'
import * as states from '../task/task.js'
import { iteratorOf, outcomeOf, Task } from '../task/task.js'
import { suspend } from './abort.js'
import { innermostNursery, interrupt, ownNursery } from './cancel.js'
import { closeScope, finish } from './endings.js'
import { enter, inherit } from './host-context.js'
import type { Loop } from './loop.js'
import { adjust, cancel, open, started } from './scoping.js'

// Constants of this module, which optimised code has built in; imported ones it looks up each time.
const {
  ACT,
  ADJUST,
  CALL,
  CANCEL,
  CHECKPOINT,
  CLOCK,
  CLOSE,
  CURRENT,
  ENTER,
  FINISH,
  IDLE,
  IO,
  JOIN,
  OPEN,
  PARK,
  SLEEP,
  SLEEP_UNTIL,
  SPAWN,
  STARTED,
  SUSPEND,
  WAKE,
} = codes
const { READY } = states

/** An I/O operation that completes at once has cost syscalls: it counts as this many traps. */
const IO_COST = 16

/**
 * Whoever takes something has this many traps left in the same step, in which to say that it has it; else its step ends
 * with the answer, as if that had been handed over, and a cancel may take it back.
 */
const RESERVE = 8

/** The running task has its answer; with little budget left its step ends here. */
function answered(loop: Loop, task: Task, trap: Trap): true {
  if (loop.budget < RESERVE) {
    loop.budget = 1
    task.trap = trap
  }
  return true
}

export function handle(loop: Loop, task: Task, trap: Trap): boolean {
  switch (trap.code) {
    case CHECKPOINT:
      if (task.alert) loop.checkpoint(task)
      task.value = undefined
      task.phase = READY
      loop.ready.push(task)
      return false
    case IO:
      return io(loop, task, trap as IoOp)
    case PARK:
      return park(loop, task, trap)
    case ACT:
      task.value = (trap.subject as Act)(task, trap, loop)
      return true
    case WAKE:
      task.value = wake(loop, trap)
      return true
    case SLEEP:
      if (task.alert) loop.checkpoint(task)
      if (trap.amount !== Number.POSITIVE_INFINITY) loop.timers.set(task, loop.driver.now() + trap.amount)
      else if (!task.daemon) loop.endless++
      loop.wait(task, trap)
      return false
    case SLEEP_UNTIL:
      if (task.alert) loop.checkpoint(task)
      if (trap.amount !== Number.POSITIVE_INFINITY) loop.timers.set(task, trap.amount)
      else if (!task.daemon) loop.endless++
      loop.wait(task, trap)
      return false
    case SPAWN:
      task.value = spawn(loop, task, trap)
      return true
    case JOIN:
      return join(loop, task, trap)
    case CLOCK:
      task.value = loop.driver.now()
      return true
    case CURRENT:
      task.value = trap.amount === 1 ? innermostNursery(loop, task) : task
      return true
    case OPEN:
      task.value = open(loop, task, trap)
      return true
    case CLOSE:
      if (task.scope !== trap.subject) throw new KernelStateError('close the scope', 'it is not the innermost one')
      closeScope(loop, task, trap.subject as Scope)
      task.value = undefined
      return true
    case FINISH:
      if (task.scope !== trap.subject) throw new KernelStateError('leave the nursery', 'it is not the innermost scope')
      if (finish(loop, task, trap)) return true
      loop.wait(task, trap)
      return false
    case CANCEL:
      task.value = cancel(loop, trap)
      return true
    case ADJUST:
      adjust(loop, trap)
      task.value = undefined
      return true
    case STARTED:
      started(loop, task, trap.detail)
      task.value = undefined
      return true
    case IDLE:
      if (task.alert) loop.checkpoint(task)
      loop.idlers.add(task)
      loop.wait(task, trap)
      return false
    case SUSPEND:
      if (suspend(loop, task, trap)) return answered(loop, task, trap)
      // Its starter is host code, which may have cancelled it just now.
      if (task.alert) interrupt(loop, task)
      return false
    case CALL:
      task.value = call(loop.driver, trap)
      return true
    case ENTER:
      enter(loop, task, trap)
      return false
  }
  throw new KernelStateError('answer the trap', `code ${trap.code} is not one of this kernel's; two versions loaded?`)
}

function io(loop: Loop, task: Task, op: IoOp): boolean {
  if (task.alert) loop.checkpoint(task)
  if (op.owner !== null) throw new BusyError(actionOf(op), `${String(op.owner)} is waiting in this very operation`)
  if (loop.driver.submit(op)) {
    loop.budget -= IO_COST
    if (op.result < 0) throw ioError(loop.driver, op)
    task.value = op.result
    return answered(loop, task, op)
  }
  op.owner = task
  op.withdrawing = false
  loop.inFlight++
  if (op.timeout !== Number.POSITIVE_INFINITY) loop.timers.set(task, loop.driver.now() + op.timeout)
  loop.wait(task, op)
  return false
}

function park(loop: Loop, task: Task, trap: Trap): boolean {
  if (task.alert) loop.checkpoint(task)
  const queue = trap.subject as WaitQueue
  if (queue.admit !== null) {
    const answer = queue.admit(task, trap, loop)
    if (answer !== WAIT) {
      task.value = answer
      return answered(loop, task, trap)
    }
  }
  queue.add(task)
  if (trap.amount !== Number.POSITIVE_INFINITY) loop.timers.set(task, loop.driver.now() + trap.amount)
  loop.wait(task, trap)
  return false
}

function wake(loop: Loop, trap: Trap): number {
  const queue = trap.subject as WaitQueue
  let woken = 0
  for (; woken < trap.amount && queue.head !== null; woken++) loop.wake(queue.head, trap.detail)
  return woken
}

function spawn(loop: Loop, task: Task, trap: Trap): Task {
  const request = trap.detail as SpawnRequest | null
  const op = trap.subject as Op<unknown>
  if (request === null) return start(loop, innermostNursery(loop, task), op, op, false)
  const nursery = request.nursery ?? innermostNursery(loop, task)
  checkScope(loop.root, 'spawn into', nursery)
  if (nursery.closed) throw new ClosedError(`spawn ${request.name ?? nameOf(op)} from ${String(task)}`, ended(nursery))
  return start(loop, nursery, op, request.name ?? op, request.daemon ?? false)
}

function ended({ name, task }: Nursery): string {
  return task?.ended ? `${String(task)} has ended` : `${name} of ${String(task)} has ended`
}

/** Makes a task and puts it into the ready queue. */
export function start(
  loop: Loop,
  nursery: Nursery,
  op: Op<unknown>,
  label: string | Op<unknown>,
  daemon: boolean,
): Task {
  const task = new Task(++loop.lastId, label, iteratorOf(toOperation(op)), nursery, daemon)
  task.alert = nursery.status !== LIVE || (nursery.task?.alert ?? false)
  const spawner = loop.current
  if (spawner !== null && spawner.estate !== null) inherit(task, spawner.estate)
  // Who is told to leave and cleans up may start helpers; they need not be told again.
  if (task.alert && spawner !== null && spawner.knocked !== null) {
    task.belongings.knocked = new Map(spawner.knocked)
    ownNursery(loop, task).born = ++loop.sequence
  }
  nursery.add(task)
  loop.live++
  loop.ready.push(task)
  if (loop.instruments !== null) loop.instruments.spawn(task)
  return task
}

function join(loop: Loop, task: Task, trap: Trap): boolean {
  const target = trap.subject as Task
  checkTask(loop.root, 'join', target)
  if (task.alert) loop.checkpoint(task)
  if (target.ended) {
    target.seen = true
    task.value = outcomeOf(target, trap.amount === 1)
    return true
  }
  if (target === task) throw new KernelStateError(`join ${String(task)}`, 'it would wait for itself for ever')
  target.belongings.add(task)
  loop.wait(task, trap)
  return false
}

/** What a CALL is called in errors, and the address that it is about. */
export interface CallContext {
  readonly name: string
  readonly address: Address | null
}

function call(driver: Driver, trap: Trap): unknown {
  const result = (trap.subject as (driver: Driver) => unknown)(driver)
  if (typeof result === 'number' && result < 0) {
    const { name, address } = trap.detail as CallContext
    throw resultError(driver, name, name, result, address)
  }
  return result
}
