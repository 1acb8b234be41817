/**
 * The one door into the kernel.
 *
 * A task asks for something by handing out a `Trap`: a small integer `code` and up to three operands. `yield* trap` works
 * because a trap is its own iterator. Its first `next()` resumer the trap out; the kernel answers; the second `next(task)`
 * returns what the kernel left in `task.value`. The two cases are told apart by the argument alone, so a trap holds no
 * state of its own: it can be shared by any number of tasks, made once and used for ever.
 *
 * Both iterator results are static objects. That is safe because `yield*` passes the inner result object through
 * untouched (ECMA-262, 15.5.5) and the kernel reads it at once. It also proves how a value was yielded: only a trap that
 * came through `yield*` arrives as HANDOVER itself, so a bare `yield sleep(1)` can be told from `yield* sleep(1)`.
 *
 * JavaScriptCore (Bun, Safari) does not keep to that: its `yield*` makes a new result of the same value. A probe tells, when
 * this file is loaded. There a result is a copy of HANDOVER if it has the value that was put into HANDOVER in this step.
 */

import { tracker } from './debug.js'
import { beginOnce } from './once.js'
import { arrived, probe } from './probe.js'

declare const YIELDED: unique symbol

/**
 * What an operation yields: a trap that came through `yield*`. No value has this type, and a trap does not either, so that
 * `yield sleep(5)`, where the star was forgotten, does not compile.
 */
export interface Yielded {
  readonly [YIELDED]: never
}

/**
 * What a task can do: anything iterable that yields traps and returns a `T`. Usually a generator function's result.
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

/** An operation, or a function without arguments that returns one. A generator object runs once; a function makes a new one. */
export type Op<T> = Operation<T> | (() => Operation<T>)

/** Codes of the scheduling traps. Plain constants: `isolatedModules` and V8 both like them better than an enum. */
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

/** CLOSE, as its `amount`: the scope is left by its own `Cancelled`, which goes no further. */
export const CAUGHT = 1

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
  'call',
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
] as const

/**
 * What the kernel gives back to a waiting trap: the task, whose `value` is the answer. To a call it gives the last
 * result of the callee, which is `done`.
 */
export interface Resumed {
  readonly value: unknown
  readonly done?: boolean | undefined
}

interface Handover {
  done: false
  value: Trap
}

/** One request to the kernel. Immutable; see the head of this file. */
export class Trap<out T = unknown> implements Operation<T> {
  readonly code: number
  readonly subject: unknown
  readonly detail: unknown
  readonly amount: number

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

  /** @internal The kernel throws faults into the task; a trap has nothing to clean up, so they pass. */
  throw(error: unknown): IteratorResult<Trap, T> {
    if (probe !== null && arrived(error)) return HANDOVER
    throw error
  }
}

/** The result object through which every trap reaches the kernel. */
export const HANDOVER: Handover = { done: false, value: undefined as unknown as Trap }

/** Does this engine's `yield*` copy the results that it passes on? */
export const COPIES = isCopied()

/** Where `yield*` copies, HANDOVER holds this before each step: nobody can yield it. */
export const NOTHING = {} as Trap

/**
 * Where `yield*` copies: the result that was handed out, if this one is a copy of it. A trap's is HANDOVER, a call is its own.
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

/** Is this something that `yield*` and `spawn` can run? */
export function isOperation(value: unknown): value is Operation<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && !Array.isArray(value)
}

/**
 * The operation behind an `Op` that was checked where it was given (operands.ts).
 *
 * @throws TypeError if it is a function that returns none, or a generator that has begun already.
 */
export function toOperation<T>(op: Op<T>): Operation<T> {
  return typeof op === 'function' ? asOperation(op()) : beginOnce(op)
}

/**
 * What a function gave that was to return an operation.
 *
 * @throws TypeError if it is none.
 */
export function asOperation<T>(value: Operation<T>): Operation<T> {
  if (isOperation(value)) return value as Operation<T>
  // An async function has begun by now. What becomes of it is nobody's business, and must not end the process.
  if ((value as unknown) instanceof Promise) (value as unknown as Promise<unknown>).catch(() => {})
  throw new TypeError(`Cannot run ${describe(value)}: ${adviceFor(value) || ONLY_OPERATIONS}`)
}

/** The name that an `Op` gives to its task. */
export function nameOf(op: Op<unknown>): string {
  if (typeof op === 'function') return op.name === '' ? 'anonymous' : op.name
  // A generator object does not know its function's name; its prototype chain only knows that it is a generator.
  return op instanceof Trap ? (TRAP_NAMES[op.code] ?? 'trap') : 'anonymous'
}

/** Where there is no advice. */
export const ONLY_OPERATIONS = 'only operations (generators that yield traps) can be run'

/** What to write instead of a value that the kernel cannot use; empty if that cannot be guessed. */
export function adviceFor(value: unknown): string {
  if (Array.isArray(value)) return 'several operations are run with "all([…])"'
  if (value instanceof Trap) return `write "yield* …" (with the star) around the ${TRAP_NAMES[value.code]} trap`
  if (isAsync(value))
    return `an async function is run with "yield* until(${value.name || 'f'}())", or written as a generator function (function*, with yield* for await)`
  if (typeof value === 'function') return 'call it, and write "yield* f()"'
  if (typeof value === 'object' && value !== null) {
    if (isPromise(value)) return 'a promise is awaited with "yield* until(promise)"'
    const has = (name: PropertyKey): boolean => typeof (value as Record<PropertyKey, unknown>)[name] === 'function'
    // Before tasks, because newer engines give all iterators a `join`, too.
    if (has(Symbol.iterator) && has('next')) return 'a generator is run with "yield* generator" (with the star)'
    if (has(Symbol.asyncIterator)) return 'an async iterable is read with "each(iterable, body)"'
    if (has('join')) return 'it runs already; its result is "yield* task.join()"'
    if (has('enter')) return 'an Effection effect runs through "fromEffection"'
  }
  return ''
}

/** Is it a promise, or whatever else has a `then`? */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

const asyncFunction = Object.getPrototypeOf(async () => {}) as object
const asyncGeneratorFunction = Object.getPrototypeOf(async function* () {}) as object

/** Is it an async function as the engine knows them? What a compiler made of one shows when it returns a promise. */
export function isAsync(value: unknown): value is (...operands: never[]) => unknown {
  if (typeof value !== 'function') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === asyncFunction || prototype === asyncGeneratorFunction
}

/** A short description of any value, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return `the ${isAsync(value) ? 'async ' : ''}function ${value.name || '(anonymous)'}`
  if (typeof value === 'object') {
    if (isPromise(value)) return 'a promise'
    if (Object.prototype.toString.call(value) === '[object Generator]') return 'a generator'
    return `an object (${value.constructor?.name || 'no constructor'})`
  }
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  return typeof value === 'bigint' ? `${value}n` : String(value)
}
