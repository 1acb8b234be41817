/**
 * TLS over any stream of bytes, as a stream of bytes.
 *
 * The engine computes (kernel/protocol/tls.ts), the stream underneath carries, tls-wire.ts stands
 * between. This is what programs see: one reader and one writer, and a handshake without asking.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError, BusyError, ClosedError, SystemError } from '../../kernel/protocol/errors.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import { checkBytes, checkLimit, checkPieces, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import { TLS_WANTS_INPUT, type TlsCertificate, type TlsSession } from '../../kernel/protocol/tls.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { pass } from '../raw/call.js'
import { BYTES_OR_STRING, type Bytes, encodedPieces } from '../raw/text.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import { within } from '../scope/scope.js'
import { ByteReader } from './byte-reader.js'
import type { ByteStream } from './byte-stream.js'
import { copyOf } from './chunks.js'
import { Stream } from './stream.js'
import { beginsWith, chunkAt, piecesOf, scratch } from './tls-pieces.js'
import { CHUNK_BYTES, giveSpare, TlsWire, takeSpare } from './tls-wire.js'

/**
 * A stream over TLS: made by `connect` or accepted by a listener with the option `tls`, or by
 * `startTls`. Close it when done.
 */
export class TlsStream extends ByteReader implements ByteStream {
  private readonly wire: TlsWire
  private isReading = false
  /** The buffer of `borrow`, as long as its bytes are valid. */
  private lent: Uint8Array | null = null
  private isWriting = false
  private ended = false
  /** What a cancelled `writeSome` had encrypted: writing the same again is going on with it. */
  private promised: Uint8Array | null = null

  /** @internal The stream owns the one underneath from here on, and the session. */
  constructor(transport: ByteStream, session: TlsSession, handshakeMs: number) {
    super()
    this.wire = new TlsWire(transport, session, handshakeMs)
  }

  /** `console.log(stream)` is one line. */
  [INSPECT](): string {
    return `TlsStream (${this.closed ? 'closed' : (this.protocol ?? 'no handshake yet')}, ${this.wire.session.engine})`
  }

  /** Whether it was closed on this side. */
  get closed(): boolean {
    return this.wire.closed
  }

  /** What carries the encrypted bytes. */
  get transport(): ByteStream {
    return this.wire.transport
  }

  /** The version of the protocol, `TLSv1.3`; null before the handshake. */
  get protocol(): string | null {
    return this.wire.agreed?.protocol ?? null
  }

  /** The cipher that is used; null before the handshake. */
  get cipher(): string | null {
    return this.wire.agreed?.cipher ?? null
  }

  /** The protocol to be spoken inside; null if none was agreed on. */
  get alpnProtocol(): string | null {
    return this.wire.agreed?.alpnProtocol ?? null
  }

  /** The name that the client asked for; null if it asked for none. */
  get servername(): string | null {
    return this.wire.agreed?.servername ?? null
  }

  /** Whether the peer has shown a certificate that is trusted, and for the right host. */
  get authorized(): boolean {
    return this.wire.agreed?.authorized ?? false
  }

  /** Why it is not authorized: `DEPTH_ZERO_SELF_SIGNED_CERT`, …; null if it is, or nobody asked. */
  get authorizationError(): string | null {
    return this.wire.agreed?.authorizationError ?? null
  }

  /** Whether it went on with an earlier session. */
  get resumed(): boolean {
    return this.wire.agreed?.resumed ?? false
  }

  /**
   * Shakes hands, if that has not happened; reads and writes do it by themselves. If the task is
   * cancelled while it waits, the next one goes on with it.
   *
   * @param options `timeout` in milliseconds. Default: the `handshakeTimeout` of the TLS options.
   * @throws TlsError if the peer is not who it should be, or does not speak TLS.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws ClosedError, SystemError, Cancelled as the stream underneath.
   */
  handshake(options?: WaitOptions): Operation<void> {
    const ms = timeoutOf('shake hands', options)
    return tracked('handshake', this.wire.handshake(ms === Number.POSITIVE_INFINITY ? undefined : ms))
  }

  /**
   * Returns the certificate of the peer and those that it sent with it: empty if it has shown none.
   *
   * @throws ClosedError if the stream is closed.
   */
  peerCertificates(): readonly TlsCertificate[] {
    this.assertOpen('ask for the certificates of the peer')
    return this.wire.session.peerCertificates()
  }

  /**
   * Returns what a later connection to the same server can go on with (`session` of its TLS
   * options), which saves it a round trip or two signatures; null if the server offers nothing.
   * Servers tell it with their first data, so ask at the end.
   *
   * @throws ClosedError if the stream is closed.
   */
  ticket(): Uint8Array | null {
    this.assertOpen('ask for the ticket')
    return this.wire.session.ticket()
  }

