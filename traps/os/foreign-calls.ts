/**
 * The calls from C that no task has taken yet: so many, and what happens with more.
 *
 * They come while C waits and nothing may be thrown through C. So whatever goes wrong is kept, too,
 * and thrown where they are read.
 */
import { BrokenError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { HostCursor } from './host-cursor.js'

/** Makes the event out of the arguments of a call. */
export type Decode<T> = (...args: readonly unknown[]) => T

/** The calls that nobody has taken yet. */
export class ForeignCalls<T> extends HostCursor<T> {
  /** @internal */
  readonly hostLoop = ['wait for a call from C', "it comes through the host's loop"] as const
  missed = 0
  private readonly buffer = new Fifo<T>()
  /** Nothing comes any more; with an error, that is thrown once. */
  private end: { readonly error?: unknown } | null = null

  constructor(
    private readonly limit: number,
    private readonly overflow: 'fail' | 'dropOldest' | 'dropNewest',
    private readonly decode: Decode<T> = (...args) => args as T,
  ) {
    super()
  }

  arrived(args: readonly unknown[]): void {
    if (this.end !== null) return
    try {
      if (!this.makeRoom()) return
      this.buffer.add(this.decode(...args))
      this.wake()
    } catch (error) {
      this.finish({ error })
    }
  }

  *close(): Operation<void> {
    if (this.end === null) this.finish({})
  }

  protected get ready(): boolean {
    return this.buffer.size > 0 || this.end !== null
  }

  protected take(): IteratorResult<T, undefined> {
    if (this.buffer.size > 0) return { done: false, value: this.buffer.take() }
    if (this.end !== null && 'error' in this.end) {
      const { error } = this.end
      this.end = {}
      throw error
    }
    return { done: true, value: undefined }
  }

  private makeRoom(): boolean {
    const { buffer, limit, overflow } = this
    if (buffer.size < limit) return true
    this.missed++
    if (overflow === 'dropNewest') return false
    if (overflow === 'dropOldest') {
      buffer.take()
      return true
    }
    const why = `${limit} of them are waiting to be read and more come; see the options limit and overflow`
    throw new BrokenError('read the calls from C', why)
  }

  private finish(end: { readonly error?: unknown }): void {
    this.end = end
    this.wakeAll()
  }
}
