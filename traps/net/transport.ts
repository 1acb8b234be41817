/**
 * A connection between a stream and the callbacks of a protocol.
 *
 * One idea: whatever a protocol answers at once leaves at once. One task borrows bytes, hands them
 * to the protocol, and writes what that wrote before it borrows again, while the bytes are still
 * its own to send: an echo is one read, one write, and no copy. What does not get out so, for the
 * peer does not read or it was written outside of `dataReceived`, is left to a second task. So a
 * peer that reads nothing does not keep us from reading.
 */
import { ClosedError, TimeoutError } from '../../kernel/protocol/errors.js'
import type { Nursery } from '../../kernel/protocol/handles.js'
import { checkBytes, checkList, checkPieces } from '../../kernel/protocol/operands.js'
import { suppress } from '../../kernel/protocol/suppressed.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { call, suspend } from '../raw/call.js'
import { BYTES_OR_STRING, type Bytes, encoded } from '../raw/text.js'
import { nursery } from '../scope/nursery.js'
import { canceller } from '../scope/place.js'
import { Marks } from './marks.js'
import { Outgoing } from './outgoing.js'
import type { Protocol, Transport, WriteLimits } from './protocol.js'
import type { Connection } from './tls-stream.js'

/** An answer that the OS has not begun to take by then is left to the other task. */
const SOON = { timeout: 10 }

const OPEN = 0
/** No more is written, and when all has left, the writing side is ended. */
const ENDING = 1
const ENDED = 2
/** No more is written or read, and when all has left, it is closed. */
const CLOSING = 3
const OVER = 4

export class Conversation implements Transport {
  private readonly outgoing = new Outgoing()
  private readonly marks = new Marks()
  private phase = OPEN
  /** The protocol is told of bytes: what it writes leaves when it returns. */
  private telling = false
  /** The task that reads is writing. */
  private answering = false
  /** The task that writes has not caught up. */
  private behind = false
  private readingPaused = false
  private wakeWriter: (() => void) | null = null
  private wakeReader: (() => void) | null = null
  private cancel: ((reason: unknown) => boolean) | null = null
  /** What a callback has thrown outside of both tasks. */
  private failure: { readonly error: unknown } | null = null

  constructor(
    private readonly stream: Connection,
    private readonly protocol: Protocol,
  ) {}

  get bufferedBytes(): number {
    return this.outgoing.bytes
  }

  get closing(): boolean {
    return this.phase >= CLOSING
  }

  write(bytes: Bytes): void {
    const piece = checkBytes('write', 'bytes', encoded(bytes), BYTES_OR_STRING)
    this.assertWritable()
    this.outgoing.add(piece)
    if (!this.telling) this.changed()
  }

  writev(pieces: readonly Bytes[]): void {
    const all = checkList('write', 'pieces', pieces).map(encoded)
    checkPieces('write', 'pieces', all, BYTES_OR_STRING)
    this.assertWritable()
    for (const piece of all) this.outgoing.add(piece)
    if (!this.telling) this.changed()
  }

  end(): void {
    if (this.phase >= ENDING) return
    this.phase = ENDING
    this.wakeWriter?.()
  }

  close(): void {
    if (this.phase >= CLOSING) return
    this.phase = CLOSING
    this.wakeWriter?.()
  }

  abort(): void {
    if (this.phase === OVER) return
    this.phase = OVER
    this.cancel?.('aborted')
  }

  pauseReading(): void {
    this.readingPaused = true
  }

  resumeReading(): void {
    this.readingPaused = false
    this.wakeReader?.()
  }

  setWriteLimits(limits: WriteLimits): void {
    this.marks.set(limits)
    if (!this.telling && this.phase !== OVER) this.changed()
  }

