/** What the tests of threads and processes run there. */
import {
  checkpoint,
  clock,
  context,
  effectiveDeadline,
  type LinkPort,
  linkedEvent,
  linkedQueue,
  map,
  type Operation,
  shield,
  sleep,
  spawn,
  startProcess,
  suspend,
  TooLargeError,
  thread,
  timeout,
  transfer,
  UniversalEvent,
} from 'drupe'

export const user = context('user of the tests', 'nobody', { travels: true })

export default function hello(): string {
  return 'hello'
}

export const sum = (...numbers: number[]): number => numbers.reduce((a, b) => a + b, 0)
export const same = <T>(value: T): T => value
export const notAFunction = 42

export function* slowly<T>(value: T): Operation<T> {
  yield* sleep(1)
  return value
}

export async function later<T>(value: T): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 1))
  return value
}

export const forever = (): Operation<never> => suspend()
export const asOperation = (): Operation<void> => sleep(1)

/** What it has started ends with it. */
export function* leavesTasks(): Operation<string> {
  yield* spawn(() => sleep(Number.POSITIVE_INFINITY), { daemon: true })
  return 'over'
}

const HOW: Readonly<Record<string, () => unknown>> = {
  TypeError: () => new TypeError('wrong', { cause: new RangeError('too far') }),
  fields: () => Object.assign(new Error('with fields'), { code: 'E_FIELD', size: 3, call: () => {} }),
  own: () =>
    new (class OwnError extends TypeError {
      override readonly name = 'OwnError'
    })('of a class of its own'),
  TooLargeError: () => new TooLargeError('read it', 5),
  AggregateError: () => new AggregateError([new Error('one'), 'two'], 'both'),
  DOMException: () => new DOMException('stopped', 'AbortError'),
  text: () => 'only text',
  nothing: () => undefined,
  function: () => () => {},
  proxy: () => {
    const refuse = (): never => {
      throw new Error('it was looked at')
    }
    return new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse })
  },
  circle: () => {
    const error = new Error('a circle')
    error.cause = error
    return error
  },
}

/** Things that can be iterated and are no operations. */
const ITERABLE: Readonly<Record<string, () => unknown>> = {
  entries: () => new Map([['a', 1]]),
  text: () => new String('abc'),
  proxy: () => HOW['proxy']?.(),
}

export const returns = (what: string): unknown => ITERABLE[what]?.()
export const returnsLater = async (what: string): Promise<unknown> => ITERABLE[what]?.()

/** An operation of another kind than a generator or a trap. */
export const ownOperation = (): Operation<string> => ({ [Symbol.iterator]: () => slowly('own')[Symbol.iterator]() })

export function fails(how: string): never {
  throw HOW[how]?.()
}

export function* failsLater(how: string): Operation<never> {
  yield* sleep(1)
  throw HOW[how]?.()
}

export const failsAsync = async (how: string): Promise<never> => fails(how)
export const uncloneable = (): unknown => () => {}
export const getUser = (): Operation<string> => user.get()

export function* timeLeft(): Operation<number> {
  return (yield* effectiveDeadline()) - (yield* clock())
}

/** Says that it runs, waits, and says that it has cleaned up. */
export function* waits(begun: LinkPort, cleaned: LinkPort, cleanupMs: number): Operation<void> {
  try {
    linkedEvent(begun).set()
    yield* sleep(Number.POSITIVE_INFINITY)
  } finally {
    yield* sleep(cleanupMs)
    linkedEvent(cleaned).set()
  }
}

/** The same with a cleanup that no cancel cuts. */
export function* waitsShielded(begun: LinkPort, cleaned: LinkPort, cleanupMs: number): Operation<void> {
  try {
    linkedEvent(begun).set()
    yield* sleep(Number.POSITIVE_INFINITY)
  } finally {
    yield* shield(sleep(cleanupMs))
    linkedEvent(cleaned).set()
  }
}

export function* failsInCleanup(begun: LinkPort): Operation<void> {
  try {
    linkedEvent(begun).set()
    yield* sleep(Number.POSITIVE_INFINITY)
  } catch (error) {
    throw new RangeError('the cleanup failed', { cause: error })
  }
}

