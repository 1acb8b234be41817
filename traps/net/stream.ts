/**
 * Streams: bytes both ways over a connected socket.
 *
 * A stream is a descriptor and two operations that it uses again and again, one for reading and one
 * for writing. So a message costs no allocation but its own bytes. A connection that waits for data
 * holds no buffer: the driver lends one when there is something to put into it. One task may read
 * while another writes; two readers are a BusyError.
 */

import { mustBeClosed, tracked } from '../../kernel/protocol/debug.js'
import { BusyError, ClosedError } from '../../kernel/protocol/errors.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import { type Address, IoOp, READ, WRITE } from '../../kernel/protocol/io-op.js'
import { checkBytes, checkLimit, checkPieces, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation, Trap } from '../../kernel/protocol/trap.js'
import { wasClosed } from '../../kernel/protocol/unclosed.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'
import { ask } from '../raw/call.js'
import { load } from '../raw/io.js'
import { BYTES_OR_STRING, type Bytes, encodedPieces } from '../raw/text.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import { ByteReader } from './byte-reader.js'
import { copyOf } from './chunks.js'

/** No read is larger, whatever is asked for. */
const MOST_BYTES = 0x7fffffff
/** Of a read that has ended before its stream was closed, and whose task has not run since. */
const CLOSED_FD = -1

/** A connection. Made by `connect`, or given to the handler of `serve`; close it when done. */
export class Stream extends ByteReader implements Giver {
  private fd: number
  private reader: IoOp | null = null
  private writer: IoOp | null = null
  /** The addresses of both ends, if they were asked for. */
  private local: Address | null = null
  private remote: Address | null = null
  /** How many operations were begun. */
  private begun = 0

  /** @internal The stream owns the descriptor from here on. */
  constructor(fd: number) {
    super()
    this.fd = fd
    mustBeClosed(this)
  }

  /** `console.log(stream)` is one line. */
  [INSPECT](): string {
    return `Stream (${this.fd < 0 ? 'closed' : `fd ${this.fd}`})`
  }

  /** Whether it was closed on this side. */
  get closed(): boolean {
    return this.fd < 0
  }

  /**
   * Waits for bytes and returns those that are there, at least one and at most `max`; null at the
   * end of the stream. The bytes belong to the caller; to transfer them to another thread, copy
   * them (`slice()`), since small ones share memory with others. If the task is cancelled while it
   * waits, or `timeout` is over, nothing was read.
   *
   * @param max At most so many bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the stream is closed, before or meanwhile.
   * @throws BusyError if another task is reading.
   * @throws SystemError if the connection broke (`ECONNRESET`, …).
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   * @example
   * import { connect, listen, run, serve, spawn } from 'drupe'
   *
   * await run(function* () {
   *   const listener = yield* listen({ host: '127.0.0.1', port: 0 })
   *   const server = yield* spawn(serve(listener, function* (stream) {
   *     yield* stream.write('hello')
   *   }))
   *   const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
   *   const bytes = yield* stream.readAll()
   *   console.log(new TextDecoder().decode(bytes)) // => hello
   *   yield* stream.close()
   *   yield* server.cancel()
   * })
   */
  read(max?: number, options?: WaitOptions): Operation<Uint8Array | null> {
    if (this.hasReadAhead) return tracked('read', this.readAhead(max ?? MOST_BYTES, options))
    return this.prepareRead(null, max ?? MOST_BYTES, ownedChunk, options) as Trap<Uint8Array | null>
  }

  /**
   * Reads as `read` does, without the copy: the bytes are in a lent buffer and valid until the next
   * read on this stream, or until it is closed. It is for protocols that are done with their input
   * before they ask for more. If the task is cancelled while it waits, or `timeout` is over,
   * nothing was read. Errors are those of `read`.
   *
   * @param max At most so many bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  borrow(max?: number, options?: WaitOptions): Operation<Uint8Array | null> {
    if (this.hasReadAhead) return tracked('borrow', this.readAhead(max ?? MOST_BYTES, options))
    return this.prepareRead(null, max ?? MOST_BYTES, borrowedChunk, options) as Trap<Uint8Array | null>
  }

  /**
   * Waits for bytes, puts them into `buffer`, and returns how many: 0 at the end of the stream. The
   * memory may be shared between threads (SharedArrayBuffer). If the task is cancelled while it
   * waits, or `timeout` is over, nothing was read. Errors are those of `read`.
   *
   * @param buffer Where the bytes go.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws BufferError if the buffer was transferred or made smaller meanwhile.
   */
  readInto(buffer: Uint8Array, options?: WaitOptions): Operation<number> {
    checkBytes('read', 'buffer', buffer)
    if (this.hasReadAhead) return tracked('readInto', this.readAheadInto(buffer, buffer.length, options))
    return this.prepareRead(buffer, buffer.length, null, options) as Trap<number>
  }

