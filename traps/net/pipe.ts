/**
 * From one stream to another, until the end.
 *
 * One idea: a piece is either written or back in its source. One piece is under way at a time,
 * borrowed where the source lends, so nothing is copied and the slower side sets the pace. It goes
 * out by `writeSome`, which says how far it came. Whatever ends the pipe early, the rest of the
 * piece is the first that the source gives next. Linux's `splice` was measured and is not used
 * (docs/decisions/0041-streams-as-people-use-them.md).
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError } from '../../kernel/protocol/errors.js'
import {
  checkFunction,
  checkLimit,
  checkMethods,
  checkOptions,
  checkSwitch,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import { suppress } from '../../kernel/protocol/suppressed.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { within } from '../scope/scope.js'
import type { ByteStream } from './byte-stream.js'

/** No piece is larger: what a stream lends is not, and a copy need not be. */
const PIECE_BYTES = 256 * 1024

/** How much goes through a pipe, and what is done about it. */
export interface PipeOptions extends WaitOptions {
  /** Stops after so many bytes; what comes behind them stays in the source. Default: no limit. */
  readonly maxBytes?: number
  /** When the source has ended, ends the writing side of the other. Default false. */
  readonly end?: boolean
  /** Is called with the number of bytes so far whenever some were written. It may throw. */
  readonly onProgress?: (bytes: number) => void
}

/** A stream that can lend what it reads. */
interface Lending {
  borrow?(max?: number): Operation<Uint8Array | null>
}

/**
 * Reads from one stream and writes to another, until the first ends, and returns how many bytes
 * that were. Reads no further before a piece is written, so the slower of the two sets the pace.
 * Neither stream is closed.
 *
 * If the task is cancelled while it waits, or it fails, nothing is lost: what was read and not
 * written is put back, and the next read from the source begins with it. Only a source that was
 * closed meanwhile has no place for it.
 *
 * @param from The source. Nothing else may read from it meanwhile.
 * @param to Where the bytes go. Nothing else may write to it meanwhile.
 * @param options `maxBytes`: stops after so many; `end`: ends the other's writing side, too;
 * `onProgress`: is told how many there were so far; `timeout` in milliseconds, for everything.
 * @throws what reading from the one throws, or writing to the other: ClosedError, BusyError,
 * BrokenError, SystemError.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { pipe } from 'drupe'
 * import { memoryStreams, virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const [client, here] = memoryStreams()
 *   const [there, server] = memoryStreams()
 *   yield* client.write('hello')
 *   yield* client.end()
 *   console.log(yield* pipe(here, there, { end: true })) // => 5
 *   console.log(new TextDecoder().decode(yield* server.readAll())) // => hello
 * })
 */
export function pipe(
  from: Pick<ByteStream, 'read' | 'unread' | 'closed'>,
  to: Pick<ByteStream, 'writeSome' | 'end'>,
  options?: PipeOptions,
): Operation<number> {
  checkMethods('pipe', 'from', from, 'a stream with read() and unread()', ['read', 'unread'])
  checkMethods('pipe', 'to', to, 'a stream with writeSome() and end()', ['writeSome', 'end'])
  checkOptions('pipe', 'options', options)
  const { maxBytes = Number.POSITIVE_INFINITY, onProgress } = options ?? {}
  const end = checkSwitch('pipe', 'end', options?.end) ?? false
  checkLimit('pipe', 'maxBytes', maxBytes, 0)
  if (onProgress !== undefined) checkFunction('pipe', 'onProgress', onProgress)
  const ms = timeoutOf('pipe', options)
  return tracked('pipe', within('pipe', ms, pipeOperation(from, to, maxBytes, end, onProgress)))
}

function* pipeOperation(
  from: Pick<ByteStream, 'read' | 'unread' | 'closed'> & Lending,
  to: Pick<ByteStream, 'writeSome' | 'end'>,
  maxBytes: number,
  end: boolean,
  onProgress: ((bytes: number) => void) | undefined,
): Operation<number> {
  let written = 0
  while (written < maxBytes) {
    const most = Math.min(PIECE_BYTES, maxBytes - written)
    let piece = yield* typeof from.borrow === 'function' ? from.borrow(most) : from.read(most)
    if (piece === null) {
      if (end) yield* to.end()
      break
    }
    try {
      while (piece.length > 0) {
        const count: number = yield* to.writeSome(piece)
        piece = piece.subarray(count)
        written += count
        // What was lent is somebody else's as soon as its stream is closed.
        if (piece.length > 0 && from.closed) throw new ClosedError('pipe', 'its source was closed meanwhile')
        onProgress?.(written)
      }
    } catch (error) {
      putBack(from, piece, error)
      throw error
    }
  }
  return written
}

function putBack(from: Pick<ByteStream, 'unread' | 'closed'>, piece: Uint8Array, error: unknown): void {
  if (piece.length === 0 || from.closed) return
  try {
    from.unread(piece)
  } catch (later) {
    // Another task has begun to read from it, against the rules.
    suppress(error, later)
  }
}
