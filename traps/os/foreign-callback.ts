/**
 * A function that C can call, from whatever thread: how it is made, and how it is taken from C.
 *
 * koffi brings a call of another thread to the host's loop, and the C thread waits meanwhile. It is
 * not made to wait for a task as well, which might wait for C: it gets a fixed result at once, and
 * the call is an event that waits for its reader.
 */
import { setImmediate } from '../../kernel/protocol/host-functions.js'
import { checkBody, checkLimit, checkOptions, checkWord, wrong } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { Cursor, Source } from '../scope/each.js'
import { namedResource } from '../scope/resource.js'
import { type Decode, ForeignCalls } from './foreign-calls.js'
import { checkKoffi, checkType, type ForeignType, foreignError, type Koffi } from './koffi.js'
import { ForeignArgument, Lifetime } from './lifetime.js'

/** How a callback behaves. */
export interface ForeignCallbackOptions<A extends readonly unknown[], T> {
  /** What C gets as its result, each time. Default: nothing, which only `void` takes. */
  readonly result?: unknown
  /**
   * Makes the event out of the arguments, while C waits: what a pointer leads to may be gone
   * afterwards. What it throws is thrown by the read, after the events before it; it is the end.
   * Default: the list of arguments.
   */
  readonly decode?: (...args: A) => T
  /** How many events wait at most for the task to take them. Default 1024. */
  readonly limit?: number
  /**
   * What happens at the limit. `'fail'` (default): reading throws a BrokenError after the events
   * before it, and it is the end. `'dropOldest'`, `'dropNewest'`: as they say; see `missed`.
   */
  readonly overflow?: 'fail' | 'dropOldest' | 'dropNewest'
}

/**
 * Makes a function that C can call, from any thread; each call is an event, from `next()` or by
 * `each`. It is a resource, taken from C when the innermost nursery of the task ends, or before
 * with `close()`. Calls of `foreign` that have it as an argument are waited for first. A pointer
 * that C keeps beyond them must be taken from C before that: a call that comes later ends the
 * process. If the task is cancelled while it waits for the next event, none is lost.
 *
 * C does not wait for the task: it gets `result` at once. Waiting for an event keeps the host's
 * process. In a blocking run it is a KernelStateError, since calls of other threads come through
 * the host's loop; what C has called from the same thread by then is there.
 *
 * @param koffi The module: `import koffi from 'koffi'`.
 * @param type Of koffi's: what `koffi.proto` returns, or a pointer to it.
 * @param options `result`, `decode`, and how many events are kept.
 * @throws TypeError if `type` is no function's, or `result` is not of the type that it returns.
 * @throws Error if koffi has no callback left, of 8,192.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { foreign, foreignCallback, run, spawn } from 'drupe'
 * import koffi from 'koffi'
 *
 * const Compare = koffi.proto('int Compare(const void *a, const void *b)')
 * const libc = koffi.load('libc.so.6')
 * const qsort = libc.func('qsort', 'void', ['void *', 'size_t', 'size_t', koffi.pointer(Compare)])
 *
 * await run(function* () {
 *   const decode = (a: bigint, b: bigint) => [koffi.decode(a, 'char'), koffi.decode(b, 'char')]
 *   const compared = yield* foreignCallback(koffi, Compare, { result: 0, decode })
 *   yield* spawn(foreign(qsort, new Int8Array([1, 2]), 2, 1, compared))
 *   console.log((yield* compared.next()).value) // => [ 1, 2 ]
 * })
 * @see https://koffi.dev/callbacks
 */
