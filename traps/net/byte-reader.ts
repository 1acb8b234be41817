/**
 * Reading up to somewhere: to a delimiter, to the end of a line, to a number of bytes, to the end.
 *
 * One idea: whatever was read and not returned is the *read-ahead* of the stream, and every way of
 * reading begins with it. So nothing is lost, however a reading ends: cancelled, out of time, too
 * long or broken in the middle, the next one finds the bytes where they were. A stream without
 * read-ahead, which is most streams most of the time, pays one field.
 *
 * A kind of stream brings the two ways to get bytes from its source, and gets the rest from here.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError, BufferError, BusyError, TooLargeError } from '../../kernel/protocol/errors.js'
import { checkBytes, checkCount, checkLimit, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { pass } from '../raw/call.js'
import { BYTES_OR_STRING, type Bytes, encoded, encodedAgain } from '../raw/text.js'
import type { Source } from '../scope/each.js'
import { within } from '../scope/scope.js'
import type { ReadAllOptions } from './byte-stream.js'
import { type ItemOptions, Items } from './lines.js'
import { ReadAhead } from './read-ahead.js'

/** Up to this much is read ahead. */
const AHEAD_BYTES = 64 * 1024
/** A reader of so many bytes gets memory for them at once, and for more as they come. */
const TRUSTED_BYTES = 1024 * 1024
/** A longer line is a mistake or an attack, unless the reader says otherwise. */
const LINE_BYTES = 64 * 1024
/** More than this is seldom meant to be held in one piece, and a peer decides when it stops. */
const ALL_BYTES = 64 * 1024 * 1024
const LF = 10
const CR = 13
const NEWLINE = new Uint8Array([LF])
const EMPTY = new Uint8Array(0)

let decoder: InstanceType<typeof TextDecoder> | null = null

/**
 * What all streams have in common that read up to somewhere. A class of streams that extends it
 * brings the ways to get bytes from its source, begins its `read` and `readInto` with the
 * read-ahead (`hasReadAhead`, `readAhead`, `readAheadInto`), and calls `drop` when it is closed.
 *
 * @example
 * import type { ByteReader } from 'drupe'
 * import { memoryStreams, virtual } from 'drupe/testing'
 *
 * const header = (from: ByteReader) => from.readLine() // of any stream
 * virtual({}, function* () {
 *   const [a, b] = memoryStreams()
 *   yield* a.write('HELLO 1\n')
 *   console.log(yield* header(b)) // => HELLO 1
 * })
 */
export abstract class ByteReader {
  private ahead: ReadAhead | null = null

  /**
   * Gets bytes from the source, which the caller owns, or null at the end. If the task is cancelled
   * while it waits, nothing was read.
   */
  protected abstract receive(max: number): Operation<Uint8Array | null>
  /**
   * Fills the beginning of a buffer from the source; returns how far, 0 at the end. If the task is
   * cancelled while it waits, nothing was read.
   */
  protected abstract receiveInto(buffer: Uint8Array): Operation<number>
  /** Whether a task is reading at this moment. The read-ahead is then on its way to that task. */
  protected abstract get reading(): boolean
  /** Throws a ClosedError if the stream is closed. */
  protected abstract assertOpen(action: string): void

  /**
   * Waits for bytes, at most `max`, that the caller owns; null at the end. If the task is cancelled
   * while it waits, nothing was read.
   *
   * @param max At most so many bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  abstract read(max?: number, options?: WaitOptions): Operation<Uint8Array | null>
  /**
   * Waits for bytes, puts them into `buffer` and returns how many, 0 at the end. If the task is
   * cancelled while it waits, nothing was read.
   *
   * @param buffer Where the bytes go.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  abstract readInto(buffer: Uint8Array, options?: WaitOptions): Operation<number>

  /**
   * Waits for exactly so many bytes, which belong to the caller. If the task is cancelled while it
   * waits, or `timeout` is over, nothing is lost: the next read begins where this one did.
   *
   * @param bytes How many.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws BrokenError if the stream ends before; its `partial` is what had arrived.
   * @throws TimeoutError after `timeout` milliseconds, everything together.
   * @throws ClosedError, BusyError, SystemError, Cancelled as for `read`.
   */
  readExactly(bytes: number, options?: WaitOptions): Operation<Uint8Array> {
    checkCount('read exactly', 'bytes', bytes, 0)
    return tracked(
      'readExactly',
      within(`read ${bytes} bytes`, timeoutOf('read exactly', options), this.readExactlyOperation(bytes)),
    )
  }

