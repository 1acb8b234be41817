/**
 * Files: a stream of bytes with a place in it.
 *
 * The place is a number here and not the system's: a read names the bytes that it wants. So one
 * that is called off has moved nothing, and what was read ahead for a line is never behind the
 * place. What has no places, a FIFO or a terminal, is read as a connection is: there an answer that
 * its task did not see is put back.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import { IoOp, READ, WRITE } from '../../kernel/protocol/io-op.js'
import {
  checkBytes,
  checkCount,
  checkLimit,
  checkPieces,
  checkWord,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import { type FileStatus, Request } from '../../kernel/protocol/request.js'
import type { Operation, Trap } from '../../kernel/protocol/trap.js'
import { ByteReader } from '../net/byte-reader.js'
import type { ByteStream } from '../net/byte-stream.js'
import { allocate } from '../net/chunks.js'
import { ask } from '../raw/call.js'
import type { OpenFlags } from '../raw/file.js'
import { load } from '../raw/io.js'
import { BYTES_OR_STRING, type Bytes, encodedPieces } from '../raw/text.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'

/** A read without a limit brings at most so much. */
const CHUNK_BYTES = 64 * 1024
/** No read brings more, whatever is asked for. */
const MOST_BYTES = 256 * 1024
const NO_PLACE = -1
const LIMITLESS = Number.POSITIVE_INFINITY
const NOTHING = new Uint8Array(0)

/** An open file. Made by `open`; close it when done. */
export class File extends ByteReader implements ByteStream {
  private descriptor: number
  private readonly appends: boolean
  /** Where the next read or write begins; NO_PLACE: it has no places. */
  private at: number
  private reader: IoOp<number> | null = null
  private ended = false
  private lent = NOTHING

  /** @internal The file owns the descriptor from here on. */
  constructor(fd: number, flags: OpenFlags, hasPlaces: boolean) {
    super()
    this.descriptor = fd
    this.appends = flags.startsWith('a')
    this.at = hasPlaces ? 0 : NO_PLACE
  }

  /** `console.log(file)` is one line. */
  [INSPECT](): string {
    return `File (${this.descriptor < 0 ? 'closed' : `fd ${this.descriptor}`})`
  }

  /**
   * Its descriptor; -1 if it was closed. A program that is given the file begins where the one
   * before it ended, at first at its beginning: `position` is about this object alone.
   */
  get fd(): number {
    return this.descriptor
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.descriptor < 0
  }

  /** Where the next read or write begins, in bytes; 0 of what has no positions, as a FIFO. */
  get position(): number {
    return Math.max(0, this.at - this.aheadBytes)
  }

  /**
   * Reads at the position, which it moves; returns at least one byte and at most `max`, owned by
   * the caller, or null at the end. If the task is cancelled while it waits, or `timeout` is over,
   * nothing was read.
   *
   * @param max At most so many bytes. A single read brings 256 KiB at most. Default 65,536.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the file is closed, before or meanwhile.
   * @throws BusyError if another task is reading.
   * @throws SystemError as the OS says: `EISDIR`, `EBADF` if it is not open for reading, …
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   * @example
   * import { open, run, use } from 'drupe'
   *
   * await run(function* () {
   *   yield* use(open('package.json'), function* (file) {
   *     const bytes = yield* file.read(1)
   *     console.log(new TextDecoder().decode(bytes ?? undefined), file.position) // => { 1
   *   })
   * })
   */
  override read(max = CHUNK_BYTES, options?: WaitOptions): Operation<Uint8Array | null> {
    checkLimit('read', 'max', max, 1)
    if (this.hasReadAhead) return tracked('read', this.readAhead(max, options))
    this.assertOpen('read from the file')
    return tracked('read', this.chunk(max, timeoutOf('read', options)))
  }

