/**
 * The one door into the kernel.
 *
 * A task asks for something by yielding a `Trap`: a small integer `code` and up to three operands.
 * `yield* trap` works because a trap is its own iterator. The first `next()` gives the trap to the
 * kernel; the kernel answers; `next(task)` returns what it left in `task.value`. The argument alone
 * tells the two calls apart, so a trap has no state: any number of tasks can share one, made once
 * and used for ever.
 *
 * Both iterator results are static objects. That is safe because `yield*` passes the inner result
 * object through untouched (ECMA-262, 15.5.5) and the kernel reads it at once. It also proves how a
 * value was yielded: only a trap that came through `yield*` arrives as HANDOVER itself, so the
 * kernel can tell `yield* sleep(1)` from a bare `yield sleep(1)`.
 *
 * JavaScriptCore (Bun, Safari) differs: its `yield*` makes a new result of the same value. COPIES
 * says so, found out when this file is loaded. There a result counts as HANDOVER if it has the
 * value that was put into HANDOVER in this step.
 */

import { tracker } from './debug.js'
import { arrived, probe } from './probe.js'

declare const YIELDED: unique symbol

/**
 * What an operation yields: a trap that came through `yield*`. No value has this type, and a trap
 * does not either, so that `yield sleep(5)`, where the star was forgotten, does not compile.
 */
export interface Yielded {
  readonly [YIELDED]: never
}

/**
 * What a task can do: anything iterable that yields traps and returns a `T`. Usually a generator
 * function's result.
 *
 * @example
 * import { run, sleep, type Operation } from 'drupe'
 *
 * function* double(n: number): Operation<number> {
 *   yield* sleep(1)
 *   return n * 2
 * }
 * console.log(await run(double(21))) // => 42
 */
export interface Operation<T> {
  [Symbol.iterator](): Iterator<Yielded, T, unknown>
}

/**
 * An operation, or a function without arguments that returns one. A generator object runs once; a
 * function makes a new one.
 */
export type Op<T> = Operation<T> | (() => Operation<T>)

/**
 * Codes of the scheduling traps. Plain constants: `isolatedModules` and V8 both like them better
 * than an enum.
 */
export const CHECKPOINT = 0
export const SLEEP = 1
export const SLEEP_UNTIL = 2
export const CLOCK = 3
export const CURRENT = 4
export const SPAWN = 5
export const PARK = 6
export const WAKE = 7
export const SUSPEND = 8
export const IO = 9
export const ASK = 10
export const JOIN = 11
export const CANCEL = 12
export const OPEN = 13
export const CLOSE = 14
export const FINISH = 15
export const ADJUST = 16
export const STARTED = 17
export const IDLE = 18
export const ATOMIC = 19
export const ENTER = 20
export const REQUEST = 21

// What `amount` says to codes that have several ways. Each name begins with its code.

/** The task that runs. */
export const CURRENT_TASK = 0
/** The innermost nursery of the task that runs. */
export const CURRENT_NURSERY = 1

/** Waits for host code to call back, from wherever. */
export const SUSPEND_ANYWHERE = 0
/** What calls back comes through the host's loop, which a blocking run does not turn. */
export const SUSPEND_HOST_LOOP = 1

/** Waits for the end of a task, however it comes. */
export const JOIN_END = 0
/** Waits for the end of a task and gives its result. */
export const JOIN_RESULT = 1

/** Cancels a scope. */
export const CANCEL_SCOPE = 0
/** Cancels a task, children included. */
export const CANCEL_TASK = 1
/** Cancels nothing yet: the answer is a function with which host code cancels the scope. */
export const CANCEL_LATER = 2

/** The task has left the scope by itself. */
export const CLOSE_LEFT = 0
/** The scope's own `Cancelled` has arrived at its edge and goes no further. */
export const CLOSE_CAUGHT = 1

