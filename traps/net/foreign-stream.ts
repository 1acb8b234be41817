/**
 * A stream of ours over an end of the host's: the other half of the bridges.
 *
 * The host's end has bytes or has none yet, and takes bytes and calls back (`ForeignEnd`); here are
 * the waits in between. It cannot take back what it was given. So it is given little at a time, a
 * write is done when all of it was taken, and a write that is cut off is remembered: the stream is
 * then closed without the end that would make the peer believe that it has everything.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError, BusyError, ClosedError } from '../../kernel/protocol/errors.js'
import { checkBytes, checkLimit, checkPieces, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { STAYS } from '../../kernel/protocol/wait-queue.js'
import { pass, suspendFor } from '../raw/call.js'
import { BYTES_OR_STRING, type Bytes, encodedPieces } from '../raw/text.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import { within } from '../scope/scope.js'
import { ByteReader } from './byte-reader.js'
import type { ByteStream } from './byte-stream.js'
import { cut, PIECE_BYTES } from './foreign-pieces.js'

/** An end of the host's. It calls `news` when anything here may have another answer. */
export interface ForeignEnd {
  /** Bytes that nobody else has; null at the end; undefined: none yet. Throws its failure. */
  take(): Uint8Array | null | undefined
  /** Throws if it can take no bytes any more. */
  assertWritable(): void
  /** Gives it bytes; calls back when they were taken, or will not be. */
  give(bytes: Uint8Array, done: () => void): void
  /** Nothing more is given to it. */
  end(): void
  /** It is over; `torn`: what it was given last is a part of something. */
  close(torn: boolean): void
}

/** It has room while less than this is on its way. */
const ROOM_BYTES = PIECE_BYTES

/** A stream over a Duplex of Node's or over web streams; see `fromDuplex` and `fromWebStreams`. */
export class ForeignStream extends ByteReader implements ByteStream {
  private isClosed = false
  private isReading = false
  private isWriting = false
  private ended = false
  private torn = false
  private inFlightBytes = 0
  /** What was taken from the other end and is more than was asked for. */
  private rest: Uint8Array | null = null
  private wakeReader: (() => void) | null = null
  private wakeWriter: (() => void) | null = null
  private readonly foreign: ForeignEnd

  /** @internal */
  constructor(make: (news: () => void) => ForeignEnd) {
    super()
    this.foreign = make(() => this.news())
  }

  /** Whether it was closed on this side. */
  get closed(): boolean {
    return this.isClosed
  }

  /**
   * Waits for bytes and returns those that are there, at least one and at most `max`; null at the
   * end of the stream. If the task is cancelled while it waits, or `timeout` is over, nothing was
   * read.
   *
   * @param max At most so many bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the stream is closed, before or meanwhile.
   * @throws BusyError if another task is reading.
   * @throws BrokenError if the other end is gone; an error of its own as it is (`ECONNRESET`, …).
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  read(max = Number.POSITIVE_INFINITY, options?: WaitOptions): Operation<Uint8Array | null> {
    checkLimit('read', 'max', max, 1)
    const limit = timeoutOf('read', options)
    if (this.hasReadAhead) return tracked('read', this.readAhead(max, options))
    return tracked('read', this.receive(max, limit))
  }

  /**
   * Waits for bytes, puts them into `buffer`, and returns how many: 0 at the end of the stream. If
   * the task is cancelled while it waits, or `timeout` is over, nothing was read. Errors are those
   * of `read`.
   *
   * @param buffer Where the bytes go.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  readInto(buffer: Uint8Array, options?: WaitOptions): Operation<number> {
    checkBytes('read', 'buffer', buffer)
    const limit = timeoutOf('read', options)
    if (this.hasReadAhead) return tracked('readInto', this.readAheadInto(buffer, buffer.length, options))
    return tracked('readInto', this.receiveInto(buffer, limit))
  }

  /**
   * Writes all of `bytes`; returns when the other end has taken them. If the task is cancelled
   * while it waits, or it fails, some of them may have been sent: after that the stream is only
   * good for closing.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the stream is closed, before or meanwhile.
   * @throws BusyError if another task is writing.
   * @throws BrokenError if the other end is gone, or the writing side was ended; an error of its
   * own as it is (`ECONNRESET`, …).
   * @throws BufferError if some of the bytes were transferred or made smaller meanwhile.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  write(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<void> {
    const pieces = encodedPieces(bytes)
    checkPieces('write', 'bytes', pieces, BYTES_OR_STRING)
    const limit = timeoutOf('write', options)
    return tracked('write', soon('write to the stream', limit, this.writeAll(pieces)))
  }

  /**
   * Waits until there is room, gives the first of `bytes` to the other end and returns how many, at
   * least one and at most 65,536. If the task is cancelled while it waits, or `timeout` is over,
   * none was written. Errors are those of `write`.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  writeSome(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<number> {
    const pieces = encodedPieces(bytes)
    checkPieces('write', 'bytes', pieces, BYTES_OR_STRING)
    const limit = timeoutOf('write', options)
    return tracked('writeSome', soon('write to the stream', limit, this.writeFirst(pieces)))
  }

  /**
   * Ends the writing side, so that the peer reads an end; reading goes on. Does not wait.
   *
   * @throws ClosedError if the stream is closed.
   * @throws BusyError if another task is writing.
   */
  end(): Operation<void> {
    return tracked('end', this.endOperation())
  }

