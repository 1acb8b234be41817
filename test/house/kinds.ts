/**
 * Kinds of operands, for the test that gives every export wrong ones: which of some values of all sorts are right, and one
 * that is right in a call where another operand is wrong.
 */
import type { Operation } from 'drupe'

export interface Kind {
  readonly good: unknown
  right(value: unknown): boolean
  /** Of an object: what each of its properties must be. */
  readonly fields?: Readonly<Record<string, Kind>>
}

export function* five(): Operation<number> {
  return 5
}
const asynchronous = async (): Promise<void> => {}

/** Values of all sorts; made anew, since a generator is good for one run. */
export const sorts = (): unknown[] => [
  undefined,
  null,
  Number.NaN,
  -1,
  2.5,
  Number.POSITIVE_INFINITY,
  10n ** 20n,
  '3',
  'nul\0',
  Symbol('s'),
  true,
  {},
  [],
  [Promise.resolve()],
  new Map(),
  new Uint16Array(2),
  five,
  five(),
  asynchronous,
  Promise.resolve(),
]

const number = (value: unknown): value is number => typeof value === 'number'
const object = (value: unknown): value is object => typeof value === 'object' && value !== null
const kind = (good: unknown, right: (value: unknown) => boolean): Kind => ({ good, right })

export const ANY = kind(undefined, () => true)
export const TIME = kind(5, (value) => number(value) && value >= 0)
export const PERIOD = kind(5, (value) => number(value) && value > 0 && value < Number.POSITIVE_INFINITY)
export const AT = kind(5, (value) => number(value) && !Number.isNaN(value))
export const FD = kind(5, (value) => number(value) && Number.isInteger(value) && value >= 0)
export const SHARE = kind(0.5, (value) => number(value) && value >= 0 && value <= 1)
export const BYTES = kind(new Uint8Array(3), (value) => value instanceof Uint8Array)
export const PIECES = kind(new Uint8Array(3), (value) => Array.isArray(value) && value.length === 0)
export const STRING = kind('name', (value) => typeof value === 'string')
export const TEXT = kind('name', (value) => typeof value === 'string' && !value.includes('\0'))
export const STRING_OR_OBJECT = kind('name', (value) => typeof value === 'string' || object(value))
export const EVENT = kind('name', (value) => typeof value === 'string' || typeof value === 'symbol')
export const SWITCH = kind(true, (value) => typeof value === 'boolean')
export const FUNCTION = kind(five, (value) => typeof value === 'function')
export const BODY = kind(five, (value) => value === five)
export const OP = kind(
  five,
  (value) =>
    value === five ||
    Object.prototype.toString.call(value) === '[object Generator]' ||
    value instanceof Map ||
    value instanceof Uint16Array,
)
/** Where an async function is found by what it returns, in the step in which it is called. */
export const SPAWNED = kind(five, (value) => OP.right(value) || typeof value === 'function')
export const OPS = kind([five], (value) => Array.isArray(value) && value.length === 0)
export const ITEMS = kind([1], (value) => object(value) && Symbol.iterator in value)
export const LIST = kind(['a'], (value) => Array.isArray(value))

export function whole(least: number, good = Math.max(least, 1)): Kind {
  return kind(good, (value) => number(value) && Number.isInteger(value) && value >= least)
}

export function limit(least: number): Kind {
  return kind(5, (value) => value === Number.POSITIVE_INFINITY || whole(least).right(value))
}

export function word(...words: readonly string[]): Kind {
  return kind(words[0], (value) => words.includes(value as string))
}

/** Only this one is right. */
export function thing(good: unknown): Kind {
  return kind(good, () => false)
}

export function or(kind: Kind, right: (value: unknown) => boolean): Kind {
  return { ...kind, right: (value) => kind.right(value) || right(value) }
}

/** What may be left out; null is an error, or the same as nothing. */
export function optional(kind: Kind): Kind {
  return or(kind, (value) => value === undefined || value === null)
}

/** Options, which may be left out, as may each of them. */
export function options(fields: Readonly<Record<string, Kind>>): Kind {
  const all = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, optional(field)]))
  return { good: undefined, right: (value) => value === undefined || isBare(value), fields: all }
}

/** An object that must be there, and be like this one. */
export function like(good: object, fields: Readonly<Record<string, Kind>>): Kind {
  return { good, right: () => false, fields }
}

/** An object that options can be. */
export function isBare(value: unknown): boolean {
  return object(value) && !(Symbol.iterator in value) && !(value instanceof Promise)
}

/** PEM, as text or as bytes. */
const PEM: Kind = or(STRING, (value) => value instanceof Uint8Array)

/** The options of TLS. */
export const TLS: Readonly<Record<string, Kind>> = {
  ca: optional(or(PEM, (value) => Array.isArray(value))),
  cert: optional(PEM),
  key: optional(PEM),
  minVersion: optional(word('TLSv1.2', 'TLSv1.3')),
  maxVersion: optional(word('TLSv1.2', 'TLSv1.3')),
  rejectUnauthorized: optional(SWITCH),
  handshakeTimeout: optional(TIME),
}
