/**
 * A driver without a system: sockets that were never opened, on the host's clock.
 *
 * One idea: what is left when the system is free. A listener accepts as many connections as there are to be; a read gets its
 * bytes at once, at the next poll, or (idle) once and then never again. So a connection weighs and a read costs what the
 * kernel, the traps and the streams make of it, and nothing else.
 */

import { ACCEPT, type Address, type Attachment, type IoOp, type Lender, READ } from '../../../kernel/driver/contract.js'
import { TimersOnlyDriver } from '../../../kernel/driver/timers-only.js'

export const MESSAGE_BYTES = 64

/** When a read gets its bytes. */
export type Manner = 'at once' | 'at the next poll' | 'once'

export class CannedDriver extends TimersOnlyDriver implements Lender {
  readonly name = 'canned'
  /** Buffers that are on loan now. */
  lent = 0
  accepted = 0
  private complete: (op: IoOp) => void = () => {}
  private waiting: IoOp[] = []
  private readonly spare: Uint8Array[] = []
  private readonly hadBytes: Uint8Array

  constructor(
    private readonly manner: Manner,
    private readonly connections: number,
  ) {
    super()
    this.hadBytes = new Uint8Array(connections + 1)
  }

  now(): number {
    return performance.now()
  }

  override start(complete: (op: IoOp) => void): void {
    this.complete = complete
  }

  override submit(op: IoOp): boolean {
    if (op.kind === READ) {
      // A waiting op holds no buffer: what it still has from the last read goes home.
      if (op.lend) op.lender?.release(op)
      if (this.manner === 'at once') return this.fill(op)
      if (this.manner === 'at the next poll') {
        this.waiting.push(op)
        return false
      }
      if (this.hadBytes[op.fd] === 1) return false
      this.hadBytes[op.fd] = 1
      return this.fill(op)
    }
    if (op.kind === ACCEPT) {
      // Number 0 is the listener.
      if (this.accepted === this.connections) return false
      op.result = ++this.accepted
      return true
    }
    op.result = op.length
    return true
  }

  override cancel(op: IoOp): boolean {
    this.waiting = this.waiting.filter((other) => other !== op)
    return true
  }

  poll(): void {
    const ready = this.waiting
    const count = ready.length
    for (let i = 0; i < count; i++) {
      const op = ready[i] as IoOp
      this.fill(op)
      this.complete(op)
    }
    ready.length = 0
  }

  private fill(op: IoOp): true {
    if (op.lend && op.buffer === null) {
      op.buffer = op.pinned = this.spare.pop() ?? new Uint8Array(256 * 1024)
      op.lender = this
      op.offset = 0
      this.lent++
    }
    op.result = MESSAGE_BYTES
    return true
  }

  release(op: IoOp): void {
    const buffer = op.pinned
    if (op.lender !== this || buffer === null) return
    op.buffer = op.pinned = op.lender = null
    this.spare.push(buffer)
    this.lent--
  }

  close(): void {}

  attach(turn: () => void): Attachment {
    return { schedule: () => setImmediate(turn), ref() {}, unref() {}, close() {} }
  }

  override socket(): number {
    return 0
  }
  override bind(): number {
    return 0
  }
  override listen(): number {
    return 0
  }
  override setOption(): number {
    return 0
  }
  override closeFd(): number {
    return 0
  }
  override localAddress(): Address {
    return { family: 'ipv4', host: '127.0.0.1', port: 1 }
  }
}