  /**
   * Waits for bytes and returns those that are there, at least one and at most `max`, which belong
   * to the caller; null when the peer has ended its side. If the task is cancelled while it waits,
   * or `timeout` is over, nothing was read.
   *
   * @param max At most so many bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws TlsError with the reason `UNEXPECTED_EOF` if the connection ends without the peer
   * saying so: somebody may have cut it off.
   * @throws ClosedError, BusyError, SystemError, TimeoutError, Cancelled as the stream underneath.
   */
  read(max: number = CHUNK_BYTES, options?: WaitOptions): Operation<Uint8Array | null> {
    checkLimit('read', 'max', max, 1)
    const ms = timeoutOf('read', options)
    this.assertOpen('read from the stream')
    if (this.hasReadAhead) return tracked('read', this.readAhead(max, options))
    return tracked('read', within('read', ms, this.receive(max)))
  }

  /**
   * Reads as `read` does, without the copy: the bytes are in a lent buffer and valid until the next
   * read on this stream, or until it is closed. If the task is cancelled while it waits, or
   * `timeout` is over, nothing was read. Errors are those of `read`.
   *
   * @param max At most so many bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  borrow(max: number = CHUNK_BYTES, options?: WaitOptions): Operation<Uint8Array | null> {
    checkLimit('read', 'max', max, 1)
    const ms = timeoutOf('read', options)
    this.assertOpen('read from the stream')
    if (this.hasReadAhead) return tracked('borrow', this.readAhead(max, options))
    return tracked('borrow', within('read', ms, this.pull(max, lentBytes) as Operation<Uint8Array | null>))
  }

  /** @internal Gives back what `borrow` has lent, before the next read would. */
  release(): void {
    if (this.lent !== null && !this.isReading) {
      giveSpare(this.lent)
      this.lent = null
    }
  }

