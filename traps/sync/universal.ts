/**
 * What host code and tasks of any kernel can wait for alike.
 *
 * The other objects of this folder belong to the tasks of one kernel, which is what makes them
 * fast. Universal ones belong to the thread: nothing of a kernel is in them, and a waiter is a pair
 * of callbacks. A task waits with `yield*`, in whichever kernel it lives; host code waits for the
 * very same call with `await`. For other threads there are links (link.ts).
 *
 * An answer goes to the waiter that has waited for longest, the moment it is there. A cancel that
 * is delivered before the task ran puts it back; one that comes earlier takes the task out of the
 * queue.
 */

import type { Undo } from '../../kernel/protocol/scheduler.js'
import {
  type Operation,
  SUSPEND,
  SUSPEND_ANYWHERE,
  SUSPEND_HOST_LOOP,
  Trap,
  type Yielded,
} from '../../kernel/protocol/trap.js'
import { checkpoint } from '../raw/call.js'

/** The answer of a wait that was called off in the end, as its task had asked. */
export const WITHDRAWN: unique symbol = Symbol('withdrawn')

/** How a wait is begun, and called off; false: the answer, or WITHDRAWN, will come all the same. */
export type Begin<T> = (
  resolve: (value: T | typeof WITHDRAWN) => void,
  reject: (error: unknown) => void,
) => (() => boolean | void) | void

/**
 * A wait for tasks and host code alike: `yield*` it in a task, `await` it elsewhere. It begins when
 * that is done.
 */
export class Universal<T> implements Operation<T>, PromiseLike<T> {
  /** @internal */
  constructor(
    private readonly begin: Begin<T>,
    /** Does the answer come through the host's loop? */
    private readonly hosted = false,
    /** Takes an answer back that a task got and did not see; false if that cannot be. */
    private readonly takeBack: ((answer: unknown) => boolean) | null = null,
  ) {}

  /** @internal For the kernel: a task that was answered is cancelled before it ran. */
  get undo(): Undo | null {
    const { takeBack } = this
    if (takeBack === null) return null
    return (_task, _trap, answer) => answer !== WITHDRAWN && takeBack(answer)
  }

  /** @internal Callbacks wait. */
  start(
    resolve: (value: T | typeof WITHDRAWN) => void,
    reject: (error: unknown) => void,
  ): (() => boolean | void) | void {
    return this.begin(resolve, reject)
  }

  /** A task waits. */
  *[Symbol.iterator](): Iterator<Yielded, T, unknown> {
    const wait = new Trap<T | typeof WITHDRAWN>(
      SUSPEND,
      this.begin,
      this,
      this.hosted ? SUSPEND_HOST_LOOP : SUSPEND_ANYWHERE,
    )
    for (;;) {
      const answer = yield* wait
      if (answer !== WITHDRAWN) return answer
      // It was a cancel that asked for this, and here it arrives.
      yield* checkpoint()
    }
  }

  /**
   * Waits in host code.
   *
   * @param done Gets the value.
   * @param failed Gets the error.
   */
  // biome-ignore lint/suspicious/noThenProperty: being awaited is half of what it is for
  then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    // A promise cannot be called off, so it cannot be withdrawn.
    const begun = new Promise<T>((resolve, reject) => void this.begin((value) => resolve(value as T), reject))
    return begun.then(done, failed)
  }
}

/** A waiter: a pair of callbacks. */
export interface Waiter<T> {
  resolve(value: T): void
  reject(error: unknown): void
}
