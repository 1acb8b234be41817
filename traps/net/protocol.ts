/**
 * Protocols and transports: what a driver of a protocol is that lives on callbacks.
 *
 * One idea: the two halves of a connection call each other. The transport calls the protocol when
 * something comes, and the protocol calls the transport to send; neither of them waits, and both
 * are on the thread of the kernel. The words are those of Python's asyncio.
 */
import type { Bytes } from '../raw/text.js'

/** When a protocol is told to stop writing, and when it may go on. */
export interface WriteLimits {
  /** More than so many bytes in the buffer: `pauseWriting`. Default 65,536. */
  readonly highWaterBytes?: number
  /** No more than so many: `resumeWriting`. Default: a quarter of the high mark. */
  readonly lowWaterBytes?: number
}

/**
 * What is done with a connection: plain methods that return at once. An error that one of them
 * throws aborts the connection.
 */
export interface Protocol {
  /**
   * Bytes have come. They are lent: good until this method returns, and copied (`slice`) by a
   * protocol that keeps them. They may be written to the transport as they are.
   *
   * @param bytes At least one.
   */
  dataReceived(bytes: Uint8Array): void
  /**
   * The connection is there. Called once, before everything else.
   *
   * @param transport What to write to.
   */
  connected?(transport: Transport): void
  /**
   * The peer sends nothing more. The connection is closed when everything has left, unless this
   * returns true: then it is open for writing until it is closed here.
   */
  eofReceived?(): boolean | void
  /** The buffer is over its high mark: the peer takes less than is written. */
  pauseWriting?(): void
  /** The buffer is down to its low mark. */
  resumeWriting?(): void
  /**
   * It is over. Called exactly once if `connected` was, and nothing is called after it.
   *
   * @param error Why: a SystemError, what a method has thrown, a Cancelled; null if it ended as it
   * was meant to.
   */
  closed?(error: unknown): void
}

/** A connection, as its protocol has it. Nothing here waits; host code may call it, too. */
export interface Transport {
  /** How many bytes have been written and not left. */
  readonly bufferedBytes: number
  /** Whether it is closed, or about to be when everything has left. */
  readonly closing: boolean
  /**
   * Writes bytes; in `dataReceived` they leave when that has returned. What was not lent must not
   * change before it has left.
   *
   * @param bytes The bytes; a string stands for its UTF-8 bytes.
   * @throws ClosedError after `end`, `close` or `abort`, and when the connection is over.
   */
  write(bytes: Bytes): void
  /**
   * Writes several pieces as if they were one.
   *
   * @param pieces The pieces.
   * @throws ClosedError as `write`.
   */
  writev(pieces: readonly Bytes[]): void
  /** Ends the writing side when everything has left; reading goes on. */
  end(): void
  /** Closes it when everything has left; what comes until then is dropped. */
  close(): void
  /**
   * Closes it at once and drops what has not left. The peer reads a reset if there is something
   * that was not read, as Linux has it, and else an end; over TLS an end.
   */
  abort(): void
  /** No `dataReceived` until `resumeReading`; so the peer will have to wait. */
  pauseReading(): void
  /** Goes on after `pauseReading`. */
  resumeReading(): void
  /**
   * Sets the marks of the buffer.
   *
   * @param limits In bytes.
   * @throws RangeError if a mark is negative or NaN, or the low one above the high one.
   */
  setWriteLimits(limits: WriteLimits): void
}
