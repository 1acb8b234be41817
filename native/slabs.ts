/**
 * Read buffers whose addresses are known.
 *
 * They are numbered, and lie in slabs of sixteen. To ask for an address, or to make a view, costs more than the rest of what
 * the driver does for a message; here the address of any view of a buffer is a sum, and the view that was handed out last
 * is kept for each buffer, because messages are often of one size.
 *
 * Buffers are not laid out in steps of a power of two: the first lines of all of them would fall into the same few sets of the
 * processor's cache.
 */
import { allocatePages, PAGE_BYTES } from './pages.js'

/** Large enough that one read empties most sockets. */
export const BUFFER_BYTES = 256 * 1024
/** So many buffers are made at a time. */
export const SLAB_BUFFERS = 16
/** From the begin of a buffer to that of the next. */
const STRIDE_BYTES = BUFFER_BYTES + PAGE_BYTES

/** Numbered buffers; see the head of this file. */
export class Slabs {
  private readonly buffers: Uint8Array[] = []
  private readonly addresses: number[] = []
  /** By buffer: the view that was handed out last. */
  private readonly shown: Uint8Array[] = []
  private readonly memory: ArrayBufferLike[] = []
  /** By slab: the address of its memory's begin. */
  private readonly begins: number[] = []
  private readonly ask: (view: Uint8Array) => number

  constructor(addressOf: (view: Uint8Array) => number) {
    this.ask = addressOf
  }

  /** How many buffers there are. */
  get count(): number {
    return this.buffers.length
  }

  /** Makes more. Already zero: nobody's old memory shows in them. */
  add(): void {
    const { view, address } = allocatePages(SLAB_BUFFERS * STRIDE_BYTES, this.ask)
    this.memory.push(view.buffer)
    this.begins.push(address - view.byteOffset)
    for (let at = 0; at < view.length; at += STRIDE_BYTES) {
      const buffer = view.subarray(at, at + BUFFER_BYTES)
      this.buffers.push(buffer)
      this.shown.push(buffer)
      this.addresses.push(address + at)
    }
  }

  /** All of a buffer. */
  whole(buffer: number): Uint8Array {
    return this.buffers[buffer] as Uint8Array
  }

  address(buffer: number): number {
    return this.addresses[buffer] as number
  }

  /** Its first bytes. */
  show(buffer: number, bytes: number): Uint8Array {
    let view = this.shown[buffer] as Uint8Array
    if (view.length !== bytes) view = this.shown[buffer] = this.whole(buffer).subarray(0, bytes)
    return view
  }

  /** The address of a view of one of them, known without asking; 0 if it is none. */
  addressOf(view: Uint8Array): number {
    const { memory } = this
    const own = view.buffer
    for (let i = 0; i < memory.length; i++) {
      if (memory[i] === own) return (this.begins[i] as number) + view.byteOffset
    }
    return 0
  }
}
