/**
 * What all streams of bytes have in common: sockets, pipes in memory, and whatever else is put
 * under TLS or a protocol.
 *
 * Code that takes a `ByteStream` works on all of them, and can be tested on the ones that need no
 * network. What they promise beyond their types is in the conformance checks of `drupe/testing`,
 * which any implementation can run.
 */

import type { WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { Bytes } from '../raw/text.js'
import type { Source } from '../scope/each.js'
import type { ItemOptions } from './lines.js'

/** How much to read, and for how long. */
export interface ReadAllOptions extends WaitOptions {
  /**
   * At most so many bytes. Default 67,108,864 (64 MiB): what a peer sends until it likes to stop
   * must not be what a process has memory for. Infinity: no limit.
   */
  readonly maxBytes?: number
}

/** A connection to a peer that reads what is written here, and the other way round. */
export interface ByteStream {
  /** Whether it was closed on this side. */
  readonly closed: boolean
  /**
   * Waits for bytes and returns those that are there, at least one and at most `max`, owned by the
   * caller; null at the end. If the task is cancelled while it waits, or `timeout` is over, nothing
   * was read.
   *
   * @param max At most so many bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  read(max?: number, options?: WaitOptions): Operation<Uint8Array | null>
  /**
   * Waits for bytes, puts them into `buffer` and returns how many, 0 at the end.
   *
   * @param buffer Where the bytes go.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  readInto(buffer: Uint8Array, options?: WaitOptions): Operation<number>
  /**
   * Waits for exactly so many bytes; a BrokenError with what there was if the stream ends before.
   * If the task is cancelled while it waits, nothing is lost.
   *
   * @param bytes How many.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  readExactly(bytes: number, options?: WaitOptions): Operation<Uint8Array>
  /**
   * Waits for a delimiter, and returns what comes before it, and the delimiter; null at the end. If
   * the task is cancelled while it waits, nothing is lost.
   *
   * @param delimiter A string stands for its UTF-8 bytes.
   * @param maxBytes At most so many bytes, the delimiter included.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  readUntil(delimiter: Bytes, maxBytes?: number, options?: WaitOptions): Operation<Uint8Array | null>
  /**
   * Waits for a line, and returns its text without the ending; null at the end. If the task is
   * cancelled while it waits, or it is too long, nothing is lost.
   *
   * @param maxBytes At most so many bytes, the ending included.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  readLine(maxBytes?: number, options?: WaitOptions): Operation<string | null>
  /**
   * The lines until the end, for `each` and `subscribe`. If the task is cancelled while it waits,
   * nothing is lost.
   *
   * @param options `maxBytes` of a line; `timeout` in milliseconds, for each.
   */
  lines(options?: ItemOptions): Source<string>
  /**
   * Chunks as they come until the end, for `each` and `subscribe`. If the task is cancelled while
   * it waits, nothing is lost.
   *
   * @param options `maxBytes` of a chunk; `timeout` in milliseconds, for each.
   */
  chunks(options?: ItemOptions): Source<Uint8Array>
  /**
   * Reads to the end. If the task is cancelled while it waits, nothing is lost.
   *
   * @param options `maxBytes`: at most so many; `timeout` in milliseconds.
   */
  readAll(options?: ReadAllOptions): Operation<Uint8Array>
  /**
   * Puts bytes back: the next read begins with them.
   *
   * @param bytes The bytes; a string stands for its UTF-8 bytes.
   */
  unread(bytes: Bytes): void
  /**
   * Writes all of `bytes`, which may come in several pieces; once it returns, they may change. If
   * the task is cancelled while it waits, or `timeout` is over, some of them may have been sent.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  write(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<void>
  /**
   * Waits until there is room, writes as many as fit and returns how many bytes, at least one. If
   * the task is cancelled while it waits, or `timeout` is over, none was written.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  writeSome(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<number>
  /**
   * Ends the writing side: the peer reads an end. Reading goes on. BusyError while a task writes;
   * no error after a reset.
   */
  end(): Operation<void>
  /** Closes it; tasks that wait on it get a ClosedError. A second close does nothing. */
  close(): Operation<void>
}