/** Computes, and looks up now and then. */
export function* computes(begun: LinkPort): Operation<never> {
  linkedEvent(begun).set()
  for (;;) yield* checkpoint()
}

/** Computes without looking up; the message leaves all the same. */
export function* spins(begun: LinkPort): Operation<never> {
  linkedEvent(begun).set()
  for (;;);
}

export function* asksThenAnswers(port: LinkPort): Operation<void> {
  const queue = linkedQueue<number>(port)
  for (let n = yield* queue.get(); n !== 0; n = yield* queue.get()) yield* queue.put(-n)
}

/** Dies, and leaves a program behind that has the line to the caller. */
export function* leavesOne(): Operation<never> {
  yield* startProcess('sleep', ['1000'], { stdin: 'inherit', stdout: 'ignore', stderr: 'ignore', group: false })
  process.kill(process.pid, 'SIGKILL')
  return yield* suspend()
}

export const exits = (code: number): never => process.exit(code)

export function throwsOutside(): Promise<never> {
  setTimeout(() => {
    throw new RangeError('thrown outside')
  })
  return new Promise(() => {})
}

export function rejectsOutside(): Promise<never> {
  void Promise.reject(new RangeError('rejected outside'))
  return new Promise(() => {})
}

export function fillsMemory(): never {
  const kept: unknown[] = []
  for (;;) kept.push(new Array(1000).fill(0.5))
}

export const lengthOf = (bytes: Uint8Array): number => bytes.length

export function bytesOf(length: number): unknown {
  const bytes = new Uint8Array(length).fill(7)
  return transfer(bytes, [bytes.buffer])
}

/** Which kernel or process it is that runs this: calls in the same one count on. */
let calls = 0
export const countCalls = (): number => ++calls
export const pid = (): number => process.pid

export function* inAnotherThread(module: string, a: number, b: number): Operation<number> {
  return yield* thread<number>(new URL(module), 'sum', a, b)
}

export function* timesOut(): Operation<void> {
  yield* timeout(1, sleep(60_000))
}

export function* manyTasks(count: number): Operation<number> {
  const results = yield* map(
    Array.from({ length: count }, (_, i) => i),
    slowly,
  )
  return results.length
}

export function spinsAtOnce(): never {
  for (;;);
}

export const killsItself = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

/** Long enough for another one to be started. */
export function* pidSlowly(): Operation<number> {
  yield* sleep(200)
  return process.pid
}

export function* tellsAndWaits(): Operation<void> {
  try {
    console.log(process.pid)
    yield* sleep(Number.POSITIVE_INFINITY)
  } finally {
    yield* sleep(1)
    console.log('cleaned up')
  }
}

/** A call of `untilBegun` in the same kernel waits for it. */
const begunHere = new UniversalEvent()
export const untilBegun = (): Operation<void> => begunHere.wait()

/** Waits; when it is cancelled it computes for ever. */
export function* spinsInCleanup(): Operation<never> {
  try {
    begunHere.set()
    return yield* suspend()
  } finally {
    for (;;);
  }
}

/** Waits; when it is cancelled it cleans up for so long, and says how far that came. */
export function* cleansUp(cleanupMs: number): Operation<string> {
  try {
    begunHere.set()
    return yield* suspend()
  } catch {
    try {
      yield* sleep(cleanupMs)
      return 'whole'
    } catch {
      return 'cut'
    }
  }
}

/** What v8 writes, and cannot read. */
const { WebAssembly } = globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => object } }
export const compiled = (): object => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))

/** Some of it can be cloned and not written by v8, some is written and cannot be read. */
export function failsWithMuch(): never {
  class MuchError extends RangeError {
    override readonly name = 'MuchError'
    get code(): string {
      return 'E_MUCH'
    }
  }
  throw Object.assign(new MuchError('much'), { size: 3, blob: new Blob(['x']), compiled: compiled(), call: () => {} })
}

/** Its process ends in the middle of its cleanup. */
export function* diesInCleanup(): Operation<never> {
  try {
    begunHere.set()
    return yield* suspend()
  } finally {
    process.exit(5)
  }
}