export function foreignCallback<A extends readonly unknown[] = unknown[], T = A>(
  koffi: Koffi,
  type: ForeignType,
  options: ForeignCallbackOptions<A, T> = {},
): Operation<ForeignCallback<T>> {
  checkKoffi(ACTION, koffi)
  checkType(ACTION, type)
  checkOptions(ACTION, 'options', options)
  const { result, decode, overflow = 'fail' } = options
  const limit = checkLimit(ACTION, 'limit', options.limit ?? 1024, 1)
  checkWord(ACTION, 'overflow', overflow, ['fail', 'dropOldest', 'dropNewest'])
  if (decode !== undefined) checkBody(ACTION, 'decode', decode, 'a function that returns at once')
  const pointerType = pointerTo(koffi, type)
  checkResult(koffi, pointerType, result)
  return namedResource<ForeignCallback<T>>('foreignCallback', function* (provide) {
    const calls = new ForeignCalls<T>(limit, overflow, decode as Decode<T> | undefined)
    const callback = register(koffi, pointerType, calls, result)
    try {
      yield* provide(callback)
    } finally {
      yield* callback.close()
    }
  })
}

const ACTION = 'make a callback'

function register<T>(koffi: Koffi, type: ForeignType, calls: ForeignCalls<T>, result: unknown): ForeignCallback<T> {
  let pointer: unknown
  try {
    // Nothing may be thrown through C.
    pointer = koffi.register((...args) => {
      calls.arrived(args)
      return result
    }, type)
  } catch (error) {
    throw foreignError(ACTION, error)
  }
  // A call that has come from another thread reaches its function with the next round of the
  // host's loop, and must find it; the present round may have looked already.
  const free = (done: () => void): void => {
    setImmediate(() =>
      setImmediate(() => {
        koffi.unregister(pointer)
        done()
      }),
    )
  }
  return new ForeignCallback<T>(new Lifetime('the callback is closed', free), pointer, calls)
}

function pointerTo(koffi: Koffi, type: ForeignType): ForeignType {
  let primitive: string
  try {
    primitive = koffi.type(type).primitive
  } catch (error) {
    throw foreignError(ACTION, error)
  }
  if (primitive === 'Prototype') return koffi.pointer(type)
  if (primitive === 'Callback') return type
  throw wrong(ACTION, 'type', 'the type of a function, as koffi.proto makes it', type, '')
}

/** What koffi would only find out when C calls, where the error is nobody's. */
function checkResult(koffi: Koffi, type: ForeignType, result: unknown): void {
  const returned = koffi.type(type).proto?.result ?? 'void'
  const { primitive } = koffi.type(returned)
  if (primitive === 'Void' && result !== undefined)
    throw wrong(ACTION, 'result', 'left out, for C wants none', result, '')
  if (primitive === 'Void') return
  if (typeof result === 'string') {
    throw wrong(ACTION, 'result', 'a value that C need not free', result, '', 'give the address of memory that stays')
  }
  const memory = koffi.alloc(returned, 1)
  try {
    koffi.encode(memory, returned, result)
  } catch (error) {
    throw foreignError(`${ACTION} with this result`, error)
  } finally {
    koffi.free(memory)
  }
}

/** A function that C can call; `foreign` takes it where C wants a pointer to one. */
export class ForeignCallback<T> extends ForeignArgument implements Cursor<T>, Source<T> {
  private readonly calls: ForeignCalls<T>

  /** @internal */
  constructor(lifetime: Lifetime, pointer: unknown, calls: ForeignCalls<T>) {
    super(lifetime, pointer)
    this.calls = calls
  }

  /** How many calls were dropped, because nobody took them in time. */
  get missed(): number {
    return this.calls.missed
  }

  /** Reads it: it is its own cursor. */
  open(): Cursor<T> {
    return this
  }

  /**
   * Waits for the next call. If the task is cancelled while it waits, the call is left to the next
   * one.
   *
   * @throws BrokenError if there were more than it keeps.
   * @throws what `decode` throws.
   * @throws KernelStateError in a blocking run, if there is none yet.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  next(): Operation<IteratorResult<T, undefined>> {
    return this.calls.next()
  }

  /**
   * Takes it from C, after the calls of `foreign` that have it. What has come until now can still
   * be read, and then it is at its end. A second call does nothing. If the task is cancelled while
   * it waits, it goes on waiting.
   */
  *close(): Operation<void> {
    yield* this.calls.close()
    yield* this.lifetime.end()
  }
}
