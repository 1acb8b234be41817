/**
 * One end of a named pipe, as a stream whose calls never wait.
 *
 * A pipe cannot be asked to tell when there is something: a read of no bytes, which does that for a
 * socket, never completes under Wine. So as soon as somebody has found nothing, a read into memory
 * of ours is under way, and what it brings lies here until it is taken. A reader that gives up
 * leaves it to the next one.
 *
 * What is sent goes from a copy. While Windows keeps a piece, because the pipe is full, nothing
 * more is taken. So the copy is to the end what its buffer is to a socket: what lies in it counts
 * as written, goes on after a cancel, and is still delivered after a close.
 */
import { EAGAIN, ENOTCONN } from '../posix/errno.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import type { Windows } from './kernel32.js'
import { isError, type Overlapped, type Records, type Sink } from './overlapped.js'

/** As much is read at a time. */
const READ_BYTES = 64 * 1024
/** As much is written at a time. */
const WRITE_BYTES = 64 * 1024
/** WSABUF in 32-bit words: a length, and an address after a gap. */
const PIECE_WORDS = 4

const READING = 1
const WRITING = 2
const PIPE_ENDED = resultOf(c.ERROR_BROKEN_PIPE)

/** What `PipeEnd` tells: a call that found nothing, or no room, may find some now. */
export type PipeNews = (reads: boolean) => void

/** The calls on bytes, as a socket has them. */
export interface ByteCalls {
  /** As recv(2). */
  receive(at: number, length: number): number
  /** The same, into the pieces of a vector. */
  receivePieces(piecesAt: number, count: number): number
  /** As send(2). */
  send(at: number, length: number): number
  /** The same, from the pieces of a vector. */
  sendPieces(piecesAt: number, count: number): number
}

const refuse = (): number => ENOTCONN

/** What has no connection has these. */
export const NOT_CONNECTED: ByteCalls = { receive: refuse, receivePieces: refuse, send: refuse, sendPieces: refuse }

/** One end. */
export class PipeEnd implements ByteCalls, Sink {
  private reading: Overlapped | null = null
  /** What was read lies here, from `taken` to `filled`; the next read begins when it is empty. */
  private inbox: Uint8Array | null = null
  private inboxAt = 0
  private taken = 0
  private filled = 0
  /** What comes after the inbox: 0 is the end. Null: that is not known yet. */
  private after: number | null = null
  /** What the pipe is full of. */
  private writing: Overlapped | null = null
  private broken = 0
  private closed = false
  private gone = (): void => {}

  constructor(
    private readonly windows: Windows,
    private readonly records: Records,
    private readonly handle: number,
    private readonly news: PipeNews,
  ) {}

  /** Is there something to take, or an end? */
  get isReadable(): boolean {
    if (this.taken === this.filled && this.after === null) this.read()
    return this.taken < this.filled || this.after !== null
  }

  get isWritable(): boolean {
    return this.writing === null
  }

  receive(at: number, length: number): number {
    if (!this.isReadable) return EAGAIN
    const bytes = Math.min(length, this.filled - this.taken)
    if (bytes === 0) return this.after ?? 0
    this.windows.copy(at, this.inboxAt + this.taken, bytes)
    this.taken += bytes
    return bytes
  }

  receivePieces(piecesAt: number, count: number): number {
    let sum = 0
    for (const [at, length] of this.pieces(piecesAt, count)) {
      if (length === 0) continue
      const bytes = sum > 0 && !this.isReadable ? EAGAIN : this.receive(at, length)
      if (bytes <= 0) return sum > 0 ? sum : bytes
      sum += bytes
      if (bytes < length) break
    }
    return sum
  }

  send(at: number, length: number): number {
    return this.sendAll([[at, length]])
  }

  sendPieces(piecesAt: number, count: number): number {
    return this.sendAll(this.pieces(piecesAt, count))
  }

  completed(record: Overlapped, status: number, bytes: number): void {
    const reads = record.kind === READING
    const wasKept = record === this.writing
    if (wasKept) this.writing = null
    if (reads) this.reading = null
    if (this.closed) {
      if (wasKept) this.leave()
      return
    }
    if (isError(status)) {
      const failure = resultOf(this.records.codeOf(record))
      if (reads) this.after = endOf(failure)
      else this.broken = failure
    } else if (reads) {
      this.taken = 0
      this.filled = bytes
    }
    this.news(reads)
  }

  /** What Windows still keeps goes on; it is gone when that is through. */
  close(gone: () => void): void {
    this.closed = true
    this.gone = gone
    this.stopReading()
    if (this.writing === null) this.leave()
  }

  stopReading(): void {
    if (this.reading !== null) this.records.cancel(this.reading)
  }

  stopWriting(): void {
    if (this.writing !== null) this.records.cancel(this.writing)
  }

  /**
   * Begins a read, or finds out why there is none. Its packet comes even if it succeeds at once.
   */
  private read(): void {
    if (this.reading !== null || this.closed) return
    if (this.inbox === null) {
      this.inbox = new Uint8Array(READ_BYTES)
      this.inboxAt = this.windows.addressOf(this.inbox)
    }
    const record = this.begin(READING, this.inbox)
    const done = this.windows.readFile(this.handle, this.inboxAt, READ_BYTES, 0, record.at)
    const code = done === 0 ? this.windows.lastError() : 0
    if (code === 0 || code === c.ERROR_IO_PENDING) {
      this.reading = record
      return
    }
    this.records.release(record)
    this.after = endOf(resultOf(code))
  }

  private sendAll(pieces: readonly (readonly [at: number, length: number])[]): number {
    if (this.broken !== 0) return this.broken
    if (this.writing !== null) return EAGAIN
    const whole = pieces.reduce((sum, [, length]) => sum + length, 0)
    const bytes = new Uint8Array(Math.min(whole, WRITE_BYTES))
    const bytesAt = this.windows.addressOf(bytes)
    let to = 0
    for (const [at, length] of pieces) {
      const part = Math.min(length, bytes.length - to)
      this.windows.copy(bytesAt + to, at, part)
      to += part
    }
    const record = this.begin(WRITING, bytes)
    if (this.windows.writeFile(this.handle, bytesAt, bytes.length, 0, record.at) !== 0) return bytes.length
    const code = this.windows.lastError()
    if (code === c.ERROR_IO_PENDING) {
      this.writing = record
      return bytes.length
    }
    this.records.release(record)
    return resultOf(code)
  }

  private leave(): void {
    this.windows.closeHandle(this.handle)
    this.gone()
  }

  private begin(kind: number, bytes: Uint8Array): Overlapped {
    const record = this.records.take(this, kind, null, null, this.handle)
    record.memory = bytes
    return record
  }

  private pieces(at: number, count: number): (readonly [at: number, length: number])[] {
    const words = new Uint32Array(count * PIECE_WORDS)
    this.windows.copy(this.windows.addressOf(words), at, words.byteLength)
    const word = (i: number): number => words[i] as number
    return Array.from({ length: count }, (_, i) => {
      const first = i * PIECE_WORDS
      return [word(first + 2) + word(first + 3) * 2 ** 32, word(first)]
    })
  }
}

/** A pipe that the other side has closed is at its end. */
function endOf(failure: number): number {
  return failure === PIPE_ENDED ? 0 : failure
}