  /**
   * Waits for a delimiter, and returns everything up to it and with it; null at the end of the
   * stream. If the task is cancelled while it waits, or it fails, nothing is lost: the next read
   * begins where this one did.
   *
   * @param delimiter A string stands for its UTF-8 bytes.
   * @param maxBytes At most so many, the delimiter included. Default 65,536.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws TooLargeError if the delimiter is not among the first `maxBytes` bytes; they stay where
   * they are.
   * @throws BrokenError if the stream ends in the middle; its `partial` is what had arrived.
   * @throws TimeoutError after `timeout` milliseconds, everything together.
   * @throws RangeError if the delimiter is empty, or `maxBytes` less than 1.
   * @throws ClosedError, BusyError, SystemError, Cancelled as for `read`.
   * @example
   * import { memoryStreams, virtual } from 'drupe/testing'
   *
   * virtual({}, function* () {
   *   const [a, b] = memoryStreams()
   *   yield* a.write('GET / HTTP/1.1\r\nHost: here\r\n\r\nbody')
   *   console.log((yield* b.readUntil('\r\n\r\n'))?.length) // => 30
   *   console.log(new TextDecoder().decode(yield* b.readExactly(4))) // => body
   * })
   */
  readUntil(delimiter: Bytes, maxBytes = LINE_BYTES, options?: WaitOptions): Operation<Uint8Array | null> {
    const sought = checkBytes('read until a delimiter', 'delimiter', encodedAgain(delimiter), BYTES_OR_STRING)
    if (sought.length === 0)
      throw new RangeError('Cannot read until a delimiter: delimiter must have a length, not be empty')
    checkLimit('read until a delimiter', 'maxBytes', maxBytes, 1)
    return tracked(
      'readUntil',
      within(
        'read until the delimiter',
        timeoutOf('read until a delimiter', options),
        this.readUntilOperation(sought, maxBytes),
      ),
    )
  }

  /**
   * Waits for a line, and returns it as text, decoded as UTF-8, without its ending (`\n` or
   * `\r\n`); null at the end of the stream. The last line need not have an ending. If the task is
   * cancelled while it waits, or it fails, nothing is lost: the next read begins where this one
   * did.
   *
   * @param maxBytes At most so many bytes, the ending included. Default 65,536.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws TooLargeError if the line is longer; its bytes stay where they are.
   * @throws TimeoutError after `timeout` milliseconds, everything together.
   * @throws ClosedError, BusyError, SystemError, Cancelled as for `read`.
   * @example
   * import { memoryStreams, virtual } from 'drupe/testing'
   *
   * virtual({}, function* () {
   *   const [a, b] = memoryStreams()
   *   yield* a.write('one\r\n\nthree')
   *   yield* a.close()
   *   for (let line = yield* b.readLine(); line !== null; line = yield* b.readLine()) console.log(`(${line})`)
   *   // => (one)
   *   // => ()
   *   // => (three)
   * })
   */
  readLine(maxBytes = LINE_BYTES, options?: WaitOptions): Operation<string | null> {
    checkLimit('read a line', 'maxBytes', maxBytes, 1)
    return tracked(
      'readLine',
      within('read a line', timeoutOf('read a line', options), this.readLineOperation(maxBytes)),
    )
  }

  /**
   * The lines until the end of the stream, as `readLine` returns them, for `each` and `subscribe`.
   * If the task is cancelled while it waits, or a line is too long or too late, nothing is lost:
   * the next reading begins where that line does. The stream is not closed at the end.
   *
   * @param options `maxBytes` of a line, its ending included; `timeout` in milliseconds, for each.
   * @example
   * import { each } from 'drupe'
   * import { memoryStreams, virtual } from 'drupe/testing'
   *
   * virtual({}, function* () {
   *   const [a, b] = memoryStreams()
   *   yield* a.write('one\r\ntwo\nthree')
   *   yield* a.end()
   *   yield* each(b.lines({ maxBytes: 1000, timeout: 5000 }), function* (line) {
   *     console.log(line)
   *   })
   *   // => one
   *   // => two
   *   // => three
   * })
   */
  lines(options?: ItemOptions): Source<string> {
    const limits = options === undefined ? undefined : { timeout: timeoutOf('read lines', options) }
    const maxBytes = checkLimit('read lines', 'maxBytes', options?.maxBytes ?? LINE_BYTES, 1)
    return new Items(() => this.readLine(maxBytes, limits))
  }