  /**
   * Writes all of `bytes`; returns when the OS has taken them. They must not change until then.
   * Several pieces leave as if they were one, without being put together first. If the task is
   * cancelled while it waits, or it fails, some of them may have been sent: after that the stream
   * is only good for closing. (`writeSome` and BufferedWriter know how far they came.)
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the stream is closed, before or meanwhile.
   * @throws BusyError if another task is writing.
   * @throws BufferError if some of the bytes were transferred or made smaller meanwhile.
   * @throws SystemError if the connection broke (`EPIPE`, `ECONNRESET`, …).
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  write(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Trap<void> {
    const op = this.prepareWrite(bytes, options)
    op.all = true
    op.convert = written
    return op as unknown as Trap<void>
  }

  /**
   * Waits until there is room, writes the first of `bytes`, as many as fit, and returns how many
   * bytes, at least one. If the task is cancelled while it waits, or `timeout` is over, nothing was
   * written. Errors are those of `write`.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  writeSome(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Trap<number> {
    const op = this.prepareWrite(bytes, options)
    op.all = false
    op.convert = writtenSome
    return op as unknown as Trap<number>
  }

  /** @internal What has happened: two that are equal say that nothing did in between. */
  activity(): { readonly begun: number; readonly moved: number; readonly waits: boolean } {
    const { begun, reader, writer } = this
    return { begun, moved: writer?.moved ?? 0, waits: (reader?.running ?? false) || (writer?.running ?? false) }
  }

  private prepareWrite(given: Bytes | readonly Bytes[], options: WaitOptions | undefined): IoOp {
    const bytes = encodedPieces(given)
    const length = checkPieces('write', 'bytes', bytes, BYTES_OR_STRING)
    const limit = timeoutOf('write', options)
    this.assertOpen('write to the stream')
    let op = this.writer
    if (op === null || !op.claim()) {
      op = new IoOp(WRITE, this.fd, null, 0, 0, 0)
      op.claim()
      // In use or not run yet: the old one keeps what it was asked, and the driver says which of
      // the two is too many.
      if (this.writer?.owner == null) this.writer = op
    }
    this.begun = (this.begun + 1) | 0
    op.timeout = limit
    load(op, bytes, length)
    return op
  }

  /**
   * Ends the writing side, so that the peer reads an end; reading goes on. A connection that the
   * peer has reset is ended already, and that is no error. Does not wait.
   *
   * @throws ClosedError if the stream is closed.
   * @throws BusyError if another task is writing: the peer would take what has left by then for all
   * there is.
   */
  end(): Trap<void> {
    this.assertOpen('end the stream')
    return ask('shutdown', (driver) => {
      if (this.writer?.owner != null) throw new BusyError('end the stream', 'another task is writing')
      const result = driver.shutdown(this.fd)
      return result < 0 && driver.describeError(result)[0] !== 'ENOTCONN' ? result : undefined
    }) as Trap<void>
  }

  /**
   * Closes it; tasks that wait on it get a ClosedError. A second close does nothing. Does not wait.
   */
  close(): Trap<void> {
    return ask('close', (driver) => {
      if (this.fd < 0) return undefined
      const fd = this.fd
      this.fd = -1
      wasClosed(this)
      this.drop()
      const result = driver.closeFd(fd)
      if (this.reader !== null) release(this.reader)
      for (const op of [this.reader, this.writer]) forget(op)
      return result < 0 ? result : undefined
    }) as Trap<void>
  }

