/**
 * Read buffers on loan.
 *
 * A connection that waits for data should not own a buffer, and a buffer that was just used is still in the processor's
 * cache. So the buffers lie on a stack: the last one given back is the next one lent. The address of each is known, so
 * lending costs two array accesses and allocates nothing.
 */
import type { IoOp, Lender } from '../kernel/driver.js'
import { allocatePages } from './pages.js'

/** Large enough that one read empties most sockets. */
const LENT_BYTES = 256 * 1024

/** More than this many idle buffers are left to the collector. */
const IDLE_BUFFERS = 64

/** Lends buffers to READ ops with `lend`. */
export class BufferPool implements Lender {
  private readonly buffers: Uint8Array[] = []
  private readonly addresses: number[] = []
  private readonly addressOf: (view: Uint8Array) => number

  constructor(addressOf: (view: Uint8Array) => number) {
    this.addressOf = addressOf
  }

  /** Gives the op a buffer and the buffer's address. */
  lend(op: IoOp<unknown>): void {
    if (this.buffers.length === 0) this.add()
    op.buffer = op.pointee = this.buffers.pop() as Uint8Array
    op.pointer = this.addresses.pop() as number
    op.lender = this
    op.offset = 0
  }

  /** Once per loan: an op that holds none of ours is left as it is. */
  takeBack(op: IoOp<unknown>): void {
    const buffer = op.pointee
    if (op.lender !== this || buffer === null) return
    op.buffer = op.pointee = op.lender = null
    if (this.buffers.length === IDLE_BUFFERS) return
    this.buffers.push(buffer)
    this.addresses.push(op.pointer)
  }

  /** Already zero: nobody's old memory shows in it. */
  private add(): void {
    const { view, address } = allocatePages(LENT_BYTES, this.addressOf)
    this.buffers.push(view)
    this.addresses.push(address)
  }
}
