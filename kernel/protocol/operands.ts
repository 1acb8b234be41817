/**
 * Operands, checked where they enter: a wrong value is an error at the line that wrote it, not a
 * wait without an end.
 *
 * Every public function checks what it is given with these. Each takes what the caller wants to do,
 * what the argument is called and the argument, and returns it. What is of the wrong kind is a
 * TypeError, what is of the right kind and out of range a RangeError: "Cannot sleep: ms must be a
 * number of milliseconds, 0 or more, not -1". In each, `typeof` comes first.
 */

import { tracker } from './debug.js'
import type { ScopeOptions, SpawnOptions } from './handles.js'
import { adviceFor, isOperation } from './operation.js'
import type { Op } from './trap.js'
import { describe, isAsync, isBytes, isPromise } from './value.js'

/** How long a trap may wait. */
export interface WaitOptions {
  /** Milliseconds; fractions count. Default: no limit. */
  readonly timeout?: number | undefined
}

/** A duration in milliseconds that must be given; Infinity is one. */
export function checkTime(action: string, name: string, ms: number): number {
  // NaN fails every comparison.
  if (typeof ms === 'number' && ms >= 0) return ms
  throw wrong(action, name, 'a number of milliseconds, 0 or more', ms, 'number')
}

/** The `timeout` of options in milliseconds; Infinity without options, or without one in them. */
export function timeoutOf(action: string, options: WaitOptions | undefined): number {
  if (options === undefined) return Number.POSITIVE_INFINITY
  checkOptions(action, 'options', options)
  const { timeout } = options
  return timeout === undefined ? Number.POSITIVE_INFINITY : checkTime(action, 'timeout', timeout)
}

/** A time on the kernel's clock, in milliseconds; one that is past is no error. */
export function checkAt(action: string, name: string, at: number): number {
  if (typeof at === 'number' && !Number.isNaN(at)) return at
  throw wrong(action, name, 'a time on the kernel clock in milliseconds', at, 'number')
}

