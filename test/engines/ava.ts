/**
 * As much of AVA as the kernel's tests use, for engines on which AVA itself does not run: Bun, Deno, browsers.
 *
 * There a package named "ava" leads to this file, so the compiled tests are the same files that AVA runs on Node. Tests run one
 * after the other. What counts as a failure is what AVA counts: a failed assertion, anything thrown, no assertion at all, and a
 * rejection that nobody handles. What AVA has and this file does not is missing, and fails the test that wants it.
 */
import { PATIENCE_MS } from '../patience.js'
import { difference, isLike } from './equal.js'

/** What a test is given. */
type Body = (t: Assertions) => unknown

/** How one test ended. */
export interface Verdict {
  readonly title: string
  /** Undefined if it passed. */
  readonly error?: unknown
}

/** What `throws` may be told about the error. */
interface Expectation {
  readonly instanceOf?: new (...args: never[]) => unknown
  readonly message?: string | RegExp | ((message: string) => boolean)
  readonly code?: string | number
  readonly name?: string
  readonly is?: unknown
}

const registered: { readonly title: string; readonly body: Body }[] = []

class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

function refuse(what: string, message?: string): never {
  throw new AssertionError(message === undefined ? what : `${message}: ${what}`)
}

/** What AVA calls an execution context. */
class Assertions {
  readonly title: string
  /** How many assertions were made. */
  made = 0
  readonly cleanups: (() => unknown)[] = []

  constructor(title: string) {
    this.title = title
  }

  private check(holds: boolean, what: () => string, message?: string): true {
    this.made++
    if (!holds) refuse(what(), message)
    return true
  }

  pass(): true {
    return this.check(true, String)
  }

  fail(message = 'failed'): never {
    this.made++
    return refuse(message)
  }

  is(actual: unknown, expected: unknown, message?: string): true {
    return this.check(Object.is(actual, expected), () => `${shown(actual)} is not ${shown(expected)}`, message)
  }

  not(actual: unknown, expected: unknown, message?: string): true {
    return this.check(!Object.is(actual, expected), () => `it is ${shown(actual)}`, message)
  }

  true(actual: unknown, message?: string): true {
    return this.is(actual, true, message)
  }

  false(actual: unknown, message?: string): true {
    return this.is(actual, false, message)
  }

  truthy(actual: unknown, message?: string): true {
    return this.check(Boolean(actual), () => `${shown(actual)} is falsy`, message)
  }

  falsy(actual: unknown, message?: string): true {
    return this.check(!actual, () => `${shown(actual)} is truthy`, message)
  }

  deepEqual(actual: unknown, expected: unknown, message?: string): true {
    const found = difference(actual, expected)
    return this.check(found === null, () => `${shown(actual)} is not ${shown(expected)}: it differs ${found}`, message)
  }

  notDeepEqual(actual: unknown, expected: unknown, message?: string): true {
    return this.check(difference(actual, expected) !== null, () => `it is ${shown(actual)}`, message)
  }

  like(actual: unknown, expected: object, message?: string): true {
    return this.check(isLike(actual, expected), () => `${shown(actual)} is not like ${shown(expected)}`, message)
  }

  regex(text: string, pattern: RegExp, message?: string): true {
    return this.check(matches(pattern, text), () => `${shown(text)} does not match ${pattern}`, message)
  }

  notRegex(text: string, pattern: RegExp, message?: string): true {
    return this.check(!matches(pattern, text), () => `${shown(text)} matches ${pattern}`, message)
  }

  throws(body: () => unknown, expected?: Expectation, message?: string): unknown {
    try {
      body()
    } catch (error) {
      return this.expected(error, expected, message)
    }
    this.made++
    return refuse('nothing was thrown', message)
  }

  async throwsAsync(
    body: Promise<unknown> | (() => Promise<unknown>),
    expected?: Expectation,
    message?: string,
  ): Promise<unknown> {
    try {
      await (typeof body === 'function' ? body() : body)
    } catch (error) {
      return this.expected(error, expected, message)
    }
    this.made++
    return refuse('it did not reject', message)
  }

