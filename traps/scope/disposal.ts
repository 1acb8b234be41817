/**
 * The language's word for "close it", on things that are closed by an operation.
 *
 * `Symbol.asyncDispose` was made for promises, but only a task can close a stream. So what the
 * method gives is both: an operation, which `using` and `use` run, and for the `await using` of
 * host code a promise that is rejected and says what to write. Closing nothing in silence would be
 * a leak.
 */
import { KernelStateError } from '../../kernel/protocol/errors.js'
import { isOperation } from '../../kernel/protocol/operation.js'
import type { Operation, Yielded } from '../../kernel/protocol/trap.js'
import { isPromise } from '../../kernel/protocol/value.js'
import { until } from '../raw/promise.js'

/** Where the language has no such symbols yet, those that compilers and polyfills agree on. */
export const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose')
export const ASYNC_DISPOSE: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')

/** Returns how to dispose of a value, if it says so itself. */
export function disposerOf(value: unknown): (() => unknown) | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  const methods = value as Partial<Record<symbol, unknown>>
  const dispose = methods[ASYNC_DISPOSE] ?? methods[DISPOSE]
  return typeof dispose === 'function' ? () => dispose.call(value) as unknown : undefined
}

/** Disposes, and waits for what that returns. */
export function* disposing(dispose: () => unknown): Operation<void> {
  const end = dispose()
  if (isOperation(end)) yield* end
  else if (isPromise(end)) yield* until(end)
}

/**
 * What `[Symbol.asyncDispose]()` of a stream, a listener or a socket gives: run by a task, it
 * closes it.
 */
export class Disposal implements Operation<void>, PromiseLike<void> {
  private readonly subject: { close(): Operation<unknown> }

  /** @internal */
  constructor(subject: { close(): Operation<unknown> }) {
    this.subject = subject
  }

  *[Symbol.iterator](): Iterator<Yielded, void, unknown> {
    yield* this.subject.close()
  }

  /**
   * Rejects: host code cannot close it.
   *
   * @param done Is not called.
   * @param failed Gets the error that says what to write.
   */
  // biome-ignore lint/suspicious/noThenProperty: so that `await using` does not pass over it in silence
  then<A = void, B = never>(
    done?: ((value: void) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const why = 'only a task can; write "yield* using(value)" or "yield* value.close()" there'
    const name = this.subject.constructor.name
    return Promise.reject<void>(new KernelStateError(`close the ${name} outside of a task`, why)).then(done, failed)
  }
}