  /** Lives until the connection is over, and says so to the protocol. */
  *live(): Operation<void> {
    let failure: { readonly error: unknown } | null = null
    try {
      yield* nursery((n) => this.begin(n))
      failure = this.failure
    } catch (error) {
      failure = { error }
    }
    this.phase = OVER
    this.cancel = null
    this.outgoing.clear()
    try {
      yield* this.stream.close()
    } catch (error) {
      failure ??= { error }
    }
    try {
      this.protocol.closed?.(failure === null ? null : failure.error)
    } catch (later) {
      if (failure === null) throw later
      suppress(failure.error, later)
    }
    if (failure !== null) throw failure.error
  }

  private *begin(n: Nursery): Operation<void> {
    this.cancel = yield* canceller(n)
    yield* n.spawn(this.flush(), { name: 'transport' })
    this.protocol.connected?.(this)
    // Frames of their own: each switch would pass through the callers, too.
    yield* call(this.converse())
  }

  /** The task that reads, and answers. */
  private *converse(): Operation<void> {
    const { stream, protocol, outgoing } = this
    for (;;) {
      if (this.holds) {
        // It may be for long, and what was lent is done with.
        stream.release()
        while (this.holds) yield* suspend(this.untilRead)
      }
      const bytes = yield* stream.borrow()
      if (this.holds) {
        if (bytes !== null) stream.unread(bytes)
        continue
      }
      if (bytes === null) break
      // Read on, for closing a socket that has bytes would reset it and cut off what is leaving.
      if (this.phase >= CLOSING) continue
      const pieces = outgoing.waitingPieces
      this.telling = true
      protocol.dataReceived(bytes)
      this.telling = false
      if (outgoing.bytes > 0) {
        if (this.behind) {
          outgoing.own(bytes, pieces)
        } else {
          this.answering = true
          try {
            outgoing.took(yield* stream.writeSome(outgoing.next(), SOON))
          } catch (error) {
            if (!(error instanceof TimeoutError)) throw error
          }
          this.answering = false
          if (outgoing.bytes > 0) outgoing.ownAll(bytes)
        }
        this.watch()
      }
      if (!this.idle) this.wakeWriter?.()
    }
    if (this.phase < CLOSING && protocol.eofReceived?.() !== true) this.close()
  }

  /** The task that writes what could not be answered at once, and ends what is to be ended. */
  private *flush(): Operation<void> {
    const { stream, outgoing } = this
    for (;;) {
      while (this.answering || this.idle) yield* suspend(this.untilWritten)
      this.behind = true
      while (outgoing.bytes > 0) {
        outgoing.took(yield* stream.writeSome(outgoing.next()))
        this.watch()
      }
      this.behind = false
      if (this.phase === ENDING) {
        this.phase = ENDED
        yield* stream.end()
      }
      if (this.phase >= CLOSING) break
    }
    this.cancel?.('closed')
  }

  /** Is the peer to wait? */
  private get holds(): boolean {
    return this.readingPaused && this.phase < CLOSING
  }

  /** Is there nothing for the task that writes? */
  private get idle(): boolean {
    return this.outgoing.bytes === 0 && (this.phase === OPEN || this.phase === ENDED)
  }

  // To wake what no longer waits does nothing.
  private readonly untilWritten = (resolve: () => void): void => {
    this.wakeWriter = resolve
  }

  private readonly untilRead = (resolve: () => void): void => {
    this.wakeReader = resolve
  }

  private assertWritable(): void {
    if (this.phase === OPEN) return
    throw new ClosedError('write to the transport', this.phase < CLOSING ? 'it was ended' : 'it is closed')
  }

  /** Something has changed, in code that is not to fail for what a callback throws. */
  private changed(): void {
    this.wakeWriter?.()
    try {
      this.watch()
    } catch (error) {
      this.failure ??= { error }
      this.abort()
    }
  }

  /** Tells the protocol when the buffer has passed a mark. */
  private watch(): void {
    const full = this.marks.passed(this.outgoing.bytes)
    if (full === true) this.protocol.pauseWriting?.()
    else if (full === false) this.protocol.resumeWriting?.()
  }
}
