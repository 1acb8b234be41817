/**
 * Wait queues: where tasks wait for each other. Every lock, event and queue stands on one of these.
 *
 * A doubly linked list through the tasks themselves (a task waits in one place at a time), so that parking, waking and
 * leaving in the middle because of a cancel are all a few assignments, whatever the length.
 */
import type { Task } from './task.js'
import { PARK, Trap } from './trap.js'

/** @internal The list itself; the joiners of a task are one without a name. */
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
 * A queue of waiting tasks; `park(queue)` waits in it, `wake(queue)` lets the longest waiting go on.
 *
 * @example
 * import { run, spawn } from 'drupe'
 * import { WaitQueue, park, wake } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const door = new WaitQueue('door')
 *   const guest = yield* spawn(function* () {
 *     return yield* park<string>(door)
 *   })
 *   yield* spawn(() => wake(door, 1, 'come in'))
 *   console.log(yield* guest.join()) // => come in
 * })
 */
export class WaitQueue extends TaskList {
  /** What the queue is for; traces and deadlock messages show it. */
  readonly name: string
  private parking: Trap<unknown> | null = null

  constructor(name = 'queue') {
    super()
    this.name = name
  }

  /** @internal The one trap that waits here without a timeout. */
  get trap(): Trap<unknown> {
    this.parking ??= new Trap(PARK, this, null, Number.POSITIVE_INFINITY)
    return this.parking
  }
}
