/**
 * Message streams: whole messages both ways, over any stream of bytes, each with a proof of where
 * it comes from.
 *
 * A message on its way is a head (what it is, and how long), a body, and a tag, which is made with
 * a key of the connection from the message and its number. So one that was changed, repeated, left
 * out or cut off is told, and none is taken apart before that. Two rules keep the stream whole when
 * a task is cancelled in the middle: what has arrived stays where it is, and a message that has
 * begun to leave goes on before anything else does.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError, ClosedError, SystemError } from '../../kernel/protocol/errors.js'
import { INSPECT } from '../../kernel/protocol/inspect.js'
import { checkPieces, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { describe } from '../../kernel/protocol/value.js'
import type { ByteStream } from '../net/byte-stream.js'
import { Items } from '../net/lines.js'
import { BYTES_OR_STRING, type Bytes, encodedPieces } from '../raw/text.js'
import { ASYNC_DISPOSE, Disposal } from '../scope/disposal.js'
import type { Cursor, Source } from '../scope/each.js'
import { within } from '../scope/scope.js'
import { BYTES, serialized, VALUE } from './message-frame.js'
import { type Seals, type Side, shakeHands } from './message-handshake.js'
import { Incoming } from './message-incoming.js'
import type { MessageLimits } from './message-options.js'
import { Outgoing } from './message-outgoing.js'

/** The figures of a message stream. */
export interface MessageStatistics {
  /** Messages that have left, or begun to. */
  readonly sent: number
  /** Messages that `receive` has returned. */
  readonly received: number
  /** Of a message that has begun to leave: bytes that the stream underneath has not taken. */
  readonly unsentBytes: number
}

/**
 * A connection for messages: made by `connectMessages`, `startMessages` or the `accept` of a
 * listener. Close it when done. It is a source: `each` and `subscribe` receive from it. `T` is what
 * the program expects to receive; nothing checks that.
 */
export class MessageStream<T = unknown> implements Source<T> {
  private readonly outgoing: Outgoing
  private readonly incoming: Incoming

  /** @internal The stream is owned from here on. */
  constructor(
    /** What carries the messages. Nothing else may read from it or write to it. */
    readonly transport: ByteStream,
    seals: Seals,
    maxBytes: number,
  ) {
    this.outgoing = new Outgoing(transport, seals.outgoing, maxBytes)
    this.incoming = new Incoming(transport, seals.incoming, maxBytes)
  }

  /** `console.log(messages)` is one line. */
  [INSPECT](): string {
    const { sent, received } = this.statistics()
    return `MessageStream (${this.closed ? 'closed' : `${sent} sent, ${received} received`})`
  }

  /** Whether it was closed on this side. */
  get closed(): boolean {
    return this.transport.closed
  }

  /**
   * Sends a message: anything that structured cloning can copy, but null, which is how `receive`
   * tells the end. It is copied before this waits, and returns when the stream underneath has taken
   * all of it.
   *
   * If the task is cancelled while it waits, or `timeout` is over, a message of which nothing has
   * left is not sent. One that has begun to leave is not torn: its rest goes before the next
   * message, or with `end`; `statistics().sent` counts it. Over TLS it has begun as soon as it is
   * encrypted.
   *
   * @param message The message.
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws TypeError if it is null, or cannot be copied.
   * @throws TooLargeError if it is larger than `maxBytes`; nothing was sent.
   * @throws ClosedError if the stream is closed, before or meanwhile, or was ended.
   * @throws BusyError if another task is sending.
   * @throws SystemError if the connection broke (`EPIPE`, `ECONNRESET`, …), or what else the
   * stream underneath says.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  send(message: Exclude<unknown, null>, options?: WaitOptions): Operation<void> {
    if (message === null)
      throw new TypeError('Cannot send a message: message must be something else than null, which is the end')
    const ms = timeoutOf('send a message', options)
    this.outgoing.assertOpen()
    return tracked('send', within('send a message', ms, this.sendValue(message)))
  }

  /**
   * Sends bytes as a message, as they are: for what has a form of its own. `receive` gives a
   * Uint8Array there. They are copied before this waits. All else is as for `send`.
   *
   * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
   * @param options `timeout` in milliseconds. Default: no limit.
   */
  sendBytes(bytes: Bytes | readonly Bytes[], options?: WaitOptions): Operation<void> {
    const pieces = encodedPieces(bytes)
    const length = checkPieces('send a message', 'bytes', pieces, BYTES_OR_STRING)
    const ms = timeoutOf('send a message', options)
    this.outgoing.assertOpen()
    return tracked('sendBytes', within('send a message', ms, this.outgoing.send(BYTES, pieces, length)))
  }

