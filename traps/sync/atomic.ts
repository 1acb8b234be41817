/**
 * The one mechanism under all in this folder that tasks give: *take or wait*, and *give or keep*.
 *
 * To take is to park in a wait queue that has an `admit`. Inside the trap, and after a cancel that
 * is pending was delivered, it is asked whether the task needs to wait at all. To give is an
 * *atomic step* (`atomically`): a function that runs inside a trap, never waits, and is lent a
 * resumer to wake waiting tasks.
 *
 * Nothing comes between the steps of either, so what is given goes straight to the task that has
 * waited for longest. One that comes later cannot steal it. A cancel cannot lose it: one that is
 * delivered before the task ran puts it back (`undo`). Each is one trap; those without operands are
 * made once.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import {
  checkBody,
  checkName,
  checkOperation,
  checkOptions,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import type { Resumer } from '../../kernel/protocol/scheduler.js'
import { type Op, type Operation, PARK, Trap } from '../../kernel/protocol/trap.js'
import type { WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { around, before } from '../raw/around.js'

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

/**
 * The same with something that `admit`, or the step that wakes the task, finds in `trap.detail`.
 */
export function waitWith<T>(
  name: string,
  queue: WaitQueue,
  detail: unknown,
  options: WaitOptions | undefined,
): Trap<T> {
  return tracked(name, new Trap<T>(PARK, queue, detail, timeoutOf(name, options)))
}

/**
 * The `with` of everything that is taken and given back, or closed: runs an operation in between.
 * With `take` null there is nothing to take.
 */
export function during<T>(take: Trap<unknown> | null, op: Op<T>, give: () => Trap<unknown>): Operation<T> {
  checkOperation('run with it', 'op', op)
  return tracked('with', take === null ? before(op, give) : around(take, op, give))
}

/** The `each` of everything that is received from: runs an operation for each item, until null. */
export function eachOf<T>(receive: () => Trap<T | null>, body: (item: T) => Operation<unknown>): Operation<void> {
  return tracked('each', eachItem(receive, checkBody('receive each', 'body', body)))
}

function* eachItem<T>(receive: () => Trap<T | null>, body: (item: T) => Operation<unknown>): Operation<void> {
  for (let item = yield* receive(); item !== null; item = yield* receive()) yield* asOperation(body(item))
}

/** Wakes all tasks of a queue with the same answer; returns how many there were. */
export function wakeAll(resumer: Resumer, queue: WaitQueue, value: unknown): number {
  let woken = 0
  for (let task = queue.head; task !== null; task = queue.head) {
    resumer.wake(task, value)
    woken++
  }
  return woken
}

/** Fails all tasks of a queue; each gets an error of its own. */
export function failAll(resumer: Resumer, queue: WaitQueue, error: (task: object) => unknown): void {
  for (let task = queue.head; task !== null; task = queue.head) resumer.fail(task, error(task))
}
