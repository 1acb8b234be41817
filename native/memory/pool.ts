/**
 * Read buffers to lend.
 *
 * A connection that waits for data should not own a buffer, and a buffer that was just used is
 * still in the processor's cache. So the buffers are on a stack: the last one given back is the
 * next one lent. Lending allocates nothing.
 */
import type { IoOp, Lender } from '../../kernel/driver/contract.js'
import { KnownMemory, ReadBuffer } from './read-buffers.js'

/** More than this many idle buffers are left to the collector. */
const IDLE_BUFFERS = 64

/** Lends buffers to READ ops with `lend`, and to the driver itself. */
export class BufferPool {
  readonly known: KnownMemory
  private readonly idle: PooledBuffer[] = []

  constructor(addressOf: (view: Uint8Array) => number) {
    this.known = new KnownMemory(addressOf)
  }

  /** A buffer, until `giveBack`. */
  take(): ReadBuffer {
    return this.idle.pop() ?? new PooledBuffer(this.known, this.idle)
  }

  /** Gives the op a buffer and the buffer's address. */
  lend(op: IoOp<unknown>): void {
    const buffer = this.take() as PooledBuffer
    op.buffer = op.pinned = buffer.whole
    op.pinnedAddress = buffer.address
    op.lender = buffer
    op.offset = 0
  }

  /**
   * So many bytes have been read into what was lent: the op shows those alone. What was lent, or
   * null.
   */
  fit(op: IoOp<unknown>, bytes: number): ReadBuffer | null {
    const { lender } = op
    if (!(lender instanceof PooledBuffer)) return null
    op.buffer = op.pinned = lender.show(bytes)
    return lender
  }

  /** Leaves its idle buffers to the collector. */
  forget(): void {
    this.idle.length = 0
  }
}

class PooledBuffer extends ReadBuffer implements Lender {
  constructor(known: KnownMemory, idle: PooledBuffer[]) {
    super(known, () => {
      if (idle.length < IDLE_BUFFERS) idle.push(this)
      else this.letGo()
    })
  }

  release(op: IoOp<unknown>): void {
    op.buffer = op.pinned = op.lender = null
    this.giveBack()
  }
}
