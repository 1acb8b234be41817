/**
 * Read buffers whose addresses are known.
 *
 * To ask for an address, or to make a view, costs more than the rest of what the driver does for a message. So each buffer
 * knows its address and keeps the view that was handed out last, because messages are often of one size; and the address of any
 * other view of it is found by its memory, for whoever writes a borrowed chunk back.
 */
import { allocatePages } from './pages.js'

/** Large enough that one read empties most sockets. */
export const BUFFER_BYTES = 256 * 1024

/** One of them. */
export class ReadBuffer {
  readonly address: number
  /** All of it. */
  readonly whole: Uint8Array
  private shown: Uint8Array

  /** Already zero: nobody's old memory shows in it. */
  constructor(known: KnownMemory) {
    const { view, address } = allocatePages(BUFFER_BYTES, known.ask)
    this.whole = this.shown = view
    this.address = address
    known.note(view, address)
  }

  /** Its first bytes. */
  show(bytes: number): Uint8Array {
    if (this.shown.length !== bytes) this.shown = this.whole.subarray(0, bytes)
    return this.shown
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

  addressOf(view: Uint8Array): number {
    const begin = this.begins.get(view.buffer)
    return begin === undefined ? this.ask(view) : begin + view.byteOffset
  }
}
