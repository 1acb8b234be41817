/**
 * A stream as a pair of web streams: a ReadableStream of bytes, and a WritableStream.
 *
 * The same pumps as under a Duplex (pumps.ts), with another end: a `pull` is what asks for bytes,
 * and the promise of a `write` is kept when the stream has taken them. The web has no half-way
 * state of its own here: a side is open, ended, or failed, and when both are over the stream is
 * closed. An abort is not an end: the peer must not take what came before for all there is, so the
 * connection is closed at once.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, UnsupportedError } from '../../kernel/protocol/errors.js'
import { checkMethods } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { describe } from '../../kernel/protocol/value.js'
import { spawn } from '../raw/call.js'
import { namedResource } from '../scope/resource.js'
import type { ByteStream } from './byte-stream.js'
import { owning } from './duplex.js'
import { Pumps } from './pumps.js'

/** Two web streams that are one connection. */
export interface WebStreamPair {
  /** What comes from the peer. */
  readonly readable: ReadableStream<Uint8Array>
  /** What goes to the peer. */
  readonly writable: WritableStream<Uint8Array>
}

/**
 * Makes a pair of web streams over a stream, for code that knows nothing of tasks. The stream is
 * theirs from here on. `readable` is a stream of bytes, so its reader may bring its own buffer.
 * Closing `writable` ends the writing side; aborting it closes the stream, and so does the end of
 * both sides, however each of them came.
 *
 * It is a resource: it lives until the innermost nursery of the task ends. What was not done then
 * is cut off: both streams fail with a ClosedError, and the stream is closed. If the task is
 * cancelled, the cleanup of its other tasks can still use them. Errors of the stream
 * (`ECONNRESET`, …) are what both fail with.
 *
 * Nothing is read from the stream before somebody reads, and a write is done when the stream has
 * taken the bytes. Needs the host's event loop, so it does not work in a blocking run.
 *
 * @param stream A connection, or any other stream of bytes.
 * @throws TypeError if it is no stream.
 * @throws UnsupportedError on hosts that have no web streams.
 * @throws Cancelled if a scope around the task is cancelled; the stream is closed then.
 * @example
 * import { run, toWebStreams, until } from 'drupe'
 * import { memoryStreams } from 'drupe/testing'
 *
 * await run(function* () {
 *   const [a, b] = memoryStreams()
 *   const { readable, writable } = yield* toWebStreams(a)
 *   yield* b.write(new TextEncoder().encode('hello'))
 *   yield* b.end()
 *   void readable.pipeTo(writable)
 *   console.log(new TextDecoder().decode(yield* b.readAll())) // => hello
 * })
 */
export function toWebStreams(stream: ByteStream): Operation<WebStreamPair> {
  checkMethods('make web streams', 'stream', stream, 'a stream of bytes', ['read', 'write', 'end', 'close'])
  return tracked(
    'toWebStreams',
    owning(stream, () => webStreamsOver(stream)),
  )
}

function webStreamsOver(stream: ByteStream): Operation<WebStreamPair> {
  if (globalThis.ReadableStream === undefined) {
    throw new UnsupportedError('make web streams', 'this host has none')
  }
  return namedResource<WebStreamPair>('webStreams', function* (provide) {
    const ends = new WebEnds(stream)
    const { pumps, readable, writable } = ends
    yield* spawn(() => pumps.run(), { name: 'web streams' })
    try {
      yield* provide({ readable, writable })
    } finally {
      ends.broken(new ClosedError('use the web streams', 'the task that made them is done with them'))
      yield* pumps.ensureClosed()
    }
  })
}

/** What a stream of bytes is made of; not every host's types have it. */
interface ByteSource {
  readonly type: 'bytes'
  start(controller: ReadableByteStreamController): void
  pull(): Promise<void>
  cancel(): void
}

type Settle = (error?: unknown) => void

class WebEnds {
  readonly pumps: Pumps
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
  private source!: ReadableByteStreamController
  private sink!: WritableStreamDefaultController
  private reading = true
  private writing = true
  private destroyed = false
  /** Ends the pull, or the write, that is under way. */
  private pulled: (() => void) | null = null
  private written: Settle | null = null

  constructor(stream: ByteStream) {
    this.pumps = new Pumps(stream, this)
    const source: ByteSource = {
      type: 'bytes',
      start: (controller) => {
        this.source = controller
      },
      pull: () => new Promise<void>((resolve) => this.pull(resolve)),
      cancel: () => this.readingIsOver(),
    }
    this.readable = new ReadableStream<Uint8Array>(source as never, { highWaterMark: 0 })
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.sink = controller
        // At once: `abort` below is not called before a write that is under way has ended.
        const { signal } = controller as { readonly signal?: AbortSignal }
        signal?.addEventListener('abort', () => this.aborted(signal.reason))
      },
      write: (chunk) => this.write(bytesOf(chunk)),
      close: () => this.write(null),
      abort: (reason) => this.aborted(reason),
    })
  }

  take(bytes: Uint8Array | null): boolean {
    if (this.reading) {
      if (bytes === null) {
        this.source.close()
        // A reader that waits with a buffer of its own gets it back.
        this.source.byobRequest?.respond(0)
        this.readingIsOver()
      } else {
        this.source.enqueue(transferable(bytes))
      }
    }
    this.endPull()
    return false
  }

  /** Both sides fail, and the stream is closed; what has ended well stays so. */
  broken(error: unknown): void {
    if (this.destroyed) return
    this.destroyed = true
    if (this.reading) this.source.error(error)
    if (this.writing) this.sink.error(error)
    this.reading = this.writing = false
    this.endPull()
    this.written?.(error)
    this.pumps.destroy(() => {})
  }

  /** The host fails the writable stream itself. */
  private aborted(reason: unknown): void {
    this.writing = false
    this.broken(reason)
  }

  private pull(resolve: () => void): void {
    this.pulled = resolve
    this.pumps.want()
  }

  private endPull(): void {
    this.pulled?.()
    this.pulled = null
  }

  private write(bytes: Uint8Array | null): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const settle: Settle = (error) => {
        if (this.written !== settle) return
        this.written = null
        if (error !== undefined) reject(error)
        else resolve()
        if (error !== undefined) this.broken(error)
        else if (bytes === null) this.writingIsOver()
      }
      this.written = settle
      this.pumps.write(bytes, settle)
    })
  }

  private readingIsOver(): void {
    this.reading = false
    this.endPull()
    if (!this.writing) this.finish()
  }

  private writingIsOver(): void {
    this.writing = false
    if (!this.reading) this.finish()
  }

  private finish(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.pumps.destroy(() => {})
  }
}

/** A stream of bytes takes the memory of what it is given: it must hold nothing else. */
function transferable(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}

/** What was written, as bytes. */
export function bytesOf(chunk: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk)
  throw new TypeError(`Cannot write to the web stream: a chunk must be a Uint8Array, not ${describe(chunk)}`)
}