  /**
   * Closes it: the host's end is destroyed. Tasks that wait on it get a ClosedError. A second close
   * does nothing. Waits only for what `writeSome` has given to the other end and that has not been
   * taken; if the task is cancelled while it waits, that is lost.
   */
  close(): Operation<void> {
    return tracked('close', this.closeOperation())
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  protected override *receive(max: number, ms = Number.POSITIVE_INFINITY): Operation<Uint8Array | null> {
    const bytes = yield* soon('read from the stream', ms, this.next())
    if (bytes === null || bytes.length <= max) return bytes
    this.rest = bytes.subarray(max)
    return bytes.slice(0, max)
  }

  protected override *receiveInto(buffer: Uint8Array, ms = Number.POSITIVE_INFINITY): Operation<number> {
    const bytes = yield* soon('read from the stream', ms, this.next())
    if (bytes === null) return 0
    const count = Math.min(bytes.length, buffer.length)
    buffer.set(bytes.subarray(0, count))
    this.rest = count < bytes.length ? bytes.subarray(count) : null
    return count
  }

  protected override get reading(): boolean {
    return this.isReading
  }

  protected override assertOpen(action: string): void {
    if (this.isClosed) throw new ClosedError(action)
  }

  /** All bytes that are there. */
  private *next(): Operation<Uint8Array | null> {
    this.assertOpen('read from the stream')
    if (this.isReading) throw new BusyError('read from the stream', 'another task is reading')
    this.isReading = true
    try {
      for (;;) {
        if (this.isClosed) throw new ClosedError('read from the stream', 'it was closed while this task waited')
        const bytes = this.rest ?? this.foreign.take()
        this.rest = null
        if (bytes === null || (bytes !== undefined && bytes.length > 0)) return bytes
        if (bytes === undefined) yield* suspendFor<void>((resolve) => this.waitForNews(resolve), STAYS)
      }
    } finally {
      this.isReading = false
    }
  }

  private *writeAll(bytes: Uint8Array | readonly Uint8Array[]): Operation<void> {
    this.beginToWrite()
    let whole = true
    try {
      for (const piece of cut(bytes)) {
        yield* this.room(ROOM_BYTES)
        this.give(piece())
        whole = false
      }
      yield* this.room(1)
      whole = true
    } finally {
      this.isWriting = false
      if (!whole) this.torn = true
    }
  }

  private *writeFirst(bytes: Uint8Array | readonly Uint8Array[]): Operation<number> {
    this.beginToWrite()
    try {
      for (const piece of cut(bytes)) {
        yield* this.room(ROOM_BYTES)
        return this.give(piece())
      }
      return 0
    } finally {
      this.isWriting = false
    }
  }

  private beginToWrite(): void {
    this.assertOpen('write to the stream')
    if (this.isWriting) throw new BusyError('write to the stream', 'another task is writing')
    this.isWriting = true
  }

  /** Waits until less than so many bytes are on their way. */
  private *room(bytes: number): Operation<void> {
    for (;;) {
      if (this.isClosed) throw new ClosedError('write to the stream', 'it was closed while this task waited')
      if (this.ended) throw new BrokenError('write to the stream', 'its writing side was ended')
      this.foreign.assertWritable()
      if (this.inFlightBytes < bytes) return
      yield* suspendFor<void>((resolve) => this.waitForRoom(resolve), STAYS)
    }
  }

  private give(bytes: Uint8Array): number {
    const { length } = bytes
    this.inFlightBytes += length
    this.foreign.give(bytes, () => {
      this.inFlightBytes -= length
      this.wakeWriter?.()
    })
    return length
  }

  private *endOperation(): Operation<void> {
    this.assertOpen('end the stream')
    if (this.isWriting) throw new BusyError('end the stream', 'another task is writing')
    if (this.ended) return
    this.ended = true
    this.foreign.end()
  }

  private *closeOperation(): Operation<void> {
    if (this.isClosed) return
    this.isClosed = true
    this.drop()
    this.rest = null
    let torn = this.torn || this.isWriting
    this.news()
    try {
      while (!torn && this.inFlightBytes > 0 && this.isAlive()) {
        yield* suspendFor<void>((resolve) => this.waitForRoom(resolve), STAYS)
      }
    } finally {
      if (this.inFlightBytes > 0) torn = true
      this.foreign.close(torn)
    }
  }

  private isAlive(): boolean {
    try {
      this.foreign.assertWritable()
      return true
    } catch {
      return false
    }
  }

  private news(): void {
    this.wakeReader?.()
    this.wakeWriter?.()
  }

  private waitForNews(resolve: () => void): () => void {
    this.wakeReader = resolve
    return () => {
      this.wakeReader = null
    }
  }

  private waitForRoom(resolve: () => void): () => void {
    this.wakeWriter = resolve
    return () => {
      this.wakeWriter = null
    }
  }
}

/** Within a limit, and what needs no waiting is done whatever the limit is. */
function* soon<T>(action: string, ms: number, operation: Operation<T>): Operation<T> {
  yield* pass()
  return yield* within(action, ms, operation)
}
