/**
 * Read buffers whose addresses are known.
 *
 * To ask for an address, or to make a view, costs more than the rest of what the driver does for a message. So each buffer
 * knows its address and keeps the views that were handed out last, because messages are often of one size, or come in few. Whoever writes a borrowed
 * chunk mostly writes it back to where it came from, so each fd knows the buffer that was lent to its reader; a chunk that goes
 * anywhere else, or a piece of one, is found by its memory.
 */
import { allocatePages } from './pages.js'

/** Large enough that one read empties most sockets. */
export const BUFFER_BYTES = 256 * 1024

const NOTHING = new Uint8Array(0)
/** A large message comes in two or three pieces, mostly of the same sizes. A power of two. */
const KEPT_VIEWS = 4

/** One of them. */
export class ReadBuffer {
  readonly address: number
  /** All of it. */
  whole: Uint8Array
  /** What was shown of it last. */
  shown: Uint8Array
  private readonly views: Uint8Array[] = []
  private oldest = 0

  /** Already zero: nobody's old memory shows in it. */
  constructor(known: KnownMemory) {
    const { view, address } = allocatePages(BUFFER_BYTES, known.ask)
    this.whole = this.shown = view
    this.address = address
    known.note(view, address)
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

  /** Nobody will get it again: whoever still knows it does not keep its memory. */
  letGo(): void {
    this.whole = this.shown = NOTHING
    this.views.length = 0
  }
}

/** Where the memory of read buffers begins; and whom to ask for other addresses. */
export class KnownMemory {
  readonly ask: (view: Uint8Array) => number
  private readonly begins = new WeakMap<ArrayBufferLike, number>()

  constructor(addressOf: (view: Uint8Array) => number) {
    this.ask = addressOf
  }

  note(view: Uint8Array, address: number): void {
    this.begins.set(view.buffer, address - view.byteOffset)
  }

  /** @param lent perhaps the buffer that this is a view of. */
  addressOf(view: Uint8Array, lent: ReadBuffer | null): number {
    if (lent !== null && lent.shown === view) return lent.address
    const begin = this.begins.get(view.buffer)
    return begin === undefined ? this.ask(view) : begin + view.byteOffset
  }
}
