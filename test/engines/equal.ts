/**
 * Equality in depth, as the assertions of AVA mean it, for engines on which AVA does not run.
 *
 * Two values are equal if they are of the same kind and have the same parts: own enumerable properties, elements, entries.
 * Primitives are compared with `Object.is`; errors also by name and message; circles are followed once.
 */

/** Where two values differ first, in words; null if they do not. */
export function difference(
  actual: unknown,
  expected: unknown,
  path = '',
  seen = new Map<object, object>(),
): string | null {
  if (Object.is(actual, expected)) return null
  const here = `at ${path === '' ? 'the top' : path}`
  if (!isObject(actual) || !isObject(expected) || typeof actual === 'function') return here
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return here
  if (seen.get(actual) === expected) return null
  seen.set(actual, expected)
  const inside = (from: unknown, to: unknown, step: string): string | null => difference(from, to, path + step, seen)

  if (actual instanceof Promise || actual instanceof WeakMap || actual instanceof WeakSet) return here
  if (actual instanceof Date && !Object.is(Number(actual), Number(expected))) return here
  if (actual instanceof RegExp && String(actual) !== String(expected)) return here
  if (actual instanceof Error) {
    const other = expected as unknown as Error
    if (actual.name !== other.name || actual.message !== other.message) return here
  }
  if (actual instanceof Map || actual instanceof Set) {
    const others = expected as typeof actual
    if (actual.size !== others.size) return `${here} in size`
    return inside([...actual], [...others], '.entries')
  }
  const names = Reflect.ownKeys(actual).filter((key) => isOwn(actual, key))
  if (names.length !== Reflect.ownKeys(expected).filter((key) => isOwn(expected, key)).length)
    return `${here} in its keys`
  if (Array.isArray(actual) && actual.length !== (expected as unknown as unknown[]).length) return `${here} in length`
  for (const name of names) {
    if (!isOwn(expected, name)) return `at ${path}.${String(name)}`
    const found = inside(actual[name], expected[name], `.${String(name)}`)
    if (found !== null) return found
  }
  return null
}

/** Has `actual` at least what `expected` has? */
export function isLike(actual: unknown, expected: unknown): boolean {
  if (!isObject(expected) || ![Object.prototype, Array.prototype].includes(Object.getPrototypeOf(expected))) {
    return difference(actual, expected) === null
  }
  if (!isObject(actual)) return false
  return Object.keys(expected).every((key) => isLike(actual[key], expected[key]))
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
}

function isOwn(value: object, key: PropertyKey): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, key)
}
