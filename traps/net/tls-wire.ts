/**
 * What stands between a TLS engine and the stream that carries its bytes.
 *
 * Bytes that were received go into the engine, what the engine has for the peer is written, and no
 * more than that. One rule keeps it right when a task is cancelled in the middle: what the engine
 * has made stays in `unsent` until the stream underneath has taken it, and leaves before anything
 * else does. So a session is never torn, whoever stops waiting.
 */
import { Cancelled, ClosedError, DrupeError } from '../../kernel/protocol/errors.js'
import type { WaitOptions } from '../../kernel/protocol/operands.js'
import { TLS_WANTS_INPUT, type TlsDetails, type TlsSession } from '../../kernel/protocol/tls.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { shield, within } from '../scope/scope.js'
import { Event } from '../sync/event.js'
import { Lock } from '../sync/lock.js'
import type { ByteStream } from './byte-stream.js'
import { Stream } from './stream.js'
import { assertHostLoop, computed, inputOrNews, written } from './tls-later.js'

/** A record holds so much at most; a read that got as much has probably more. */
const RECORD_BYTES = 16 * 1024
/** So much is encrypted at a time. */
export const CHUNK_BYTES = 4 * RECORD_BYTES
/** Each record has a header and a tag around it. */
const SEALED_BYTES = CHUNK_BYTES + 1024
/** A close drops so many chunks of what has come; a peer may send without end. */
const MOST_DRAINED = 16
const AT_ONCE = { timeout: 0 }
/** Buffers that are free now, for all streams of the thread. */
const spare: Uint8Array[] = []
const MOST_SPARE = 64

/** A buffer that a chunk fits into, encrypted or not. */
export function takeSpare(): Uint8Array {
  return spare.pop() ?? new Uint8Array(SEALED_BYTES)
}

export function giveSpare(buffer: Uint8Array): void {
  if (spare.length < MOST_SPARE) spare.push(buffer)
}

/** One session on its way. */
export class TlsWire {
  /** Nothing is asked of it any more; the last of it may be leaving. */
  closed = false
  private freed = false
  /** For those who wait for the close of another task. */
  private done: Event | null = null
  /** What the two sides have agreed on; null before that. */
  agreed: TlsDetails | null = null
  /** The engine may have decrypted bytes, or have what it needs to. */
  mayHaveMore = false
  private readonly shaking = new Lock()
  /** Encrypted bytes that the stream underneath has not taken, and their buffer. */
  private unsent: Uint8Array | null = null
  private sealed: Uint8Array | null = null
  private sending: 'no' | 'fully' | 'quietly' = 'no'
  /** For those who wait until a task that sends quietly has given up. */
  private quiet: Event | null = null
  /** The stream underneath has ended. */
  private ended = false
  /** The engine had no more than that. */
  private isDrained = false

  constructor(
    readonly transport: ByteStream,
    readonly session: TlsSession,
    readonly handshakeMs: number,
  ) {}

  assertOpen(action: string): void {
    if (this.closed) throw new ClosedError(action)
  }

  /** Shakes hands, if that has not happened: one task does, and others wait for it. */
  handshake(ms = this.handshakeMs): Operation<void> {
    return within('shake hands over TLS', ms, this.shake())
  }

  private *shake(): Operation<void> {
    yield* this.shaking.acquire()
    try {
      const { later } = this.session
      if (later !== null) yield* assertHostLoop(this.session.engine)
      while (this.agreed === null) {
        this.assertOpen('shake hands')
        yield* this.step()
      }
    } finally {
      yield* this.shaking.release()
    }
  }

  /** As far as the engine comes with what it has, and what it needs next. */
  private *step(): Operation<void> {
    const { session } = this
    let done: boolean
    try {
      done = session.handshake()
    } catch (error) {
      // It has an alert for the peer.
      if (session.later !== null) yield* computed(session.later)
      yield* this.sendQuietly()
      throw error
    }
    if (!done) {
      yield* this.send(false)
      this.take(yield* this.fetch())
      return
    }
    const details = session.details()
    // What a server adds then are tickets, and a client that does not read yet is not waited for.
    const isAdded = session.side === 'server' && details.protocol === 'TLSv1.3'
    if (session.later !== null) yield* computed(session.later)
    if (isAdded) yield* this.sendQuietly()
    else yield* this.send()
    // Not before: one that is cancelled here is not done, and the next one goes on.
    this.agreed = details
    this.mayHaveMore = session.mayHaveMore(true)
  }

  /**
   * Decrypts what there is into a buffer, as many records as there are: how many bytes, or TLS_END,
   * or TLS_WANTS_INPUT.
   */
  decrypt(buffer: Uint8Array): number {
    // An end, or an error, is told again by the next read.
    this.mayHaveMore = true
    let total = 0
    for (;;) {
      const bytes = this.session.read(total === 0 ? buffer : buffer.subarray(total))
      if (bytes <= 0 && total > 0) return total
      if (bytes === TLS_WANTS_INPUT) this.mayHaveMore = false
      if (bytes <= 0) return bytes
      total += bytes
      // An engine on the host's loop has put all into it; what it says next may be an error.
      if (bytes < RECORD_BYTES || total === buffer.length || this.session.later !== null) break
    }
    this.mayHaveMore = this.session.mayHaveMore(total === buffer.length)
    return total
  }

