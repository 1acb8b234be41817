/**
 * Writing in small pieces that leave together.
 *
 * What is written is gathered, and leaves by `flush`, or when there is more than the high-water
 * mark: a task that writes then waits until no more than the low-water mark is left. There is no
 * task behind it: bytes leave while a task is in `write` or `flush`, and that call throws the
 * error.
 *
 * One rule keeps the books: what a `write` was given is accepted as a whole before it waits for
 * anything, and bytes are dropped from the front exactly when the stream says that it took them
 * (`writeSome`). So a call that is cancelled, times out or fails neither loses a byte nor sends one
 * twice; the next flush goes on where that one stopped.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import {
  checkBody,
  checkLimit,
  checkMethods,
  checkOptions,
  checkPieces,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { BYTES_OR_STRING, type Bytes, encodedPieces } from '../raw/text.js'
import { within } from '../scope/scope.js'
import { Lock } from '../sync/lock.js'
import type { ByteStream } from './byte-stream.js'

const HIGH_WATER_BYTES = 64 * 1024
/** Pieces below this are copied next to each other; larger ones get a copy of their own. */
const SMALL_BYTES = 4096
const CHUNK_BYTES = 16 * 1024

/** Chunks that are free now, for all writers of the thread. */
const spare: Uint8Array[] = []
const MOST_SPARE = 64

/** How much is gathered. */
export interface BufferOptions {
  /** A write that makes it more than this waits. 0: every write leaves at once. Default 65,536. */
  readonly highWaterBytes?: number
  /** …until no more than this is left. Default 0: until all of it has left. */
  readonly lowWaterBytes?: number
}

/**
 * Gathers small writes to a stream, so that they leave in one system call and few packets. Any
 * number of tasks may write; what each writes stays together, in the order of the calls. It holds
 * memory only while it holds bytes.
 *
 * While it is in use, nothing else should write to the stream. Call `flush` before the stream is
 * ended or closed.
 *
 * @see https://pkg.go.dev/bufio#Writer
 * @example
 * import { BufferedWriter } from 'drupe'
 * import { memoryStreams, virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const [a, b] = memoryStreams()
 *   const out = new BufferedWriter(a)
 *   for (const word of ['one ', 'two ', 'three']) yield* out.write(word)
 *   console.log(out.bufferedBytes) // => 13
 *   yield* out.flush()
 *   console.log(new TextDecoder().decode((yield* b.read()) ?? undefined)) // => one two three
 * })
 */
export class BufferedWriter {
  private readonly highWaterBytes: number
  private readonly lowWaterBytes: number
  /**
   * What has not left, in order: first what the stream was given last time, which is not added to,
   * then the rest.
   */
  private leaving: Uint8Array[] = []
  private waiting: Uint8Array[] = []
  private bytes = 0
  /** Memory of small pieces. */
  private readonly chunks: Uint8Array[] = []
  /** How much of the last chunk is used, and how many of these bytes are not in `waiting` yet. */
  private used = CHUNK_BYTES
  private open = 0
  private readonly draining = new Lock()

  /**
   * @param stream The stream that the bytes leave by.
   * @param options The marks, in bytes.
   * @throws RangeError if a mark is negative or NaN, or the low one above the high one.
   */
  constructor(
    private readonly stream: ByteStream,
    options: BufferOptions = {},
  ) {
    checkMethods('buffer', 'stream', stream, 'a stream with writeSome()', ['writeSome'])
    checkOptions('buffer', 'options', options)
    const { highWaterBytes = HIGH_WATER_BYTES, lowWaterBytes = 0 } = options
    checkLimit('buffer', 'highWaterBytes', highWaterBytes, 0)
    checkLimit('buffer', 'lowWaterBytes', lowWaterBytes, 0)
    if (lowWaterBytes > highWaterBytes) {
      throw new RangeError(`Cannot buffer: lowWaterBytes must be ${highWaterBytes} at most, not ${lowWaterBytes}`)
    }
    this.highWaterBytes = highWaterBytes
    this.lowWaterBytes = lowWaterBytes
  }

  /** How many bytes have been written here and have not left. */
  get bufferedBytes(): number {
    return this.bytes
  }

