/**
 * What can be run: is a value an operation, and if it is none, what should have been written
 * instead?
 *
 * A forgotten star, a promise, an async function, a task: each is a mistake that is easy to make,
 * so each message says what to write.
 */
import { beginOnce } from './once.js'
import { type Op, type Operation, TRAP_NAMES, Trap } from './trap.js'
import { describe, isAsync, isPromise } from './value.js'

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
 * Checks what a function returned that was to return an operation.
 *
 * @throws TypeError if it is none.
 */
export function asOperation<T>(value: Operation<T>): Operation<T> {
  if (isOperation(value)) return value as Operation<T>
  // An async function has begun by now. Its failure concerns nothing, and must not end the process.
  if ((value as unknown) instanceof Promise) (value as unknown as Promise<unknown>).catch(() => {})
  throw new TypeError(`Cannot run ${describe(value)}: ${adviceFor(value) || ONLY_OPERATIONS}`)
}

/** The name that an `Op` gives to its task. */
export function nameOf(op: Op<unknown>): string {
  if (typeof op === 'function') return op.name === '' ? 'anonymous' : op.name
  // A generator object does not know its function's name; its prototype chain only knows that it is
  // a generator.
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