/** A whole number from `least` to `most`. */
export function checkCount(
  action: string,
  name: string,
  count: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(count) && count >= least && count <= most) return count
  const range = most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`
  throw wrong(action, name, `a whole number${range}`, count, 'number')
}

/** A whole number from `least` on, or Infinity: no limit. */
export function checkLimit(action: string, name: string, count: number, least: number): number {
  if (count === Number.POSITIVE_INFINITY || (Number.isSafeInteger(count) && count >= least)) return count
  throw wrong(action, name, `a whole number, ${least} or more, or Infinity`, count, 'number')
}

/** A seed of random numbers: any whole number. */
export function checkSeed(action: string, seed: number): number {
  if (Number.isSafeInteger(seed)) return seed
  throw wrong(action, 'seed', 'a whole number', seed, 'number')
}

/** A probability, or a part of a whole. */
export function checkShare(action: string, name: string, share: number): number {
  if (typeof share === 'number' && share >= 0 && share <= 1) return share
  throw wrong(action, name, 'a number from 0 to 1', share, 'number')
}

/** A list of any values. */
export function checkList<L>(action: string, name: string, list: L): L {
  if (Array.isArray(list)) return list
  throw wrong(action, name, 'a list', list, '')
}

/** A file descriptor. */
export function checkFd(action: string, name: string, fd: number): number {
  if (typeof fd === 'number' && (fd | 0) === fd && fd >= 0) return fd
  throw wrong(action, name, 'a file descriptor, a whole number from 0 on', fd, 'number')
}

/** Bytes to read into, or to write. An array of another realm is as good (value.ts). */
export function checkBytes(action: string, name: string, bytes: Uint8Array, kind = 'a Uint8Array'): Uint8Array {
  if (bytes instanceof Uint8Array || isBytes(bytes)) return bytes
  throw wrong(action, name, kind, bytes, 'object')
}

/** Bytes in one piece or in several; how many there are. `kind` is what one piece can be. */
export function checkPieces(
  action: string,
  name: string,
  bytes: Uint8Array | readonly Uint8Array[],
  kind = 'a Uint8Array',
): number {
  if (bytes instanceof Uint8Array) return bytes.length
  if (!Array.isArray(bytes)) {
    if (isBytes(bytes)) return bytes.length
    throw wrong(action, name, `${kind}, or a list of them`, bytes, 'object')
  }
  let length = 0
  for (let i = 0; i < bytes.length; i++) length += checkBytes(action, `${name}[${i}]`, bytes[i], kind).length
  return length
}

/** A string. */
export function checkString(action: string, name: string, text: string): string {
  if (typeof text === 'string') return text
  throw wrong(action, name, 'a string', text, '')
}

/** A string for C, which ends at the first NUL: what is behind it would be cut off in silence. */
export function checkText(action: string, name: string, text: string): string {
  if (typeof text === 'string' && !text.includes('\0')) return text
  throw wrong(action, name, 'a string without NUL', text, '')
}

/** One of a few words. */
export function checkWord<W extends string>(action: string, name: string, word: W, words: readonly W[]): W {
  if (words.includes(word)) return word
  throw wrong(action, name, `one of ${words.map((one) => `"${one}"`).join(', ')}`, word, 'string')
}

/** A switch that may be left out. */
export function checkSwitch<S extends boolean | undefined>(action: string, name: string, on: S): S {
  if (on === undefined || typeof on === 'boolean') return on
  throw wrong(action, name, 'true or false', on, '')
}

/** A name for messages, which may be left out. */
export function checkName<N extends string | undefined>(action: string, name: N): N {
  if (name === undefined || typeof name === 'string') return name
  throw wrong(action, 'name', 'a string', name, '')
}

/** The options of a scope, or of a nursery. */
export function checkScopeOptions(action: string, options: ScopeOptions | undefined): void {
  if (options === undefined) return
  checkOptions(action, 'options', options)
  if (options.deadline !== undefined) checkAt(action, 'deadline', options.deadline)
  if (options.grace !== undefined) checkTime(action, 'grace', options.grace)
  checkSwitch(action, 'shield', options.shield)
  checkName(action, options.name)
}

/** The options of a task. */
export function checkSpawn(action: string, options: SpawnOptions | undefined): void {
  if (options === undefined) return
  checkOptions(action, 'options', options)
  checkSwitch(action, 'daemon', options.daemon)
  checkName(action, options.name)
}

/** An object of a class. */
export function checkInstance<T>(action: string, name: string, value: T, type: abstract new (...args: never) => T): T {
  if (value instanceof type) return value
  throw wrong(action, name, `a ${type.name}`, value, '')
}

/** A promise, or whatever else has a `then`. */
export function checkPromise<P>(action: string, name: string, promise: P): P {
  if (isPromise(promise)) return promise
  throw wrong(
    action,
    name,
    'a promise',
    promise,
    '',
    isOperation(promise) ? 'an operation needs only its "yield*"' : '',
  )
}

/** An object with these methods. */
export function checkMethods<T>(action: string, name: string, value: T, kind: string, methods: readonly string[]): T {
  if (typeof value === 'object' && value !== null) {
    const object = value as Readonly<Record<string, unknown>>
    if (methods.every((method) => typeof object[method] === 'function')) return value
  }
  throw wrong(action, name, kind, value, '')
}

/** A function that returns something at once. */
export function checkFunction<F>(action: string, name: string, fn: F): F {
  if (typeof fn === 'function') return fn
  throw wrong(action, name, 'a function', fn, '')
}

/** Options, or nothing. A function or an operation here is an argument in the wrong place. */
export function checkOptions<O>(action: string, name: string, options: O): O {
  if (options === undefined) return options
  if (typeof options === 'object' && options !== null && !(Symbol.iterator in options) && !isPromise(options)) {
    return options
  }
  throw wrong(action, name, 'an object with options', options, '')
}

/** An operation, or a function that returns one. */
export function checkOperation<O extends Op<unknown>>(action: string, name: string, op: O): O {
  if (typeof op === 'function' ? !isAsync(op) : isOperation(op)) {
    if (tracker !== null) tracker.given(op)
    return op
  }
  throw wrong(action, name, 'an operation or a function that returns one', op, '', adviceFor(op))
}

/**
 * The same for a spawn, where asking for the kind of function would cost a tenth. An async function
 * is found out by what it returns.
 */
export function checkSpawned<O extends Op<unknown>>(action: string, name: string, op: O): O {
  return typeof op === 'function' && tracker === null ? op : checkOperation(action, name, op)
}

/** A source of items, one after the other. */
export function checkItems<I>(action: string, name: string, items: I): I {
  if (typeof items === 'string') return items
  if (typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items)) {
    return items
  }
  throw wrong(action, name, 'an iterable or an async iterable', items, '')
}

/** A list of operations, all there at once. */
export function checkOperations<L>(action: string, name: string, ops: L): L {
  if (!Array.isArray(ops)) {
    const advice = isOperation(ops) || typeof ops === 'function' ? 'put them into brackets, [a, b]' : ''
    throw wrong(action, name, 'a list of operations', ops, '', advice)
  }
  for (let i = 0; i < ops.length; i++) checkOperation(action, `${name}[${i}]`, ops[i])
  return ops
}

/** A function that returns an operation, and takes what it is given. */
export function checkBody<F>(action: string, name: string, body: F, kind = 'a function that returns an operation'): F {
  if (typeof body === 'function' && !isAsync(body)) return body
  const advice = isOperation(body) ? 'give the generator function itself, without calling it' : adviceFor(body)
  throw wrong(action, name, kind, body, '', advice)
}

/** The error: a RangeError for what has the right `type`. */
export function wrong(action: string, name: string, kind: string, value: unknown, type: string, advice = ''): Error {
  const text = `Cannot ${action}: ${name} must be ${kind}, not ${describe(value)}${advice === '' ? '' : `; ${advice}`}`
  return typeof value === type && type !== 'object' ? new RangeError(text) : new TypeError(text)
}
