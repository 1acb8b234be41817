/**
 * What all streams of bytes have in common: sockets, pipes in memory, and whatever else is put under TLS or a protocol.
 *
 * Code that takes a `ByteStream` works on all of them, and can be tested on the ones that need no network. What they promise
 * beyond their types is in the conformance checks of `drupe/testing`, which any implementation can run.
 */

import type { WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'

/** How much to read, and for how long. */
export interface ReadAllOptions extends WaitOptions {
  /** At most so many bytes. Default: no limit. */
  readonly maxBytes?: number
}

/** A connection to somebody who reads what is written here, and the other way round. */
export interface ByteStream {
  /** Has it been closed on this side? */
  readonly closed: boolean
  /**
   * Waits for bytes and returns those that are there, at least one and at most `max`, owned by the caller; null at the end.
   * Cancelled or timed out, nothing was read.
   */
  read(max?: number, options?: WaitOptions): Operation<Uint8Array | null>
  /** Waits for bytes and puts them into `buffer`; how many, 0 at the end. */
  readInto(buffer: Uint8Array, options?: WaitOptions): Operation<number>
  /** Waits for exactly so many bytes; BrokenError with what there was if the stream ends before. Cancelled, nothing is lost. */
  readExactly(bytes: number, options?: WaitOptions): Operation<Uint8Array>
  /** Waits for a delimiter; what comes before it, and the delimiter. Null at the end. Cancelled, nothing is lost. */
  readUntil(delimiter: Uint8Array | string, maxBytes?: number, options?: WaitOptions): Operation<Uint8Array | null>
  /** Waits for a line; its text without the ending. Null at the end. Cancelled or too long, nothing is lost. */
  readLine(maxBytes?: number, options?: WaitOptions): Operation<string | null>
  /** Reads to the end. Cancelled, nothing is lost. */
  readAll(options?: ReadAllOptions): Operation<Uint8Array>
  /** Puts bytes back: the next read begins with them. */
  unread(bytes: Uint8Array): void
  /**
   * Writes all of `bytes`, which may come in several pieces; once it returns, they may change. Cancelled or timed out, some of
   * them may have been sent.
   */
  write(bytes: Uint8Array | readonly Uint8Array[], options?: WaitOptions): Operation<void>
  /** Waits until there is room and writes as many as fit; how many, at least one. Cancelled or timed out, none. */
  writeSome(bytes: Uint8Array | readonly Uint8Array[], options?: WaitOptions): Operation<number>
  /** Ends the writing side: the peer reads an end. Reading goes on. BusyError while a task writes; no error after a reset. */
  end(): Operation<void>
  /** Closes it; tasks that wait on it get a ClosedError. A second close does nothing. */
  close(): Operation<void>
}