  /**
   * Waits for bytes, puts them into `buffer` and returns how many, 0 at the end. If the task is
   * cancelled while it waits, or `timeout` is over, nothing was read. Errors are those of `read`.
   *
   * @param buffer Where the bytes go.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  readInto(buffer: Uint8Array, options?: WaitOptions): Operation<number> {
    checkBytes('read', 'buffer', buffer)
    const ms = timeoutOf('read', options)
    this.assertOpen('read from the stream')
    if (this.hasReadAhead) return tracked('readInto', this.readAheadInto(buffer, buffer.length, options))
    return tracked('readInto', within('read', ms, this.receiveInto(buffer)))
  }

  /**
   * Writes all of `bytes`; once it returns, they may change. If the task is cancelled while it
   * waits, or it fails, some of them may have been sent.
   *
   * @param bytes The bytes, in one piece or in several.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the stream is closed, before or meanwhile, or was ended.
   * @throws BusyError if another task is writing.
   * @throws TlsError, SystemError, TimeoutError, Cancelled.
   */
  write(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<void> {
    const pieces = encodedPieces(bytes)
    const length = checkPieces('write', 'bytes', pieces, BYTES_OR_STRING)
    const ms = timeoutOf('write', options)
    this.assertOpen('write to the stream')
    return tracked('write', within('write', ms, this.writeAll(piecesOf(pieces), length)))
  }

  /**
   * Writes the first of `bytes`, as many as are encrypted at a time, and returns how many. If the
   * task is cancelled while it waits, they may be on their way: a write that begins with the same
   * bytes goes on with them, and any other write comes after them. Errors are those of `write`.
   *
   * @param bytes The bytes, in one piece or in several.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  writeSome(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<number> {
    const pieces = encodedPieces(bytes)
    checkPieces('write', 'bytes', pieces, BYTES_OR_STRING)
    const ms = timeoutOf('write', options)
    this.assertOpen('write to the stream')
    return tracked('writeSome', within('write', ms, this.writeFirst(piecesOf(pieces))))
  }

  /**
   * Ends the writing side: the peer reads an end, and knows that nothing was cut off. Reading goes
   * on. If the task is cancelled while it waits, the next `end` goes on with it.
   *
   * @throws ClosedError if the stream is closed.
   * @throws BusyError if another task is writing.
   */
  end(): Operation<void> {
    this.assertOpen('end the stream')
    return tracked('end', this.endOperation())
  }

  /**
   * Closes it, and the stream underneath; the peer is told if that needs no waiting. Tasks that
   * wait on it get a ClosedError. A second close does nothing. Does not wait for the peer.
   */
  close(): Operation<void> {
    return tracked('close', this.closeOperation())
  }

  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  /** @internal What has happened: two that are equal say that nothing did in between. */
  activity(): ReturnType<Stream['activity']> {
    const { transport } = this.wire
    return transport instanceof Stream || transport instanceof TlsStream
      ? transport.activity()
      : { begun: 0, moved: 0, waits: false }
  }

  protected override get reading(): boolean {
    return this.isReading
  }

  protected override assertOpen(action: string): void {
    this.wire.assertOpen(action)
  }

  protected override receive(max: number): Operation<Uint8Array | null> {
    return this.pull(max < CHUNK_BYTES ? scratch.subarray(0, max) : scratch, ownBytes) as Operation<Uint8Array | null>
  }

  protected override receiveInto(buffer: Uint8Array): Operation<number> {
    return this.pull(buffer, null) as Operation<number>
  }

  /**
   * In one frame, since each wait passes through all of them. A number instead of a buffer: into
   * one that is lent, when there is something to put into it.
   */
  private *pull(
    into: Uint8Array | number,
    convert: ((buffer: Uint8Array, bytes: number) => Uint8Array | null) | null,
  ): Operation<Uint8Array | number | null> {
    const { wire } = this
    wire.assertOpen('read from the stream')
    if (this.isReading) throw new BusyError('read from the stream', 'another task is reading')
    this.release()
    this.isReading = true
    try {
      if (wire.agreed === null) yield* wire.handshake()
      const isEmpty = typeof into !== 'number' && into.length === 0
      // What is there already is had at the price of a checkpoint.
      if (wire.mayHaveMore || isEmpty) yield* pass()
      if (isEmpty) return 0
      for (;;) {
        wire.assertOpen('read from the stream')
        if (wire.mayHaveMore) {
          const buffer = typeof into === 'number' ? this.lend(into) : into
          const bytes = wire.decrypt(buffer)
          if (bytes !== TLS_WANTS_INPUT) return convert === null ? bytes : convert(buffer, bytes)
        }
        if (wire.hasAnswer) yield* wire.sendQuietly()
        wire.take(yield* wire.fetch())
        wire.mayHaveMore = true
      }
    } finally {
      this.isReading = false
    }
  }

  private lend(max: number): Uint8Array {
    this.lent ??= takeSpare()
    return this.lent.subarray(0, Math.min(max, CHUNK_BYTES))
  }

  private *writeAll(pieces: readonly Uint8Array[], length: number): Operation<void> {
    yield* this.beginWrite()
    try {
      if (length === 0) yield* pass()
      for (let at = 0; at < length; ) {
        at += this.encrypt(pieces, at)
        yield* this.wire.send()
      }
    } finally {
      this.promised = null
      this.isWriting = false
    }
  }

  private *writeFirst(pieces: readonly Uint8Array[]): Operation<number> {
    yield* this.beginWrite()
    try {
      const bytes = this.encrypt(pieces, 0, true)
      yield* this.wire.send()
      this.promised = null
      return bytes
    } finally {
      this.isWriting = false
    }
  }

  /** Waits until a write can begin. */
  private *beginWrite(): Operation<void> {
    this.assertOpen('write to the stream')
    if (this.ended) throw new ClosedError('write to the stream', 'it was ended')
    if (this.isWriting) throw new BusyError('write to the stream', 'another task is writing')
    this.isWriting = true
    try {
      const { wire } = this
      if (wire.agreed === null) yield* wire.handshake()
      if (wire.owes) yield* wire.send()
      this.assertOpen('write to the stream')
    } catch (error) {
      this.isWriting = false
      throw error
    }
  }

  /** Encrypts what comes at a place, and says how much of it. */
  private encrypt(pieces: readonly Uint8Array[], at: number, promise = false): number {
    const bytes = chunkAt(pieces, at)
    const { promised } = this
    this.promised = null
    if (promised !== null && beginsWith(bytes, promised)) {
      if (promise) this.promised = promised
      return promised.length
    }
    if (bytes.length === 0) return 0
    this.wire.write(bytes)
    if (promise) this.promised = copyOf(bytes)
    return bytes.length
  }

  private *endOperation(): Operation<void> {
    if (this.isWriting) throw new BusyError('end the stream', 'another task is writing')
    if (this.wire.agreed === null) yield* this.wire.handshake()
    this.assertOpen('end the stream')
    if (!this.ended) this.wire.shutdown()
    this.ended = true
    try {
      yield* this.wire.send()
    } catch (error) {
      // As with `end` of a socket: a connection that is broken is ended already.
      if (!(error instanceof SystemError) && !(error instanceof BrokenError)) throw error
    }
    yield* this.wire.transport.end()
  }

  private *closeOperation(): Operation<void> {
    this.drop()
    yield* this.wire.close(this.ended)
    this.release()
  }
}

/** What `connect` gives, and a listener: with TLS or without. */
export type Connection = Stream | TlsStream

function lentBytes(buffer: Uint8Array, bytes: number): Uint8Array | null {
  return bytes === 0 ? null : buffer.subarray(0, bytes)
}

/** Nothing has run since the bytes were put there. */
function ownBytes(buffer: Uint8Array, bytes: number): Uint8Array | null {
  return bytes === 0 ? null : copyOf(buffer.subarray(0, bytes))
}