  /**
   * Reads as `read` does into `buffer`, and returns how many bytes: 0 at the end. If the task is
   * cancelled while it waits, or `timeout` is over, nothing was read. Errors are those of `read`.
   *
   * @param buffer Where the bytes go.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  override readInto(buffer: Uint8Array, options?: WaitOptions): Operation<number> {
    checkBytes('read', 'buffer', buffer)
    if (this.hasReadAhead) return tracked('readInto', this.readAheadInto(buffer, buffer.length, options))
    this.assertOpen('read from the file')
    return tracked('readInto', this.fillBuffer(buffer, timeoutOf('read', options)))
  }

  /**
   * Reads at a position of its own into `buffer`, and returns how many bytes: 0 at the end. The
   * position of the file stays where it is. If the task is cancelled while it waits, or `timeout`
   * is over, nothing was read. Errors are those of `read`; `ESPIPE` of what has no positions.
   *
   * @param buffer Where the bytes go.
   * @param position Where in the file, in bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  readAt(buffer: Uint8Array, position: number, options?: WaitOptions): Operation<number> {
    checkBytes('read at a position', 'buffer', buffer)
    checkCount('read at a position', 'position', position, 0)
    const timeout = timeoutOf('read at a position', options)
    return this.whileOpen('readAt', 'read at a position', (fd) => {
      const op = new IoOp<number>(READ, fd, buffer, 0, buffer.length, timeout)
      op.position = position
      return op
    })
  }

  /**
   * Writes all of `bytes` at the position, which it moves, or at the end of a file that was opened
   * to append. They must not change until it returns. If the task is cancelled while it waits, or
   * it fails, some may have been written; the position is behind those.
   *
   * @param bytes The bytes, in one piece or in several.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the file is closed, before or meanwhile, or was ended.
   * @throws BusyError if another task is writing.
   * @throws BufferError if some of the bytes were transferred or made smaller meanwhile.
   * @throws SystemError as the OS says: `ENOSPC`, `EBADF` if it is not open for writing, …
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  write(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<void> {
    const op = this.prepareWrite(bytes, options)
    op.all = true
    return tracked('write', this.putAll(op))
  }

  /**
   * Writes the first of `bytes` at the position, which it moves, and returns how many, at least
   * one. If the task is cancelled while it waits, or `timeout` is over, none was written. Errors
   * are those of `write`.
   *
   * @param bytes The bytes, in one piece or in several.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  writeSome(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<number> {
    return tracked('writeSome', this.put(this.prepareWrite(bytes, options)))
  }

  /**
   * Writes all of `bytes` at a position of its own; the position of the file stays where it is. If
   * the task is cancelled while it waits, or it fails, some may have been written. Errors are those
   * of `write`; `ESPIPE` of what has no positions.
   *
   * @param bytes The bytes, in one piece or in several.
   * @param position Where in the file, in bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  writeAt(bytes: Bytes | readonly Bytes[], position: number, options?: WaitOptions): Operation<number> {
    checkCount('write at a position', 'position', position, 0)
    const op = this.prepareWrite(bytes, options)
    op.all = true
    op.position = position
    return this.whileOpen('writeAt', 'write to the file', () => op)
  }

  /**
   * Moves the position, and returns it. It may be behind the end; then a write fills the gap with
   * zeros. If the task is cancelled while it waits, the position is where it was.
   *
   * @param offset How far, in bytes.
   * @param from From where. Default: `'start'`.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws RangeError if that is before the beginning.
   * @throws UnsupportedError if the file has no positions, as a FIFO or a terminal.
   * @throws ClosedError if the file is closed.
   */
  seek(offset: number, from: 'start' | 'current' | 'end' = 'start', options?: WaitOptions): Operation<number> {
    checkCount('seek', 'offset', offset, Number.MIN_SAFE_INTEGER)
    checkWord('seek', 'from', from, ['start', 'current', 'end'])
    timeoutOf('seek', options)
    this.assertOpen('seek')
    return tracked('seek', this.seekOperation(offset, from, options))
  }

  /**
   * Cuts the file to a length, or makes it longer with zeros; the position stays where it is. If
   * the task is cancelled while it waits, it may have been done.
   *
   * @param bytes The new length. Default 0.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws SystemError as the OS says: `EINVAL` if it is not open for writing, …
   * @throws ClosedError if the file is closed.
   */
  truncate(bytes = 0, options?: WaitOptions): Operation<number> {
    checkCount('truncate', 'bytes', bytes, 0)
    const timeout = timeoutOf('truncate', options)
    return this.whileOpen('truncate', 'truncate the file', (fd) => new Request('truncate', { fd, bytes }, timeout))
  }

  /**
   * Waits until everything that was written is on its medium. If the task is cancelled while it
   * waits, the system may go on with it.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws SystemError as the OS says: `EIO`, …; ClosedError if the file is closed.
   */
  sync(options?: WaitOptions): Operation<number> {
    const timeout = timeoutOf('flush', options)
    return this.whileOpen('sync', 'flush the file', (fd) => new Request('sync', { fd }, timeout))
  }

  /**
   * Returns what the file is: its kind, size, permissions and times. If the task is cancelled while
   * it waits, nothing has happened.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the file is closed.
   */
  stat(options?: WaitOptions): Operation<FileStatus> {
    const timeout = timeoutOf('ask about the file', options)
    return this.whileOpen('stat', 'ask about the file', (fd) => new Request('stat', { fd }, timeout))
  }

  /**
   * Ends writing: what is written later is a ClosedError. Does not wait. A FIFO's reader sees the
   * end when the file is closed.
   *
   * @throws ClosedError if the file is closed.
   */
  *end(): Operation<void> {
    this.assertOpen('end the file')
    this.ended = true
  }

