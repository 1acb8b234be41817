/**
 * Buffers lent to reads, as native drivers lend them: taken when there is data, given back when it
 * was used.
 */
import type { IoOp, Lender } from '../protocol/io-op.js'

const LENT_BYTES = 64 * 1024

export class BufferLender implements Lender {
  private readonly idle: Uint8Array[] = []

  lend(op: IoOp): void {
    op.buffer = op.pinned = this.idle.pop() ?? new Uint8Array(LENT_BYTES)
    op.offset = 0
    op.lender = this
  }

  release(op: IoOp): void {
    const buffer = op.pinned
    if (op.lender !== this || buffer === null) return
    op.buffer = op.pinned = op.lender = null
    // What is read next must not show what was read before.
    buffer.fill(0)
    this.idle.push(buffer)
  }
}
