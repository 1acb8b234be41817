/**
 * Streams in memory: two ends that are connected without a network, for testing protocols.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError } from '../../kernel/protocol/errors.js'
import {
  checkBytes,
  checkLimit,
  checkOptions,
  checkPieces,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ByteReader } from '../net/byte-reader.js'
import type { ByteStream } from '../net/byte-stream.js'
import { BYTES_OR_STRING, type Bytes, encodedPieces } from '../raw/text.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import { Pipe } from './pipe.js'

const CAPACITY_BYTES = 64 * 1024

/** What a pair of memory streams is like. */
export interface MemoryOptions {
  /**
   * How many bytes there can be between writer and reader before the writer waits; Infinity for no
   * limit. Default 65,536.
   */
  readonly capacity?: number
  /**
   * No read returns more bytes than this, whatever there is: 1 is the hardest test of a parser.
   * Default Infinity.
   */
  readonly chunk?: number
}

/**
 * One end of a pair of streams in memory. It behaves as a socket does, and says BrokenError where
 * that says EPIPE.
 */
export class MemoryStream extends ByteReader implements ByteStream {
  private isClosed = false
  private scratch: Uint8Array | null = null

  /** @internal */
  constructor(
    private readonly input: Pipe,
    private readonly output: Pipe,
  ) {
    super()
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
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  read(max = CAPACITY_BYTES, options?: WaitOptions): Operation<Uint8Array | null> {
    checkLimit('read', 'max', max, 1)
    const limit = timeoutOf('read', options)
    return tracked('read', this.hasReadAhead ? this.readAhead(max, options) : this.readChunk(max, limit))
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
    return tracked('readInto', this.input.read(buffer, limit))
  }

  /**
   * Writes all of `bytes`, which may come in several pieces; waits while there is no room. If the
   * task is cancelled while it waits, or `timeout` is over, some of them may have been read.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError if the stream is closed, before or meanwhile.
   * @throws BusyError if another task is writing.
   * @throws BrokenError if the other end is closed, or this end's writing side was ended.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  write(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<void> {
    return tracked('write', this.writeAll(joined(bytes), timeoutOf('write', options)))
  }

  /**
   * Waits until there is room, writes the first of `bytes`, as many as fit, and returns how many
   * bytes, at least one. If the task is cancelled while it waits, or `timeout` is over, nothing was
   * written. Errors are those of `write`.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  writeSome(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<number> {
    return tracked('writeSome', this.output.write(joined(bytes), false, timeoutOf('write', options)))
  }

  /**
   * Ends the writing side, so that the peer reads an end; reading goes on. Does not wait.
   *
   * @throws ClosedError if the stream is closed.
   * @throws BusyError if another task is writing.
   */
  *end(): Operation<void> {
    if (this.isClosed) throw new ClosedError('end the stream')
    yield* this.output.end()
  }

  /**
   * Closes it; tasks that wait on it get a ClosedError. A second close does nothing. Does not wait.
   */
  *close(): Operation<void> {
    if (this.isClosed) return
    this.isClosed = true
    this.drop()
    yield* this.output.closeWriter()
    yield* this.input.closeReader()
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  protected override receive(max: number): Operation<Uint8Array | null> {
    return this.readChunk(max, Number.POSITIVE_INFINITY)
  }

  protected override receiveInto(buffer: Uint8Array): Operation<number> {
    return this.input.read(buffer, Number.POSITIVE_INFINITY)
  }

  protected override get reading(): boolean {
    return this.input.reading
  }

  protected override assertOpen(action: string): void {
    if (this.isClosed) throw new ClosedError(action)
  }

  private *readChunk(max: number, limit: number): Operation<Uint8Array | null> {
    this.scratch ??= new Uint8Array(CAPACITY_BYTES)
    const count = yield* this.input.read(this.scratch.subarray(0, Math.min(max, CAPACITY_BYTES)), limit)
    return count === 0 ? null : this.scratch.slice(0, count)
  }

  private *writeAll(bytes: Uint8Array, limit: number): Operation<void> {
    yield* this.output.write(bytes, true, limit)
  }
}

/** Several pieces as one. */
function joined(given: Bytes | readonly Bytes[]): Uint8Array {
  const bytes = encodedPieces(given)
  const length = checkPieces('write', 'bytes', bytes, BYTES_OR_STRING)
  if (!Array.isArray(bytes)) return bytes as Uint8Array
  const all = new Uint8Array(length)
  let at = 0
  for (const piece of bytes) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/**
 * Makes two streams that are connected to each other in memory. Each call gives other tasks a turn.
 *
 * @param options Sizes, in bytes.
 * @throws RangeError if a size is negative or NaN, or `chunk` is less than 1.
 * @see https://trio.readthedocs.io/en/stable/reference-testing.html#trio.testing.memory_stream_pair
 * @example
 * import { memoryStreams, virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const [a, b] = memoryStreams({ chunk: 3 })
 *   yield* a.write('hello')
 *   console.log(new TextDecoder().decode((yield* b.read()) ?? undefined)) // => hel
 *   yield* a.close()
 *   console.log(new TextDecoder().decode(yield* b.readAll())) // => lo
 * })
 */
export function memoryStreams(options: MemoryOptions = {}): [MemoryStream, MemoryStream] {
  checkOptions('make streams', 'options', options)
  const { capacity = CAPACITY_BYTES, chunk = Number.POSITIVE_INFINITY } = options
  checkLimit('make streams', 'capacity', capacity, 0)
  checkLimit('make streams', 'chunk', chunk, 1)
  const [there, back] = [new Pipe(capacity, chunk), new Pipe(capacity, chunk)]
  return [new MemoryStream(back, there), new MemoryStream(there, back)]
}

/**
 * Makes two streams in memory with nothing in between: a write returns when the other side has read
 * all of it. They find code that relies on buffers to take what is not read.
 *
 * @see https://trio.readthedocs.io/en/stable/reference-testing.html#trio.testing.lockstep_stream_pair
 * @example
 * import { DeadlockError } from 'drupe'
 * import { lockstepStreams, virtual } from 'drupe/testing'
 *
 * try {
 *   virtual({}, function* () {
 *     const [a] = lockstepStreams()
 *     yield* a.write(new Uint8Array(1)) // nobody reads
 *   })
 * } catch (error) {
 *   console.log(error instanceof DeadlockError) // => true
 * }
 */
export function lockstepStreams(): [MemoryStream, MemoryStream] {
  return memoryStreams({ capacity: 0 })
}