  /**
   * Chunks as they come until the end, as `read` returns them, for `each` and `subscribe`. If the
   * task is cancelled while it waits, or a chunk is too late, nothing is lost. The stream is not
   * closed at the end.
   *
   * @param options `maxBytes` of a chunk; `timeout` in milliseconds, for each.
   */
  chunks(options?: ItemOptions): Source<Uint8Array> {
    const limits = options === undefined ? undefined : { timeout: timeoutOf('read chunks', options) }
    const maxBytes = checkLimit('read chunks', 'maxBytes', options?.maxBytes ?? AHEAD_BYTES, 1)
    return new Items(() => this.read(maxBytes, limits))
  }

  /**
   * Reads to the end of the stream. If the task is cancelled while it waits, or it fails, nothing
   * is lost: the next read begins where this one did.
   *
   * @param options `maxBytes`: at most so many, default 67,108,864 (64 MiB); `timeout` in
   * milliseconds.
   * @throws TooLargeError if there are more than `maxBytes`; what has arrived stays where it is.
   * @throws TimeoutError after `timeout` milliseconds, everything together.
   * @throws ClosedError, BusyError, SystemError, Cancelled as for `read`.
   */
  readAll(options?: ReadAllOptions): Operation<Uint8Array> {
    const maxBytes = options?.maxBytes ?? ALL_BYTES
    checkLimit('read all', 'maxBytes', maxBytes, 1)
    return tracked(
      'readAll',
      within('read all of the stream', timeoutOf('read all', options), this.readAllOperation(maxBytes)),
    )
  }

  /**
   * Puts bytes back: the next read begins with them. It is for code that has to look at the
   * beginning to know what should read it. The stream keeps a copy. Does not wait.
   *
   * @param bytes The bytes; a string stands for its UTF-8 bytes.
   * @throws ClosedError if the stream is closed.
   * @throws BusyError if a task is reading.
   */
  unread(bytes: Bytes): void {
    const own = checkBytes('unread', 'bytes', encoded(bytes), BYTES_OR_STRING).slice()
    this.assertReadable('unread bytes')
    if (own.length === 0) return
    const ahead = new ReadAhead(own)
    const behind = this.ahead
    if (behind !== null) ahead.push(behind.take(behind.length), 0)
    this.ahead = ahead
  }

  /** Whether a read can have something at once. */
  protected get hasReadAhead(): boolean {
    return this.ahead !== null && !this.reading
  }

  /** Reads from the read-ahead. */
  protected *readAhead(max: number, options: WaitOptions | undefined): Operation<Uint8Array | null> {
    checkLimit('read', 'max', max, 1)
    timeoutOf('read', options)
    yield* pass()
    // Meanwhile another task may have had it.
    return this.hasReadAhead ? this.take(max) : yield* this.read(max, options)
  }

  /** Reads from it into a buffer that had so much room when it was given. */
  protected *readAheadInto(buffer: Uint8Array, room: number, options: WaitOptions | undefined): Operation<number> {
    timeoutOf('read', options)
    yield* pass()
    // The read-ahead stays where it is.
    if (buffer.byteLength !== room) throw new BufferError('read from the stream')
    if (!this.hasReadAhead) return yield* this.readInto(buffer, options)
    const bytes = this.take(room)
    buffer.set(bytes)
    return bytes.length
  }

  /**
   * Adds bytes that were read last and not delivered: they come after the read-ahead. The stream
   * keeps a copy.
   */
  protected putBack(bytes: Uint8Array): void {
    if (this.ahead === null) this.ahead = new ReadAhead(bytes.slice())
    else this.ahead.push(bytes.slice(), 0)
  }

  /** Drops the read-ahead: the stream is closed. */
  protected drop(): void {
    this.ahead = null
  }

