/**
 * Pumps: two tasks that carry bytes between a stream and the host's end of it.
 *
 * The host's streams push and call back, and a stream of ours is read and written by tasks. So one
 * task reads when the host's end asks for more, and one writes what the host's end was given, and
 * says when that is done: back-pressure in both directions is nothing but who waits for whom. The
 * two are shielded, because the code that a cancel reaches may still need the stream to clean up.
 * They end when the host's end is destroyed, and then the stream is closed.
 */
import type { Nursery } from '../../kernel/protocol/handles.js'
import { queueMicrotask } from '../../kernel/protocol/host-functions.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { call, suspend } from '../raw/call.js'
import { nursery } from '../scope/nursery.js'
import { canceller, isLeaving } from '../scope/place.js'
import { shield } from '../scope/scope.js'
import type { ByteStream } from './byte-stream.js'

/** What the pumps carry bytes to. */
export interface HostEnd {
  /** Takes bytes, or null at the end; false: no more before it calls `want`. */
  take(bytes: Uint8Array | null): boolean
  /** The stream has failed, and the end is to be destroyed. */
  broken(error: unknown): void
}

/** What is to be written; null: the end. */
interface Job {
  readonly bytes: Uint8Array | readonly Uint8Array[] | null
  readonly done: (error?: unknown) => void
}

const SHIELDED = { shield: true, name: 'pumps' }

export class Pumps {
  private wanted = false
  private wakeReader: (() => void) | null = null
  private job: Job | null = null
  private wakeWriter: (() => void) | null = null
  private cancel: ((reason: unknown) => boolean) | null = null
  private destroyed = false
  private begun = false
  private over = false
  private closed: (failure: unknown) => void = () => {}

  constructor(
    readonly stream: ByteStream,
    private readonly end: HostEnd,
  ) {}

  /** From the host: it has room for more. */
  want(): void {
    if (this.wanted) return
    this.wanted = true
    this.wakeReader?.()
  }

  /** From the host: bytes to write. It gives the next ones when `done` was called, not before. */
  write(bytes: Uint8Array | readonly Uint8Array[] | null, done: (error?: unknown) => void): void {
    this.job = { bytes, done }
    this.wakeWriter?.()
  }

  /** From the host: it is over. Calls back when the pumps are out and the stream is closed. */
  destroy(closed: (failure: unknown) => void): void {
    this.destroyed = true
    this.closed = closed
    this.cancel?.('the other end was destroyed')
    if (this.over) closed(null)
  }

  /** What the task does that has both pumps. */
  *run(): Operation<void> {
    this.begun = true
    try {
      yield* nursery((n) => this.both(n), SHIELDED)
    } finally {
      // A cancel that waited outside the shield comes in at the nursery's end.
      yield* this.close()
    }
  }

  /** A task that was cancelled before it began pumps nothing; the stream is closed all the same. */
  *ensureClosed(): Operation<void> {
    if (!this.begun) yield* this.close()
  }

  private *close(): Operation<void> {
    let failure: unknown = null
    try {
      yield* shield(() => this.stream.close())
    } catch (error) {
      failure = error
    }
    this.over = true
    this.closed(failure)
  }

  private *both(n: Nursery): Operation<void> {
    this.cancel = yield* canceller(n)
    if (this.destroyed) return
    yield* n.spawn(() => this.reading(), { name: 'read pump' })
    // A frame of its own: each of its switches would pass through those around it as well.
    yield* call(this.writing())
    // Until it is destroyed, which cancels the nursery.
    yield* suspend<never>(() => {})
  }

  private *reading(): Operation<void> {
    try {
      for (;;) {
        if (!this.wanted) yield* suspend((resolve) => this.waitForWant(resolve))
        const bytes = yield* this.stream.read()
        // Before: whoever takes it may ask for more at once.
        this.wanted = false
        if (this.tell(() => this.end.take(bytes)) !== false) this.wanted = true
        if (bytes === null) return
      }
    } catch (error) {
      if (yield* isLeaving(error)) throw error
      this.tell(() => this.end.broken(error))
    }
  }

  private *writing(): Operation<void> {
    for (;;) {
      while (this.job === null) yield* suspend((resolve) => this.waitForJob(resolve))
      const { bytes, done }: Job = this.job
      this.job = null
      try {
        if (bytes === null) yield* this.stream.end()
        else yield* this.stream.write(bytes)
      } catch (error) {
        if (yield* isLeaving(error)) throw error
        this.tell(() => done(error))
        return
      }
      this.tell(() => done())
      if (bytes === null) return
    }
  }

  private waitForWant(resolve: () => void): () => void {
    this.wakeReader = resolve
    return () => {
      this.wakeReader = null
    }
  }

  private waitForJob(resolve: () => void): () => void {
    this.wakeWriter = resolve
    return () => {
      this.wakeWriter = null
    }
  }

  /** Calls host code. What that throws is its own, not the stream's: the host reports it. */
  private tell<T>(hostCode: () => T): T | undefined {
    try {
      return hostCode()
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
      return undefined
    }
  }
}