  /** @internal Gives back what `borrow` has lent, before the next read would. */
  release(): void {
    if (this.reader !== null && !this.reader.running) this.reader.lender?.release(this.reader)
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  /**
   * Returns the address of this end, asked for once and then remembered: also when the peer has
   * reset the connection, or the stream is closed. Does not wait.
   *
   * @throws ClosedError if the stream is closed, and was never asked before.
   */
  localAddress(): Trap<Address> {
    if (this.local === null) this.assertOpen('ask for the address of the stream')
    return ask('getsockname', (driver) => {
      this.local ??= known(driver.localAddress(this.fd))
      return this.local ?? driver.localAddress(this.fd)
    }) as Trap<Address>
  }

  /**
   * Returns the address of the other end, asked for once and then remembered: also when the peer
   * has reset the connection, or the stream is closed. Does not wait.
   *
   * @throws ClosedError if the stream is closed, and was never asked before.
   * @throws SystemError (`ENOTCONN`) if the peer has reset it, and it was never asked before: the
   * OS has forgotten.
   */
  remoteAddress(): Trap<Address> {
    if (this.remote === null) this.assertOpen('ask for the peer of the stream')
    return ask('getpeername', (driver) => {
      this.remote ??= known(driver.remoteAddress(this.fd))
      return this.remote ?? driver.remoteAddress(this.fd)
    }) as Trap<Address>
  }

  /** @internal For the kernel: what was read was not delivered, so it is for the next reader. */
  undo(_task: Task, trap: Trap<unknown>, bytes: unknown): boolean {
    const op = trap as IoOp
    // The end of the stream comes again by itself.
    if (bytes !== 0 && !this.closed) this.putBack(lentChunk(op, bytes as number))
    if (op.lend) op.lender?.release(op)
    return true
  }

  protected override receive(max: number): Operation<Uint8Array | null> {
    return this.prepareRead(null, max, ownedChunk, undefined) as Trap<Uint8Array | null>
  }

  protected override receiveInto(buffer: Uint8Array): Operation<number> {
    return this.prepareRead(buffer, buffer.length, null, undefined) as Trap<number>
  }

  protected override get reading(): boolean {
    return this.reader?.running ?? false
  }

  private prepareRead(
    buffer: Uint8Array | null,
    length: number,
    convert: IoOp['convert'],
    options: WaitOptions | undefined,
  ): Trap<unknown> {
    this.assertOpen('read from the stream')
    if (buffer === null) checkLimit('read', 'max', length, 1)
    const limit = timeoutOf('read', options)
    let op = this.reader
    if (op === null || !op.claim()) {
      op = new IoOp(READ, this.fd, null, 0, 0, 0, this)
      op.claim()
      if (this.reader?.owner == null) this.reader = op
    }
    this.begun = (this.begun + 1) | 0
    // A lent buffer stays with the operation until the next read; a read into another one releases
    // it.
    if (buffer !== null || !op.lend) {
      if (op.lend) op.lender?.release(op)
      op.buffer = buffer
    }
    op.lend = buffer === null
    op.length = length
    op.convert = convert
    op.timeout = limit
    return op
  }

  /** @internal Its descriptor, for what is done beside it. */
  descriptor(action: string): number {
    this.assertOpen(action)
    return this.fd
  }

  /** @internal Puts what was read ahead into a buffer; how many bytes, 0 if there are none. */
  takeAhead(buffer: Uint8Array): number {
    if (!this.hasReadAhead) return 0
    const bytes = this.take(buffer.length)
    buffer.set(bytes)
    return bytes.length
  }

  protected override assertOpen(action: string): void {
    if (this.fd < 0) throw new ClosedError(action)
  }
}

/** An address, or else what the driver has against giving one. */
function known(answer: Address | number): Address | null {
  return typeof answer === 'number' ? null : answer
}

/**
 * Releases the lent buffer of a stream that is closed, unless a task has read into it and has not
 * run since.
 */
function release(reader: IoOp): void {
  if (!reader.running) reader.lender?.release(reader)
  // One that has an owner still waits, in another kernel, whose driver knows it by its descriptor.
  else if (reader.owner === null) reader.fd = CLOSED_FD
}

/** One that has not run must not run on what gets the descriptor next. */
function forget(op: IoOp | null): void {
  if (op?.running === false) op.fd = CLOSED_FD
}

/** On a closed stream no later read could give the buffer back, so the bytes are copied. */
function borrowedChunk(op: IoOp, bytes: number): Uint8Array | null {
  if (bytes === 0) return null
  return op.fd === CLOSED_FD ? ownedChunk(op, bytes) : lentChunk(op, bytes)
}

/** The driver may have cut the buffer to what was read. */
function lentChunk(op: IoOp, bytes: number): Uint8Array {
  const buffer = op.buffer as Uint8Array
  return bytes === buffer.length ? buffer : buffer.subarray(0, bytes)
}

function ownedChunk(op: IoOp, bytes: number): Uint8Array | null {
  if (bytes === 0) return null
  const chunk = copyOf(lentChunk(op, bytes))
  op.lender?.release(op)
  return chunk
}

/**
 * The bytes are sent: they must not stay alive, or keep a whole slab alive, until the next write.
 */
function written(op: IoOp): void {
  op.dropBytes()
}

function writtenSome(op: IoOp, bytes: number): number {
  op.dropBytes()
  return bytes
}
