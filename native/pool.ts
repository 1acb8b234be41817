/**
 * Read buffers on loan.
 *
 * A connection that waits for data should not own a buffer, and a buffer that was just used is still in the processor's
 * cache. So the buffers lie on a stack: the last one given back is the next one lent. Lending allocates nothing.
 */
import type { IoOp, Lender } from '../kernel/driver.js'
import { allocatePages } from './pages.js'
import { BUFFER_BYTES, SLAB_BUFFERS, Slabs } from './slabs.js'

/** So many buffers are kept. Beyond those, each loan is memory of its own, left to the collector. */
const MOST_BUFFERS = 64
/** The number of such a loan. */
const EXTRA = -1

/** Lends buffers to READ ops with `lend`. */
export class BufferPool implements Lender {
  private readonly slabs: Slabs
  private readonly idle: number[] = []
  private readonly ask: (view: Uint8Array) => number

  constructor(addressOf: (view: Uint8Array) => number) {
    this.ask = addressOf
    this.slabs = new Slabs(addressOf)
  }

  /** Gives the op a buffer and the buffer's address. */
  lend(op: IoOp<unknown>): void {
    if (this.idle.length === 0 && this.slabs.count < MOST_BUFFERS) this.add()
    op.loan = this.idle.pop() ?? EXTRA
    if (op.loan === EXTRA) {
      const { view, address } = allocatePages(BUFFER_BYTES, this.ask)
      op.buffer = view
      op.pointer = address
    } else {
      op.buffer = this.slabs.whole(op.loan)
      op.pointer = this.slabs.address(op.loan)
    }
    op.pointee = op.buffer
    op.lender = this
    op.offset = 0
  }

  /** So many bytes have been read into it: it shows those alone. */
  fit(op: IoOp<unknown>, bytes: number): void {
    if (op.lender !== this || op.loan === EXTRA) return
    op.buffer = op.pointee = this.slabs.show(op.loan, bytes)
  }

  /** Once per loan: an op that holds none of ours is left as it is. */
  takeBack(op: IoOp<unknown>): void {
    if (op.lender !== this) return
    op.buffer = op.pointee = op.lender = null
    if (op.loan !== EXTRA) this.idle.push(op.loan)
  }

  /** The address of a view; of one that was lent it is known. */
  addressOf(view: Uint8Array): number {
    return this.slabs.addressOf(view) || this.ask(view)
  }

  private add(): void {
    for (let i = 0; i < SLAB_BUFFERS; i++) this.idle.push(this.slabs.count + SLAB_BUFFERS - 1 - i)
    this.slabs.add()
  }
}
