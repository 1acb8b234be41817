/**
 * Read buffers whose addresses are known.
 *
 * To ask for an address, or to make a view, costs more than the rest of what the driver does for a
 * message. So each buffer knows its address and keeps the views that were handed out last, because
 * messages are often of one size, or come in few. A borrowed chunk is mostly written back to where
 * it came from, so each fd knows the buffer that was lent to its reader; a chunk that goes anywhere
 * else, or a piece of one, is found by its memory.
 *
 * A buffer whose bytes are being written is *pinned*: given back meanwhile (its stream was closed),
 * it is lent again only when that is over, or another peer's bytes would be sent.
 */
import type { IoOp } from '../../kernel/driver/contract.js'
import { allocatePages } from './pages.js'

/** Large enough that one read empties most sockets. */
export const BUFFER_BYTES = 256 * 1024

const NOTHING = new Uint8Array(0)
const NONE: readonly ReadBuffer[] = []
/** A large message comes in two or three pieces, mostly of the same sizes. A power of two. */
const KEPT_VIEWS = 4

/** One of them. */
export class ReadBuffer {
  readonly address: number
  /** Where its memory begins; a view of it is so many bytes behind as its `byteOffset` says. */
  readonly begin: number
  /** Itself, where a list of them is needed. */
  readonly alone: readonly ReadBuffer[] = [this]
  /** All of it. */
  whole: Uint8Array
  /** What was shown of it last. */
  shown: Uint8Array
  private readonly views: Uint8Array[] = []
  private oldest = 0
  private pins = 0
  private isBack = false
  private readonly keep: (buffer: ReadBuffer) => void

  /**
   * Already zero: nobody's old memory shows in it.
   *
   * @param keep takes it when it has come back.
   */
  constructor(known: KnownMemory, keep: (buffer: ReadBuffer) => void) {
    const { view, address } = allocatePages(BUFFER_BYTES, known.ask)
    this.keep = keep
    this.whole = this.shown = view
    this.address = address
    this.begin = address - view.byteOffset
    known.note(this)
  }

  /** It is used no more. */
  giveBack(): void {
    if (this.pins > 0) this.isBack = true
    else this.keep(this)
  }

  /** Its bytes are being written. */
  pin(): void {
    this.pins++
  }

  unpin(): void {
    if (--this.pins > 0 || !this.isBack) return
    this.isBack = false
    this.keep(this)
  }

  /** Its first bytes. */
  show(bytes: number): Uint8Array {
    if (this.shown.length !== bytes) this.shown = this.viewOf(bytes)
    return this.shown
  }

  private viewOf(bytes: number): Uint8Array {
    for (const view of this.views) if (view.length === bytes) return view
    const view = this.whole.subarray(0, bytes)
    this.views[this.oldest] = view
    this.oldest = (this.oldest + 1) & (KEPT_VIEWS - 1)
    return view
  }

  /** It is never lent again; a reference to it does not keep its memory. */
  letGo(): void {
    this.whole = this.shown = NOTHING
    this.views.length = 0
  }
}

/** Which memory belongs to read buffers; and how to ask for other addresses. */
export class KnownMemory {
  readonly ask: (view: Uint8Array) => number
  private readonly buffers = new WeakMap<ArrayBufferLike, ReadBuffer>()

  constructor(addressOf: (view: Uint8Array) => number) {
    this.ask = addressOf
  }

  note(buffer: ReadBuffer): void {
    this.buffers.set(buffer.whole.buffer, buffer)
  }

  /**
   * The buffer that this is a view of, or null.
   *
   * @param lent perhaps it is this one.
   */
  bufferOf(view: Uint8Array, lent: ReadBuffer | null): ReadBuffer | null {
    return lent !== null && lent.shown === view ? lent : (this.buffers.get(view.buffer) ?? null)
  }

  /** Those that an op's bytes are in. */
  buffersOf({ buffer, vector }: IoOp<unknown>, lent: ReadBuffer | null): readonly ReadBuffer[] {
    if (vector !== null) return vector.flatMap((piece) => this.bufferOf(piece, lent) ?? [])
    return (buffer === null ? null : this.bufferOf(buffer, lent))?.alone ?? NONE
  }

  addressOf(view: Uint8Array, lent: ReadBuffer | null): number {
    const buffer = this.bufferOf(view, lent)
    return buffer === null ? this.ask(view) : buffer.begin + view.byteOffset
  }
}
