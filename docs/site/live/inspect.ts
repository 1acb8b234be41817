/**
 * Values as text, as Node's console prints them: enough for what the documents' programs print.
 *
 * Strings stand for themselves; inside of something else they have quotes.
 */
const DEPTH = 3

/** A line of the console. */
export function line(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : text(value, DEPTH))).join(' ')
}

function text(value: unknown, depth: number): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `[Function: ${value.name || '(anonymous)'}]`
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (depth === 0) return Array.isArray(value) ? '[Array]' : '[Object]'
  const deeper = (one: unknown): string => text(one, depth - 1)
  if (Array.isArray(value)) return between('[', value.map(deeper), ']')
  const name = value.constructor?.name ?? '[Object: null prototype]'
  if (ArrayBuffer.isView(value) && 'length' in value) {
    return `${name}(${value.length}) ${between('[', Array.from(value as Uint8Array, deeper), ']')}`
  }
  if (value instanceof Map) {
    return `Map(${value.size}) ${between(
      '{',
      Array.from(value, ([k, v]) => `${deeper(k)} => ${deeper(v)}`),
      '}',
    )}`
  }
  if (value instanceof Set) return `Set(${value.size}) ${between('{', Array.from(value, deeper), '}')}`
  const fields = Object.entries(value).map(
    ([key, one]) => `${/^[\w$]+$/.test(key) ? key : quoted(key)}: ${deeper(one)}`,
  )
  return `${name === 'Object' ? '' : `${name} `}${between('{', fields, '}')}`
}

function between(open: string, parts: readonly string[], close: string): string {
  return parts.length === 0 ? open + close : `${open} ${parts.join(', ')} ${close}`
}

/** In quotes that the text does not contain. */
function quoted(value: string): string {
  const quote = [`'`, '"', '`'].find((one) => !value.includes(one)) ?? `'`
  const escaped = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"')
  return quote + (quote === `'` ? escaped.replaceAll(`'`, `\\'`) : escaped) + quote
}
