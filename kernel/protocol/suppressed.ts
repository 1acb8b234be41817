/**
 * Later failures, kept with the first.
 *
 * One failure leaves a nursery, and the others must not be lost with it. They are in a property of
 * the error that came first, where `console.log` and the report of an uncaught error show them
 * without a line of code.
 */

/**
 * Later failures of a nursery whose first failure is `error`, in the order in which they happened.
 *
 * The first failure leaves a nursery unchanged; those that came after it are kept here and are
 * shown when it is printed.
 *
 * @param error What was thrown.
 * @example
 * import { run, nursery, suppressed } from 'drupe'
 *
 * function* fail(name: string) {
 *   throw new Error(name)
 * }
 * try {
 *   await run(() => nursery(function* (n) {
 *     yield* n.spawn(() => fail('first'))
 *     yield* n.spawn(() => fail('second'))
 *   }))
 * } catch (error) {
 *   console.log((error as Error).message, suppressed(error).map(String)) // => first [ 'Error: second' ]
 * }
 */
export function suppressed(error: unknown): readonly unknown[] {
  if (typeof error !== 'object' || error === null) return []
  return listOf(error) ?? []
}

/**
 * A symbol property, so that `console.log` and uncaught errors show it without a line of our own.
 */
const SUPPRESSED = Symbol.for('drupe.suppressed')

const MOST_SUPPRESSED = 100

/** For errors that cannot take a property. */
const frozen = new WeakMap<object, unknown[]>()

/** Keeps `later` with the error that came first. */
export function suppress(first: unknown, later: unknown): void {
  if (first === later || typeof first !== 'object' || first === null) return
  const list = listOf(first)
  if (list !== undefined) keep(list, later)
  else if (!attach(first, [later])) frozen.set(first, [later])
}

/** What is kept with an error. */
function listOf(error: object): unknown[] | undefined {
  const list = frozen.get(error)
  if (list !== undefined) return list
  try {
    return (error as { [SUPPRESSED]?: unknown[] })[SUPPRESSED]
  } catch {
    return undefined
  }
}

/** False: it takes no property, or throws when it is to take one. */
function attach(error: object, list: unknown[]): boolean {
  try {
    return Reflect.defineProperty(error, SUPPRESSED, { value: list, enumerable: true })
  } catch {
    return false
  }
}

/**
 * One error object thrown again and again (a constant of a module) must not collect others for
 * ever.
 */
function keep(list: unknown[], later: unknown): void {
  if (list.length < MOST_SUPPRESSED) list.push(later)
}
