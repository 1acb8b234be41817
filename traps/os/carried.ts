/**
 * Errors on their way to another thread or process.
 *
 * Structured cloning makes a plain Error of everything and loses `code` and all other fields. So an
 * error is taken apart before, and put together there: as one of the same class where both sides
 * know it, with its message, its code, its stack, its fields, its cause and what was suppressed. A
 * field that cannot be copied stays behind; nothing that is thrown is ever lost because of what is
 * in it. What can be copied differs between threads and processes, so the caller says how.
 */
import * as errors from '../../kernel/protocol/errors.js'
import { suppress, suppressed } from '../../kernel/protocol/suppressed.js'
import { describe } from '../../kernel/protocol/value.js'

/** A thrown value, taken apart. */
export type Carried =
  | { readonly thrown: unknown }
  | {
      /** A class that both sides know. */
      readonly type: string
      readonly name: string
      readonly message: string
      readonly stack: string | undefined
      readonly fields: readonly (readonly [name: string, value: unknown, enumerable: boolean])[]
      readonly cause?: Carried
      readonly errors?: readonly Carried[]
      readonly suppressed?: readonly Carried[]
    }

type ErrorClass = new (...operands: never) => Error

const { Cancelled, DrupeError, TaskCancelledError } = errors

/** Without `Cancelled`, which belongs to a scope of its own kernel. */
const DRUPE = Object.entries(errors).filter(
  ([, one]) => one === DrupeError || (one.prototype instanceof DrupeError && one !== Cancelled),
) as [string, ErrorClass][]

const HOST: readonly ErrorClass[] = [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
]

const KNOWN = new Map<string, ErrorClass>([...DRUPE, ...HOST.map((one): [string, ErrorClass] => [one.name, one])])
const NAMES = new Map([...KNOWN].map(([name, one]) => [one, name]))

const DOM_EXCEPTION = 'DOMException'
/** A chain of causes may be a circle. */
const DEEPEST = 8
/** They have a place of their own, or are no fields. */
const APART = new Set(['message', 'stack', 'cause', 'errors', 'name'])

/** What would arrive of a value; throws if nothing would. */
export type Copy = (value: unknown) => unknown

/** Takes a thrown value apart. */
export function carry(thrown: unknown, copy: Copy, depth = 0): Carried {
  try {
    return thrown instanceof Error ? carryError(thrown, copy, depth) : { thrown: copy(thrown) }
  } catch {
    return carryError(new Error(`${describe(thrown)} was thrown, which cannot be copied`), copy, depth)
  }
}

/** Puts it together again. */
export function revive(carried: Carried): unknown {
  if ('thrown' in carried) return carried.thrown
  const { type, name, message, stack, fields, cause } = carried
  if (type === DOM_EXCEPTION) return new DOMException(message, name)
  const options = cause === undefined ? undefined : { cause: revive(cause) }
  const error =
    carried.errors === undefined
      ? new Error(message, options)
      : new AggregateError(carried.errors.map(revive), message, options)
  Object.setPrototypeOf(error, (KNOWN.get(type) ?? Error).prototype)
  if (error.name !== name) define(error, 'name', name, false)
  define(error, 'stack', stack, false)
  for (const [field, value, enumerable] of fields) define(error, field, value, enumerable)
  for (const later of carried.suppressed ?? []) suppress(error, revive(later))
  return error
}

function carryError(error: Error, copy: Copy, depth: number): Carried {
  // Its scope is one of that kernel, so that here it would be an error like any other.
  if (error instanceof Cancelled)
    return carryError(new TaskCancelledError('the call', { cause: error.message }), copy, depth)
  const { name, message, stack } = error
  const deeper = (one: unknown): Carried =>
    depth < DEEPEST ? carry(one, copy, depth + 1) : { thrown: `${describe(one)}, and so on` }
  const later = suppressed(error)
  return {
    type: typeOf(error),
    name: String(name),
    message: String(message),
    stack: typeof stack === 'string' ? stack : undefined,
    fields: fieldsOf(error, copy),
    ...(error.cause === undefined ? {} : { cause: deeper(error.cause) }),
    ...(error instanceof AggregateError ? { errors: error.errors.map(deeper) } : {}),
    ...(later.length === 0 ? {} : { suppressed: later.map(deeper) }),
  }
}

/** The nearest class of it that both sides know. */
function typeOf(error: Error): string {
  if (typeof DOMException === 'function' && error instanceof DOMException) return DOM_EXCEPTION
  for (let at = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    const name = NAMES.get(at.constructor)
    if (name !== undefined) return name
  }
  return 'Error'
}

function fieldsOf(error: Error, copy: Copy): [string, unknown, boolean][] {
  const fields: [string, unknown, boolean][] = []
  const { code } = error as { readonly code?: unknown }
  // It may be of a class that the other side does not know.
  if (typeof code === 'string' && !Object.hasOwn(error, 'code')) fields.push(['code', code, false])
  for (const [name, { value, enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
    if (APART.has(name) || value === undefined) continue
    try {
      fields.push([name, copy(value), enumerable === true])
    } catch {
      // What cannot be copied stays behind.
    }
  }
  return fields
}

function define(error: Error, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, name, { value, enumerable, configurable: true, writable: true })
}