  /**
   * Waits for bytes of the peer, which are to be given to `take` before anything else happens; or
   * until the engine has news, which is undefined.
   */
  fetch(): Operation<Uint8Array | null | undefined> {
    const { later } = this.session
    return later === null ? this.input() : inputOrNews(later, this.ended ? null : () => this.feed())
  }

  private input(): Operation<Uint8Array | null> {
    const { transport } = this
    return transport instanceof Stream ? transport.borrow() : transport.read()
  }

  private *feed(): Operation<void> {
    this.take(yield* this.input())
  }

  /** Gives bytes of the peer to the engine, or its end. */
  take(bytes: Uint8Array | null | undefined): void {
    this.assertOpen('read from the stream')
    if (bytes === undefined) return
    this.isDrained = false
    if (bytes === null) this.ended = true
    if (bytes === null) this.session.endInput()
    else this.session.feed(bytes)
  }

  /** Encrypts bytes, which `send` writes. */
  write(bytes: Uint8Array): void {
    this.isDrained = false
    this.session.write(bytes)
  }

  /** Says that nothing more is to be written; `send` tells the peer. */
  shutdown(): void {
    this.isDrained = false
    this.session.shutdown()
  }

  /** Whether something has to leave before anything else. */
  get owes(): boolean {
    return this.unsent !== null
  }

  /** Whether a task that reads has an answer to give first, or to try to. */
  get hasAnswer(): boolean {
    return this.sending === 'no' && this.load()
  }

  /**
   * Writes what the engine has for the peer. Whoever does it already does all of it; one that does
   * it quietly may give up, and is waited for.
   *
   * @param all What was written and is still to come as well.
   */
  *send(all = true): Operation<void> {
    while (this.sending === 'quietly') {
      this.quiet ??= new Event()
      yield* this.quiet.wait()
    }
    if (this.sending === 'fully') return
    this.sending = 'fully'
    const { later } = this.session
    try {
      for (;;) {
        while (this.load()) this.left(yield* this.some())
        if (later === null || !all || !later.isWriting) return
        yield* written(later)
      }
    } finally {
      this.sending = 'no'
    }
  }

  private some(options?: WaitOptions): Operation<number> {
    return this.transport.writeSome(this.unsent as Uint8Array, options)
  }

  /**
   * The same, as far as it needs no waiting: a task that reads must not depend on a peer that does
   * not.
   */
  *sendQuietly(): Operation<void> {
    if (this.sending !== 'no' || !this.load()) return
    this.sending = 'quietly'
    try {
      while (this.load()) this.left(yield* this.some(AT_ONCE))
    } catch (error) {
      // A connection that is broken for writing may still have something to be read.
      if (error instanceof Cancelled) throw error
    } finally {
      this.sending = 'no'
      const { quiet } = this
      this.quiet = null
      if (quiet !== null) yield* quiet.set()
    }
  }

  /** Is there something to be sent? */
  private load(): boolean {
    if (this.unsent !== null) return true
    if (this.freed) this.assertOpen('write to the stream')
    // What did not fill the buffer was all there was, unless the engine has been given more since.
    if (this.isDrained) {
      this.isDrained = false
      this.giveBack()
      return false
    }
    this.sealed ??= takeSpare()
    const bytes = this.session.takeOutput(this.sealed)
    if (bytes === 0) this.giveBack()
    else {
      this.unsent = this.sealed.subarray(0, bytes)
      this.isDrained = this.session.later === null && bytes < this.sealed.length
    }
    return bytes > 0
  }

  private left(bytes: number): void {
    const { unsent } = this
    if (unsent !== null) this.unsent = bytes >= unsent.length ? null : unsent.subarray(bytes)
  }

  private giveBack(): void {
    if (this.sealed !== null) giveSpare(this.sealed)
    this.sealed = null
  }

  /**
   * Closes it, and the stream underneath; the peer is told if that needs no waiting. Whoever closes
   * it meanwhile waits for that, which would else be cut off.
   */
  *close(isEnded: boolean): Operation<void> {
    if (this.freed) return
    if (this.closed) {
      this.done ??= new Event()
      return yield* this.done.wait()
    }
    // From here on nothing more is fed, so an engine comes to an end of what it computes.
    this.closed = true
    try {
      if (this.sending === 'no') yield* shield(() => this.leave(isEnded))
    } catch (error) {
      // The session has failed, or there is nothing more to be read.
      if (!(error instanceof DrupeError)) throw error
    } finally {
      yield* this.free()
    }
  }

  private *free(): Operation<void> {
    this.freed = true
    this.session.free()
    this.unsent = null
    // A write that is under way may still use the buffer.
    if (this.sending === 'no') this.giveBack()
    try {
      yield* this.transport.close()
    } finally {
      if (this.done !== null) yield* this.done.set()
    }
  }

  private *leave(isEnded: boolean): Operation<void> {
    const { later } = this.session
    if (this.agreed !== null && !isEnded) this.shutdown()
    if (later !== null) yield* computed(later)
    yield* this.sendQuietly()
    if (this.unsent === null && this.transport instanceof Stream) yield* this.drain(this.transport)
  }

  /**
   * Drops what has come and needs no waiting. A socket that is closed with bytes in it is reset,
   * and that may take from the peer what it was told last.
   */
  private *drain(transport: Stream): Operation<void> {
    for (let i = 0; i < MOST_DRAINED && !this.ended; i++) {
      this.ended = (yield* transport.borrow(CHUNK_BYTES, AT_ONCE)) === null
    }
  }
}