/** Leaves a nursery; a cancel that came while it waited is delivered. */
export const FINISH_DELIVERED = 0
/**
 * Leaves a nursery; a cancel that came while it waited is left to the next wait, since the outcome
 * is decided.
 */
export const FINISH_DECIDED = 1

/** OPEN, as its `detail`: a nursery. Null is a plain scope. */
export const OPEN_NURSERY = 'nursery'

/** Names of the codes, for traces and messages. */
export const TRAP_NAMES = [
  'checkpoint',
  'sleep',
  'sleepUntil',
  'clock',
  'current',
  'spawn',
  'park',
  'wake',
  'suspend',
  'io',
  'ask',
  'join',
  'cancel',
  'open scope',
  'close scope',
  'finish nursery',
  'adjust scope',
  'started',
  'wait until all are blocked',
  'atomic step',
  'enter the host’s context',
  'request',
] as const

/**
 * What the kernel gives to a waiting trap: the task, whose `value` is the answer. To a call it
 * gives the last result of the callee, which is `done`.
 */
export interface Resumed {
  readonly value: unknown
  readonly done?: boolean | undefined
}

interface Handover {
  done: false
  value: Trap
}

/** One request to the kernel. Immutable. */
export class Trap<out T = unknown> implements Operation<T> {
  /** Which trap it is. */
  readonly code: number
  /** What it is about: a task, a queue, a function. */
  readonly subject: unknown
  /** What else the handler needs. */
  readonly detail: unknown
  /** A number for the handler: milliseconds, a count. */
  readonly amount: number

  /**
   * @param code Which trap; see codes.ts.
   * @param subject What it is about: a task, a queue, a function.
   * @param detail What else the handler needs.
   * @param amount A number for the handler: milliseconds, a count.
   */
  constructor(code: number, subject: unknown, detail: unknown, amount: number) {
    this.code = code
    this.subject = subject
    this.detail = detail
    this.amount = amount
    if (tracker !== null) tracker.created(this, TRAP_NAMES[code] ?? 'trap')
  }

  [Symbol.iterator](): Iterator<Yielded, T, unknown> {
    return this as unknown as Iterator<Yielded, T, unknown>
  }

  /** @internal */
  next(task?: Resumed): IteratorResult<Trap, T> {
    if (task === undefined) {
      HANDOVER.value = this
      return HANDOVER
    }
    ANSWER.value = task.value
    return ANSWER as IteratorReturnResult<T>
  }

  /**
   * @internal The kernel throws errors into the task; a trap has nothing to clean up, so they pass.
   */
  throw(error: unknown): IteratorResult<Trap, T> {
    if (probe !== null && arrived(error)) return HANDOVER
    throw error
  }
}

/** The result object through which every trap reaches the kernel. */
export const HANDOVER: Handover = { done: false, value: undefined as unknown as Trap }

/** Does this engine's `yield*` copy the results that it passes on? */
export const COPIES = isCopied()

/** Where `yield*` copies, HANDOVER holds this before each step: no program can yield it. */
export const NOTHING = {} as Trap

/**
 * Where `yield*` copies: the result that was returned by `next()`, if this one is a copy of it. A
 * trap's is HANDOVER, a call is its own.
 */
export function originalOf<R>(result: R & IteratorResult<unknown, unknown>): R | Handover {
  const { value } = HANDOVER
  if (result.done === true || result.value !== value) return result
  return value instanceof Trap ? HANDOVER : (value as R)
}

function isCopied(): boolean {
  function* delegate(): Generator {
    yield* { [Symbol.iterator]: () => ({ next: () => HANDOVER }) }
  }
  return delegate().next() !== HANDOVER
}

/** The result object through which every trap gives its answer. */
export const ANSWER: { done: true; value: unknown } = { done: true, value: undefined }

/** A suspended task's iterator, as the kernel drives it. */
export interface TaskIterator {
  next(resumed?: Resumed): IteratorResult<unknown, unknown>
  throw?(error: unknown): IteratorResult<unknown, unknown>
}