  /**
   * Waits for the next message, and returns it; null when the peer has ended its side, or closed
   * the stream. If the task is cancelled while it waits, or `timeout` is over, nothing is lost,
   * also in the middle of a message: the next call goes on with it.
   *
   * Bytes in a value are a view of a larger buffer: pass `bytes.slice()` on, not `bytes.buffer`.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws BrokenError if the connection ends and the peer has not said so: messages may be
   * missing. If the message cannot be read: by an older version of the host, say.
   * @throws AuthenticationError if what came is not what the peer has sent. Nothing can be received
   * after that.
   * @throws TooLargeError if the message is larger than `maxBytes`; so says each later call.
   * @throws ClosedError if the stream is closed, before or meanwhile.
   * @throws BusyError if another task is receiving.
   * @throws SystemError if the connection broke (`ECONNRESET`, …), or what else the stream
   * underneath says.
   * @throws TimeoutError after `timeout` milliseconds.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  receive(options?: WaitOptions): Operation<T | null> {
    const ms = timeoutOf('receive a message', options)
    this.incoming.assertOpen()
    return tracked('receive', within('receive a message', ms, this.incoming.receive(false) as Operation<T | null>))
  }

  /**
   * Waits for the next message, which must have been sent with `sendBytes`; so nothing that a peer
   * sends is ever taken for more than bytes. They belong to the caller; to transfer them to another
   * thread, copy them. All else is as for `receive`.
   *
   * @param options `timeout` in milliseconds. Default: no limit.
   * @throws TypeError if it is a value; `receive` can still have it.
   */
  receiveBytes(options?: WaitOptions): Operation<Uint8Array | null> {
    const ms = timeoutOf('receive a message', options)
    this.incoming.assertOpen()
    return tracked(
      'receiveBytes',
      within('receive a message', ms, this.incoming.receive(true) as Operation<Uint8Array | null>),
    )
  }

  /** Receives one message after the other, for `each` and `subscribe`; it is not closed then. */
  open(): Cursor<T> {
    return new Items<T>(() => this.receive()).open()
  }

  /**
   * Ends this side: the peer receives what was sent, and then null. Receiving goes on. If the task
   * is cancelled while it waits, the next `end` goes on with it.
   *
   * @throws ClosedError if the stream is closed.
   * @throws BusyError if another task is sending.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  end(): Operation<void> {
    if (this.closed) throw new ClosedError('end the messages')
    return tracked('end', this.endOperation())
  }

  /**
   * Closes it, and the stream underneath. If this side has not ended and that needs no waiting, it
   * ends first, so that the peer knows that nothing is missing. Tasks that wait on it get a
   * ClosedError. A second close does nothing. Does not wait for the peer.
   */
  close(): Operation<void> {
    return tracked('close', this.closeOperation())
  }

  /** Closes it at the end of a block: `yield* using(…)`, or `use`. */
  [ASYNC_DISPOSE](): Disposal {
    return new Disposal(this)
  }

  /** Returns the current figures. */
  statistics(): MessageStatistics {
    const { incoming, outgoing } = this
    return { sent: outgoing.count, received: incoming.count, unsentBytes: outgoing.unsentBytes }
  }

  private *sendValue(message: unknown): Operation<void> {
    let body: Uint8Array
    try {
      body = serialized(message)
    } catch (error) {
      const why = error instanceof Error ? error.message : describe(error)
      throw new TypeError(`Cannot send a message: it cannot be copied: ${why}`, { cause: error })
    }
    yield* this.outgoing.send(VALUE, body, body.length)
  }

  private *endOperation(): Operation<void> {
    try {
      yield* this.outgoing.end()
    } catch (error) {
      // As with `end` of a stream: a connection that is broken is ended already.
      if (!(error instanceof SystemError) && !(error instanceof BrokenError)) throw error
    }
    yield* this.transport.end()
  }

  private *closeOperation(): Operation<void> {
    if (this.closed) return
    try {
      yield* this.outgoing.leave()
    } finally {
      yield* this.transport.close()
    }
  }
}

/** Shakes hands on a stream, which is closed if that fails. */
export function* openMessages<T>(
  stream: ByteStream,
  side: Side,
  { key, maxBytes, handshakeMs }: MessageLimits,
): Operation<MessageStream<T>> {
  try {
    const seals = yield* within('shake hands for messages', handshakeMs, shakeHands(stream, side, key))
    return new MessageStream<T>(stream, seals, maxBytes)
  } catch (error) {
    yield* stream.close()
    throw error
  }
}
