/**
 * The one mechanism under everything in this folder: *take or wait*, and *give or keep*.
 *
 * To take is to park in a wait queue that has an `admit`: inside the trap, after a cancel had its say, it is asked
 * whether the task needs to wait at all. To give is an *act*: a function that runs inside a trap, never waits, and is
 * lent a resumer to let waiting tasks go on. Nothing comes between the steps of either, so what is given goes
 * straight to the task that has waited for longest: it can neither be stolen by one that comes later nor lost to a
 * cancel, because one that comes before the task ran puts it back (`undo`). Each is one trap; those without operands are
 * made once.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { checkName, checkOperation, checkOptions, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import { toOperation } from '../../kernel/protocol/operation.js'
import type { Atomic, Resumer } from '../../kernel/protocol/scheduler.js'
import { ATOMIC, type Op, type Operation, PARK, Trap } from '../../kernel/protocol/trap.js'
import type { WaitQueue } from '../../kernel/protocol/wait-queue.js'

/** What a synchronisation object is called in messages. */
export interface NameOptions {
  /** For messages, traces and deadlock reports: `lock db`. */
  readonly name?: string | undefined
}

/** `lock db`, or `lock` for one without a name. */
export function titleOf(kind: string, options: NameOptions | undefined): string {
  if (options === undefined) return kind
  checkOptions(`make a ${kind}`, 'options', options)
  return checkName(`make a ${kind}`, options.name) === undefined ? kind : `${kind} ${options.name}`
}

/** Waits in a queue, unless its `admit` has an answer. `name` is the method's, for debug mode. */
export function waitIn<T>(name: string, queue: WaitQueue, options: WaitOptions | undefined): Trap<T> {
  if (options === undefined) return tracked(name, queue.trap as Trap<T>)
  return waitWith(name, queue, null, options)
}

/** The same with something that `admit`, or whoever wakes the task, finds in `trap.detail`. */
export function waitWith<T>(
  name: string,
  queue: WaitQueue,
  detail: unknown,
  options: WaitOptions | undefined,
): Trap<T> {
  return tracked(name, new Trap<T>(PARK, queue, detail, timeoutOf(name, options)))
}

/** A trap that does something at once; the function finds `detail` in the trap. */
export function actOn<T>(act: Atomic, detail: unknown): Trap<T> {
  return new Trap<T>(ATOMIC, act, detail, 0)
}

/** Runs an operation between taking something and giving it back. */
export function between<T>(take: Trap<unknown>, op: Op<T>, give: () => Trap<unknown>): Operation<T> {
  return betweenOperation(take, checkOperation('run with it', 'op', op), give)
}

function* betweenOperation<T>(take: Trap<unknown>, op: Op<T>, give: () => Trap<unknown>): Operation<T> {
  yield* take
  try {
    return yield* toOperation(op)
  } finally {
    yield* give()
  }
}

/** Runs an operation and closes something after it, whatever happens. */
export function thenClose<T>(op: Op<T>, close: () => Trap<void>): Operation<T> {
  return thenCloseOperation(checkOperation('run with it', 'op', op), close)
}

function* thenCloseOperation<T>(op: Op<T>, close: () => Trap<void>): Operation<T> {
  try {
    return yield* toOperation(op)
  } finally {
    yield* close()
  }
}

/** Lets everybody in a queue go on with the same answer; how many there were. */
export function wakeAll(resumer: Resumer, queue: WaitQueue, value: unknown): number {
  let woken = 0
  for (let task = queue.head; task !== null; task = queue.head) {
    resumer.wake(task, value)
    woken++
  }
  return woken
}

/** Fails everybody in a queue; each gets an error of its own. */
export function failAll(resumer: Resumer, queue: WaitQueue, error: (task: object) => unknown): void {
  for (let task = queue.head; task !== null; task = queue.head) resumer.fail(task, error(task))
}