  notThrows(body: () => unknown): true {
    body()
    return this.pass()
  }

  async notThrowsAsync(body: Promise<unknown> | (() => Promise<unknown>)): Promise<void> {
    await (typeof body === 'function' ? body() : body)
    this.pass()
  }

  teardown(cleanup: () => unknown): void {
    this.cleanups.push(cleanup)
  }

  /** The limit of a test is that of all: see PATIENCE_MS. */
  timeout(): void {}

  log(): void {}

  private expected(error: unknown, expected: Expectation = {}, message?: string): unknown {
    const { instanceOf, message: text, code, name } = expected
    const told = error as { readonly message: string; readonly code?: unknown; readonly name?: unknown }
    this.check(error instanceof Error, () => `${shown(error)} was thrown, which is no Error`, message)
    const wrong = (): string => `${shown(error)} was thrown`
    if (instanceOf !== undefined) this.check(error instanceof instanceOf, wrong, message)
    if (code !== undefined) this.check(told.code === code, wrong, message)
    if (name !== undefined) this.check(told.name === name, wrong, message)
    if ('is' in expected) this.check(error === expected.is, wrong, message)
    if (typeof text === 'string') this.check(told.message === text, wrong, message)
    else if (typeof text === 'function') this.check(text(told.message), wrong, message)
    else if (text !== undefined) this.check(matches(text, told.message), wrong, message)
    return error
  }
}

/** Registers a test, as AVA does. */
function test(title: string, body: Body): void {
  registered.push({ title, body })
}
test.serial = test

export default test

/** Runs what was registered since the last time, one test after the other. */
export async function runRegistered(): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const { title, body } of registered.splice(0)) verdicts.push(await judge(title, body))
  return verdicts
}

/** Runs one test. */
export async function judge(title: string, body: Body): Promise<Verdict> {
  try {
    await runOne(title, body)
    return { title }
  } catch (error) {
    return { title, error: error ?? new AssertionError(`${shown(error)} was thrown`) }
  }
}

async function runOne(title: string, body: Body): Promise<void> {
  const t = new Assertions(title)
  let late: ReturnType<typeof setTimeout> | undefined
  const patience = new Promise((_, reject) => {
    late = setTimeout(() => reject(new AssertionError(`not done within ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    await Promise.race([body(t), patience])
  } finally {
    clearTimeout(late)
    for (const cleanup of t.cleanups.reverse()) await cleanup()
  }
  if (t.made === 0) refuse('it made no assertion')
}

/** Collects rejections that nobody handles, and forgets those that somebody does handle later. */
export function watchRejections(): ReadonlyMap<Promise<unknown>, unknown> {
  const unhandled = new Map<Promise<unknown>, unknown>()
  if (typeof process === 'object' && typeof process.on === 'function') {
    process.on('unhandledRejection', (reason, promise) => unhandled.set(promise, reason))
    process.on('rejectionHandled', (promise) => unhandled.delete(promise))
    return unhandled
  }
  const page = globalThis as unknown as EventTarget
  page.addEventListener('unhandledrejection', (event) => {
    const { promise, reason } = event as Event & { promise: Promise<unknown>; reason: unknown }
    unhandled.set(promise, reason)
    // Otherwise the console says it, too.
    event.preventDefault()
  })
  page.addEventListener('rejectionhandled', (event) => {
    unhandled.delete((event as Event & { promise: Promise<unknown> }).promise)
  })
  return unhandled
}

/** A pattern with the flag g would go on where it stopped. */
function matches(pattern: RegExp, text: string): boolean {
  return new RegExp(pattern.source, pattern.flags.replace('g', '')).test(text)
}

/** A value in a message. */
export function shown(value: unknown): string {
  if (value instanceof Error) return value.stack?.includes(value.message) ? value.stack : `${value}\n${value.stack}`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null) {
    try {
      return JSON.stringify(value)
    } catch {
      // In circles; its kind must do.
    }
  }
  return String(value)
}