  /**
   * Accepts all of `bytes` at once, and waits only if that makes more than the high-water mark,
   * until no more than the low-water mark is left. Once it has returned or thrown, the bytes may
   * change. If the task is cancelled while it waits, or `timeout` is over, the bytes are accepted
   * nevertheless and leave with the next flush.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws ClosedError, BrokenError, SystemError as the stream's `write`, if it has to wait for
   * the stream.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled and it has to wait.
   */
  write(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<void> {
    const pieces = encodedPieces(bytes)
    checkPieces('write', 'bytes', pieces, BYTES_OR_STRING)
    return tracked('write', this.writeOperation(pieces, timeoutOf('write', options)))
  }

  /**
   * Waits until everything has left that was written before. If the task is cancelled while it
   * waits, or it fails, what has not left stays, and the next flush goes on there. Errors are those
   * of `write`.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  flush(options?: WaitOptions): Operation<void> {
    return tracked('flush', within('flush', timeoutOf('flush', options), this.drain(0)))
  }

  private *writeOperation(bytes: Uint8Array | readonly Uint8Array[], limit: number): Operation<void> {
    if (Array.isArray(bytes)) for (const piece of bytes) this.add(piece)
    else this.add(bytes as Uint8Array)
    if (this.bytes > this.highWaterBytes) yield* within('write', limit, this.drain(this.lowWaterBytes))
  }

  /** Writes until no more than so much is left. */
  private *drain(most: number): Operation<void> {
    if (this.bytes <= most) return
    yield* this.draining.acquire()
    try {
      while (this.bytes > most) {
        if (this.leaving.length === 0) this.swap()
        this.drop(yield* this.stream.writeSome(this.leaving))
      }
    } finally {
      yield* this.draining.release()
    }
  }

  /** Takes a copy. */
  private add(piece: Uint8Array): void {
    this.bytes += piece.length
    if (piece.length > SMALL_BYTES) {
      this.seal()
      this.waiting.push(piece.slice())
      return
    }
    if (this.used + piece.length > CHUNK_BYTES) {
      this.seal()
      this.chunks.push(spare.pop() ?? new Uint8Array(CHUNK_BYTES))
      this.used = 0
    }
    this.chunks.at(-1)?.set(piece, this.used)
    this.used += piece.length
    this.open += piece.length
  }

  /** Puts what was copied last among the pieces. */
  private seal(): void {
    if (this.open === 0) return
    this.waiting.push((this.chunks.at(-1) as Uint8Array).subarray(this.used - this.open, this.used))
    this.open = 0
  }

  private swap(): void {
    this.seal()
    const empty = this.leaving
    this.leaving = this.waiting
    this.waiting = empty
  }

  /** The stream took so many bytes from the front. */
  private drop(bytes: number): void {
    const { leaving } = this
    this.bytes -= bytes
    let gone = 0
    for (let piece = leaving[0]; piece !== undefined && bytes >= piece.length; piece = leaving[gone]) {
      bytes -= piece.length
      gone++
    }
    leaving.splice(0, gone)
    if (bytes > 0) leaving[0] = (leaving[0] as Uint8Array).subarray(bytes)
    if (this.bytes > 0) return
    // All has left, so that nothing points into the chunks any more.
    while (this.chunks.length > 0 && spare.length < MOST_SPARE) spare.push(this.chunks.pop() as Uint8Array)
    this.chunks.length = 0
    this.used = CHUNK_BYTES
  }
}

/**
 * Runs a body that writes in small pieces, and lets all of it leave together when the body returns:
 * what other systems call to cork and to uncork. More than the high-water mark leaves before. If
 * the body throws, or is cancelled, what has not left by then is dropped: an answer that could not
 * be finished is better not begun.
 *
 * @param stream The stream.
 * @param body Gets the writer, and returns an operation.
 * @param options The marks, in bytes.
 * @throws what the body throws, and what the stream's `write` throws.
 * @example
 * import { corked } from 'drupe'
 * import { memoryStreams, virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const [a, b] = memoryStreams()
 *   yield* corked(a, function* (out) {
 *     yield* out.write('Content-Length: 2\r\n\r\n')
 *     yield* out.write('ok')
 *   })
 *   console.log((yield* b.read())?.length) // => 23
 * })
 */
export function corked<T>(
  stream: ByteStream,
  body: (out: BufferedWriter) => Operation<T>,
  options?: BufferOptions,
): Operation<T> {
  checkBody('buffer', 'body', body)
  return tracked('corked', corkedOperation(new BufferedWriter(stream, options), body))
}

function* corkedOperation<T>(out: BufferedWriter, body: (out: BufferedWriter) => Operation<T>): Operation<T> {
  const result = yield* asOperation(body(out))
  yield* out.flush()
  return result
}
