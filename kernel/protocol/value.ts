/**
 * What kind of value is this, and how is it called in messages?
 *
 * The questions ask for what a value can do and not for its class, because values come from other
 * realms too: a promise or an array of bytes from a vm context, or from a test runner's sandbox, is
 * as good as one from here.
 */

/** Is it a promise, or whatever else has a `then`? */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

const asyncFunction = Object.getPrototypeOf(async () => {}) as object
const asyncGeneratorFunction = Object.getPrototypeOf(async function* () {}) as object

/**
 * Is it an async function as the engine knows them? What a compiler made of one shows when it
 * returns a promise.
 */
export function isAsync(value: unknown): value is (...operands: never[]) => unknown {
  if (typeof value !== 'function') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === asyncFunction || prototype === asyncGeneratorFunction
}

/** A short description of any value, for messages; also of a proxy that lets nobody look. */
export function describe(value: unknown): string {
  try {
    return described(value)
  } catch {
    return `${typeof value === 'function' ? 'a function' : 'an object'} that cannot be looked at`
  }
}

function described(value: unknown): string {
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

/** The getter reads an internal slot, so that no prototype and no property can pretend. */
const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as () => string | undefined

/** Is it a Uint8Array of whatever realm? */
export function isBytes(value: unknown): value is Uint8Array {
  return typedArrayName.call(value) === 'Uint8Array'
}
