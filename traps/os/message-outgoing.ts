/**
 * The way out of a message stream: what is to leave, and how far it has come.
 *
 * A message that has begun to leave cannot be taken back, since the peer waits for the rest of it.
 * So it stays here, a copy that is nobody else's, and its rest goes before anything else does,
 * whoever has stopped waiting.
 */
import { BusyError, Cancelled, ClosedError, TooLargeError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from '../net/byte-stream.js'
import { allocate } from '../net/chunks.js'
import { TlsStream } from '../net/tls-stream.js'
import { pass } from '../raw/call.js'
import { END, HEAD_BYTES, writeHead } from './message-frame.js'
import { type Seal, TAG_BYTES } from './message-key.js'

const SEND = 'send a message'
const AT_ONCE = { timeout: 0 }

export class Outgoing {
  /** What has begun to leave, and was not taken yet by the stream underneath. */
  private unsent: Uint8Array | null = null
  private isBusy = false
  private ended = false

  constructor(
    private readonly stream: ByteStream,
    private readonly seal: Seal,
    private readonly maxBytes: number,
  ) {}

  /** How many messages have begun to leave. */
  get count(): number {
    return this.seal.count - (this.ended ? 1 : 0)
  }

  get unsentBytes(): number {
    return this.unsent?.length ?? 0
  }

  assertOpen(): void {
    if (this.stream.closed) throw new ClosedError(SEND)
    if (this.ended) throw new ClosedError(SEND, 'it was ended')
  }

  *send(kind: number, body: Uint8Array | readonly Uint8Array[], length: number): Operation<void> {
    if (length > this.maxBytes) throw new TooLargeError(SEND, this.maxBytes)
    this.begin(SEND)
    try {
      this.assertOpen()
      const frame = frameFor(kind, body, length)
      yield* pass()
      yield* this.flush()
      this.assertOpen()
      this.load(frame)
      yield* this.flush(frame)
    } finally {
      this.isBusy = false
    }
  }

  *end(): Operation<void> {
    this.begin('end the messages')
    try {
      yield* this.flush()
      if (!this.ended) this.loadEnd()
      yield* this.flush()
    } finally {
      this.isBusy = false
    }
  }

  /** Ends it before the stream is closed, as far as that needs no waiting. */
  *leave(): Operation<void> {
    if (this.isBusy || (this.ended && this.unsent === null)) return
    this.isBusy = true
    try {
      const rest = this.unsent
      if (!this.ended) this.loadEnd()
      const pieces = [rest, this.unsent].filter((one) => one !== null)
      yield* this.stream.writeSome(rest === this.unsent ? (rest as Uint8Array) : pieces, AT_ONCE)
    } catch (error) {
      // What is broken is closed all the same.
      if (error instanceof Cancelled) throw error
    } finally {
      this.isBusy = false
    }
  }

  private begin(action: string): void {
    if (this.isBusy) throw new BusyError(action, 'another task is sending')
    this.isBusy = true
  }

  private loadEnd(): void {
    this.load(frameFor(END, [], 0))
    this.ended = true
  }

  /** The frame is the next to leave. */
  private load(frame: Uint8Array): void {
    const body = frame.length - TAG_BYTES
    frame.set(this.seal.tag(frame.subarray(0, HEAD_BYTES), frame.subarray(HEAD_BYTES, body)), body)
    this.seal.count++
    this.unsent = frame
  }

  /** Writes what is to leave. If that fails, a frame that is given and is whole is withdrawn. */
  private *flush(frame: Uint8Array | null = null): Operation<void> {
    try {
      while (this.unsent !== null) {
        const count: number = yield* this.stream.writeSome(this.unsent)
        this.unsent = count < this.unsent.length ? this.unsent.subarray(count) : null
      }
    } catch (error) {
      // Over TLS it may have been encrypted, and then it goes on.
      if (frame !== null && this.unsent === frame && !(this.stream instanceof TlsStream)) {
        this.unsent = null
        this.seal.count--
      }
      throw error
    }
  }
}

/** A message without its tag, as one piece of memory of its own. */
function frameFor(kind: number, body: Uint8Array | readonly Uint8Array[], length: number): Uint8Array {
  const frame = new Uint8Array(allocate(HEAD_BYTES + length + TAG_BYTES))
  writeHead(frame, kind, length)
  let at = HEAD_BYTES
  for (const piece of Array.isArray(body) ? body : [body]) {
    frame.set(piece, at)
    at += piece.length
  }
  return frame
}