  /**
   * Closes it; tasks that wait on it get a ClosedError. A second close does nothing. Does not wait.
   */
  close(): Trap<void> {
    return ask('close', (driver) => {
      if (this.descriptor < 0) return undefined
      const fd = this.descriptor
      this.descriptor = -1
      this.drop()
      const result = driver.closeFd(fd)
      return result < 0 ? result : undefined
    }) as Trap<void>
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  /** @internal As `read`, into memory that the next one uses again: for `pipe`. */
  borrow(max: number): Operation<Uint8Array | null> {
    if (this.hasReadAhead) return this.readAhead(max, undefined)
    return this.at === NO_PLACE ? this.chunk(max, LIMITLESS) : this.lend(Math.min(max, MOST_BYTES))
  }

  /** @internal For the kernel: what was read was not delivered. What has places is read again. */
  undo(_task: Task, trap: Trap<unknown>, bytes: unknown): boolean {
    const { buffer } = trap as IoOp
    if (this.at === NO_PLACE && bytes !== 0 && !this.closed)
      this.putBack(buffer?.subarray(0, bytes as number) as Uint8Array)
    return true
  }

  protected override receive(max: number): Operation<Uint8Array | null> {
    return this.chunk(max, LIMITLESS)
  }

  protected override receiveInto(buffer: Uint8Array): Operation<number> {
    return this.fillBuffer(buffer, LIMITLESS)
  }

  protected override get reading(): boolean {
    return this.reader?.running ?? false
  }

  protected override assertOpen(action: string): void {
    if (this.descriptor < 0) throw new ClosedError(action)
  }

  /**
   * The descriptor is taken when the operation runs. What was made before a close, and runs after
   * it, would else be about the next file of that number.
   */
  private whileOpen<T>(name: string, action: string, trap: (fd: number) => Trap<T>): Operation<T> {
    this.assertOpen(action)
    return tracked(name, this.run(action, trap))
  }

  private *run<T>(action: string, trap: (fd: number) => Trap<T>): Operation<T> {
    this.assertOpen(action)
    return yield* trap(this.descriptor)
  }

  private *chunk(max: number, timeout: number): Operation<Uint8Array | null> {
    const buffer = new Uint8Array(allocate(Math.min(max, MOST_BYTES)))
    const count = yield* this.fillBuffer(buffer, timeout)
    if (count === 0) return null
    // What is much too large would keep its memory.
    return count < buffer.length / 2 ? buffer.slice(0, count) : buffer.subarray(0, count)
  }

  private *lend(bytes: number): Operation<Uint8Array | null> {
    if (this.lent.length < bytes) this.lent = new Uint8Array(bytes)
    const buffer = this.lent.subarray(0, bytes)
    const count = yield* this.fillBuffer(buffer, LIMITLESS)
    return count === 0 ? null : buffer.subarray(0, count)
  }

  private *fillBuffer(buffer: Uint8Array, timeout: number): Operation<number> {
    this.assertOpen('read from the file')
    const op = new IoOp<number>(READ, this.descriptor, buffer, 0, buffer.length, timeout, this)
    const { at } = this
    op.position = at
    if (!this.reading) this.reader = op
    const count = yield* op
    if (at !== NO_PLACE) this.at = at + count
    return count
  }

  private prepareWrite(given: Bytes | readonly Bytes[], options: WaitOptions | undefined): IoOp<number> {
    const bytes = encodedPieces(given)
    const length = checkPieces('write', 'bytes', bytes, BYTES_OR_STRING)
    const timeout = timeoutOf('write', options)
    this.assertOpen('write to the file')
    if (this.ended) throw new ClosedError('write to the file')
    const op = new IoOp<number>(WRITE, this.descriptor, null, 0, 0, timeout)
    load(op, bytes, length)
    return op
  }

  private *putAll(op: IoOp<number>): Operation<void> {
    yield* this.put(op)
  }

  private *put(op: IoOp<number>): Operation<number> {
    this.assertOpen('write to the file')
    const places = this.at !== NO_PLACE && !this.appends
    const from = this.position
    if (places) op.position = from
    let moved = 0
    try {
      moved = yield* op
      return moved
    } catch (error) {
      moved = op.moved
      throw error
    } finally {
      if (places && moved > 0) {
        this.at = from + moved
        this.drop()
      }
    }
  }

  private *seekOperation(offset: number, from: 'start' | 'current' | 'end', options?: WaitOptions): Operation<number> {
    if (this.at === NO_PLACE) throw new UnsupportedError('seek', 'the file has no positions')
    const { bytes } = yield* this.stat(options)
    this.assertOpen('seek')
    const at = offset + (from === 'end' ? bytes : from === 'current' ? this.position : 0)
    checkCount('seek', 'the new position', at, 0)
    this.drop()
    this.at = at
    return at
  }
}
