/**
 * Wait queues: where tasks wait for each other. Every lock, event and queue is built on one. Those
 * that host code, C or another thread gives to wait in SUSPEND instead (universal, signals).
 *
 * A wait queue is a doubly linked list through the tasks themselves, since a task waits in one
 * place at a time. So parking, waking, and leaving in the middle because of a cancel are a few
 * assignments, whatever the length.
 */

import type { Task } from './handles.js'
import { checkFunction, checkString } from './operands.js'
import type { Atomic, Undo } from './scheduler.js'
import { PARK, Trap } from './trap.js'

/** What the `admit` of a wait queue returns for a task that has to wait. */
export const WAIT: unique symbol = Symbol('wait')

/** What answered a wait, and whether the answer can be taken back. */
export interface Giver {
  /** @internal */
  readonly undo: Undo | null
  /** @internal What cannot be done in a blocking run, and why: for SUSPEND_HOST_LOOP. */
  readonly hostLoop?: readonly [action: string, why: string]
}

/** What the wait brought is still where it was: the next wait brings it again. */
export const STAYS: Giver = { undo: () => true }

/** The list itself; the joiners of a task are one without a name. */
export class TaskList {
  /** How many tasks wait. */
  length = 0
  /** @internal */
  head: Task | null = null
  /** @internal */
  tail: Task | null = null

  /** @internal */
  add(task: Task): void {
    const last = this.tail
    task.previous = last
    task.next = null
    if (last === null) this.head = task
    else last.next = task
    this.tail = task
    this.length++
  }

  /** @internal */
  remove(task: Task): void {
    const { previous, next } = task
    if (previous === null) this.head = next
    else previous.next = next
    if (next === null) this.tail = previous
    else next.previous = previous
    task.previous = task.next = null
    this.length--
  }
}

/**
 * A queue of waiting tasks; `park(queue)` waits in it, `wake(queue)` lets the longest waiting go
 * on.
 *
 * @example
 * import { run, spawn } from 'drupe'
 * import { WaitQueue, park, wake } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const door = new WaitQueue('wait at the door')
 *   const guest = yield* spawn(function* () {
 *     return yield* park<string>(door)
 *   })
 *   yield* spawn(() => wake(door, 1, 'come in'))
 *   console.log(yield* guest.join()) // => come in
 * })
 */
export class WaitQueue extends TaskList implements Giver {
  /**
   * What a task does that waits here, as messages say it: `take the key`, and then "Cannot take the
   * key: …".
   */
  readonly name: string
  /**
   * Asked, inside the trap, when a task is about to wait here and no cancel is to be delivered to
   * it. Returns the answer if the task need not wait, else WAIT. Null: every task waits.
   */
  readonly admit: Atomic | null
  /**
   * Asked when a task that was let go on is cancelled before it ran. If it returns true, the task's
   * `park` throws the `Cancelled`. Null: the answer stays.
   */
  readonly undo: Undo | null
  private parking: Trap<unknown> | null = null

  /**
   * Makes an empty queue.
   *
   * @param name What a task does that waits here, for messages.
   * @param admit Asked before a task waits; null: every task waits.
   * @param undo Takes back what a task was given; null: it stays given.
   */
  constructor(name = 'wait in a queue', admit: Atomic | null = null, undo: Undo | null = null) {
    super()
    this.name = checkString('make a wait queue', 'name', name)
    if (admit !== null) checkFunction('make a wait queue', 'admit', admit)
    if (undo !== null) checkFunction('make a wait queue', 'undo', undo)
    this.admit = admit
    this.undo = undo
  }

  /** @internal The one trap that waits here without a timeout. */
  get trap(): Trap<unknown> {
    this.parking ??= new Trap(PARK, this, null, Number.POSITIVE_INFINITY)
    return this.parking
  }
}

/** Answers at once, with nothing in between, and is a point of cancellation. */
export const PASS = new WaitQueue('take what is there', () => undefined)