  private *readExactlyOperation(bytes: number): Operation<Uint8Array> {
    yield* this.begin('read from the stream')
    for (;;) {
      const missing = bytes - this.aheadBytes
      if (missing <= 0) return this.take(bytes)
      if (missing > AHEAD_BYTES ? yield* this.fill(missing) : yield* this.more(missing)) continue
      const partial = this.take(bytes)
      throw new BrokenError(`read ${bytes} bytes`, `the stream ended after ${partial.length}`, partial)
    }
  }

  private *readUntilOperation(delimiter: Uint8Array, maxBytes: number): Operation<Uint8Array | null> {
    yield* this.begin('read from the stream')
    const end = yield* this.find(delimiter, maxBytes)
    if (end >= 0) return this.take(end)
    if (this.ahead === null) return null
    const partial = this.take(maxBytes)
    throw new BrokenError('read until the delimiter', `the stream ended after ${partial.length} bytes`, partial)
  }

  private *readLineOperation(maxBytes: number): Operation<string | null> {
    yield* this.begin('read from the stream')
    const end = yield* this.find(NEWLINE, maxBytes)
    if (end < 0 && this.ahead === null) return null
    const line = this.take(end < 0 ? maxBytes : end)
    let { length } = line
    if (line[length - 1] === LF) length -= line[length - 2] === CR ? 2 : 1
    decoder ??= new TextDecoder('utf-8', { ignoreBOM: true })
    return decoder.decode(length === line.length ? line : line.subarray(0, length))
  }

  private *readAllOperation(maxBytes: number): Operation<Uint8Array> {
    yield* this.begin('read from the stream')
    do {
      if (this.aheadBytes > maxBytes) throw new TooLargeError('read all of the stream', maxBytes)
    } while (this.aheadBytes < AHEAD_BYTES ? yield* this.more(0) : yield* this.fill(Number.POSITIVE_INFINITY))
    return this.take(Number.POSITIVE_INFINITY)
  }

  /**
   * Waits until the delimiter is there; returns where it ends, or −1 if the stream ends before it.
   */
  private *find(delimiter: Uint8Array, maxBytes: number): Operation<number> {
    let seen = 0
    for (;;) {
      if (this.ahead !== null) {
        const at = this.ahead.indexOf(delimiter, seen)
        if (at >= 0 && at + delimiter.length <= maxBytes) return at + delimiter.length
        if (this.ahead.length >= maxBytes) throw new TooLargeError('read until the delimiter', maxBytes)
        seen = Math.max(0, this.ahead.length - delimiter.length + 1)
      }
      if (!(yield* this.more(AHEAD_BYTES))) return -1
    }
  }

  /** Reads more bytes ahead, as many as come at once; false at the end of the stream. */
  private *more(expected: number): Operation<boolean> {
    const chunk = yield* this.receive(AHEAD_BYTES)
    if (chunk === null) return false
    if (this.ahead === null) this.ahead = new ReadAhead(chunk)
    else this.ahead.push(chunk, expected)
    return true
  }

  /**
   * The same, without a copy, for a reader that will get all of it: room is made for `expected`
   * bytes.
   */
  private *fill(expected: number): Operation<boolean> {
    this.ahead ??= new ReadAhead(EMPTY)
    const { ahead } = this
    try {
      const count = yield* this.receiveInto(ahead.room(1, Math.min(expected, TRUSTED_BYTES)).subarray(0, expected))
      ahead.filled(count)
      return count > 0
    } finally {
      if (ahead.length === 0) this.ahead = null
    }
  }

  private *begin(action: string): Operation<void> {
    yield* pass()
    this.assertReadable(action)
  }

  private assertReadable(action: string): void {
    this.assertOpen(action)
    if (this.reading) throw new BusyError(action, 'another task is reading')
  }

  /** How many bytes are read ahead. */
  protected get aheadBytes(): number {
    return this.ahead === null ? 0 : this.ahead.length
  }

  /** Takes the first bytes of the read-ahead, at most `max`. */
  protected take(max: number): Uint8Array {
    const { ahead } = this
    if (ahead === null) return EMPTY
    const bytes = ahead.take(max)
    if (ahead.length === 0) this.ahead = null
    return bytes
  }
}
