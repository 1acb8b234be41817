/**
 * SQEs: what each operation looks like in the ring.
 *
 * The ring shares memory with us, and a buffer of the user's can be transferred to somebody else
 * while a request has its address: there is no way to hold its memory. So requests read into and
 * write from memory of ours alone (buffers on loan, copies), and what is too large for that is
 * tried at once, when nobody can come in between. A buffer is held by its fd until the answer has
 * come.
 */
import { type Address, type IoOp, isIntact, partsOf, READ } from '../../../kernel/driver/contract.js'
import type { BufferPool } from '../../memory/pool.js'
import { BUFFER_BYTES, type ReadBuffer } from '../../memory/read-buffers.js'
import { EFAULT } from '../../posix/errno.js'
import { APPENDS, Positions } from '../../posix/positions.js'
import { ADDRESS_BYTES, encodeAddress } from '../../posix/sockaddr.js'
import * as c from '../constants.js'
import type { Libc } from '../libc.js'
import { GROUP } from './buffers.js'
import type { RingFd } from './fd.js'
import * as fd from './fd.js'
import { scatter } from './inbox.js'
import * as ring from './ring.js'

/** The system goes on by itself after a partial send. */
const MSG_WAITALL = 0x100
const MSG_DONTWAIT = 0x40

/** Up to so much is copied to be sent; more is tried at once. */
const COPIED_BYTES = 16 * 1024
const OUTBOX_BYTES = 512 * 1024

const RECEIVE = ring.OP_RECV | (ring.BUFFER_SELECT << 8) | (ring.RECV_MULTISHOT << 16)

/** What a request uses whose fd was lost. */
export interface LostMemory {
  readonly memory: unknown
  readonly bounce: ReadBuffer | null
  readonly copied: boolean
}

/**
 * What a request reads or writes, apart from its op: that may be used again while the request is
 * still under way.
 */
export function memoryOf(op: IoOp<unknown> | null): unknown {
  return op === null ? null : [op.pinned, op.vector]
}

/** Writes requests. */
export class SqeWriter {
  private readonly libc: Libc
  private readonly ring: ring.Ring
  private readonly pool: BufferPool
  /** Those that requests use now. */
  private readonly borrowed = new Set<ReadBuffer>()
  /** Copies of what is sent at the next `enter`: small, and used up when that returns. */
  private readonly outbox = new Uint8Array(OUTBOX_BYTES)
  private readonly outboxAt: number
  private outboxEnd = 0
  private copies = 0
  readonly positions: Positions

  constructor(libc: Libc, system: ring.Ring, pool: BufferPool) {
    this.libc = libc
    this.ring = system
    this.pool = pool
    this.outboxAt = libc.addressOf(this.outbox)
    this.positions = new Positions(libc)
  }

  /** Receives whatever comes, again and again, into buffers of the group. */
  receive(state: RingFd): void {
    const at = this.begin(RECEIVE, state, fd.RECEIVER)
    this.ring.sqes[at + 10] = GROUP
    state.source = fd.RECEIVING
  }

  /** Says whenever there is something to read, beginning with what is there already. */
  watch(state: RingFd): void {
    const at = this.begin(ring.OP_POLL_ADD, state, fd.RECEIVER)
    this.ring.sqes[at + 6] = ring.POLL_MULTISHOT
    this.ring.sqes[at + 7] = c.POLLIN | c.POLLRDHUP
    state.source = fd.WATCHING
  }

  /**
   * One read, into a buffer on loan or else into one of ours: its bytes are copied when the answer
   * is there.
   */
  read(state: RingFd, op: IoOp<unknown>): void {
    if (op.lend && op.lender === null) this.pool.lend(op)
    const buffer = op.lend ? null : this.borrow()
    state.readerBounce = buffer
    const from = buffer === null ? op.pinnedAddress + op.offset : buffer.address
    const at = this.begin(state.own ? ring.OP_RECV : ring.OP_READ, state, fd.READER)
    this.ring.point(at, from, Math.min(op.length, BUFFER_BYTES))
    if (!state.own) this.place(at, state, op)
  }

  /** One write of a copy. */
  write(state: RingFd, op: IoOp<unknown>): void {
    const buffer = this.borrow()
    state.writerBounce = buffer
    const bytes = Math.min(op.length - op.moved, BUFFER_BYTES)
    const from = op.offset + op.moved
    let to = 0
    for (const part of partsOf(op, from, from + bytes)) {
      buffer.whole.set(part, to)
      to += part.length
    }
    const at = this.begin(ring.OP_WRITE, state, fd.WRITER)
    this.ring.point(at, buffer.address, bytes)
    this.place(at, state, op)
  }

  /** Sends from a read buffer, on a socket of our own. */
  send(state: RingFd, op: IoOp<unknown>): void {
    const at = this.begin(ring.OP_SEND, state, fd.WRITER)
    this.ring.point(at, op.pinnedAddress + op.offset + op.moved, op.length - op.moved)
    this.ring.sqes[at + 7] = op.all ? c.MSG_NOSIGNAL | MSG_WAITALL : c.MSG_NOSIGNAL
  }

  /** Sends a copy, as much as goes at once; false if there is no room for it. */
  sendCopy(state: RingFd, op: IoOp<unknown>): boolean {
    const { length, offset, buffer } = op
    if (length > COPIED_BYTES || this.outboxEnd + length > OUTBOX_BYTES) return false
    const bytes = buffer as Uint8Array
    this.outbox.set(length === bytes.length ? bytes : bytes.subarray(offset, offset + length), this.outboxEnd)
    const at = this.begin(ring.OP_SEND, state, fd.WRITER)
    this.ring.point(at, this.outboxAt + this.outboxEnd, length)
    this.ring.sqes[at + 7] = c.MSG_NOSIGNAL | MSG_DONTWAIT
    this.outboxEnd += length
    this.copies++
    state.writerWay = fd.ASKS_COPY
    return true
  }

  /**
   * The reader's request is answered: what came goes to where it belongs, if that is still there.
   * The result.
   */
  taken(state: RingFd, result: number): number {
    const { reader, readerBounce } = state
    if (readerBounce === null) return result
    state.readerBounce = null
    const fits = reader !== null && isIntact(reader)
    if (result > 0 && fits) scatter(readerBounce.whole.subarray(0, result), reader)
    this.giveBack(readerBounce)
    return result > 0 && !fits ? EFAULT : result
  }

  /** The writer's request is answered: nothing reads its copy any more. */
  sent(state: RingFd): void {
    if (state.writerBounce !== null) this.giveBack(state.writerBounce)
    state.writerBounce = null
    if (state.writerWay === fd.ASKS_COPY) this.copySent()
  }

  /** The fd is lost to another use of its number: what its request uses until that is answered. */
  lose(state: RingFd, side: number): LostMemory {
    if (side === fd.READER) return { memory: memoryOf(state.reader), bounce: state.readerBounce, copied: false }
    return { memory: memoryOf(state.writer), bounce: state.writerBounce, copied: state.writerWay === fd.ASKS_COPY }
  }

  /** That request is answered. */
  release(lost: LostMemory | undefined): void {
    if (lost === undefined) return
    if (lost.bounce !== null) this.giveBack(lost.bounce)
    if (lost.copied) this.copySent()
  }

  accept(state: RingFd): void {
    const at = this.begin(ring.OP_ACCEPT, state, fd.READER)
    this.ring.sqes[at + 7] = c.SOCK_NONBLOCK | c.CLOEXEC
  }

  connect(state: RingFd, op: IoOp<unknown>, address: Address): void {
    const bytes = new Uint8Array(ADDRESS_BYTES)
    op.pinned = bytes
    const length = encodeAddress(this.libc.constants, address, bytes)
    const at = this.begin(ring.OP_CONNECT, state, fd.WRITER)
    this.ring.point(at, this.libc.addressOf(bytes), 0)
    this.ring.sqes[at + 2] = length
  }

  /** Asks when it is worth trying. */
  poll(state: RingFd, side: number, events: number): void {
    const at = this.begin(ring.OP_POLL_ADD, state, side)
    this.ring.sqes[at + 7] = events
    if (side === fd.READER) state.readerWay = fd.POLLS
    else state.writerWay = fd.POLLS
  }

  /** Cancels one request; its own answer will say whether that came in time. */
  cancel(state: RingFd, side: number): void {
    const at = this.ring.add(ring.OP_ASYNC_CANCEL, -1, 0)
    this.ring.sqes[at + 4] = state.fd
    this.ring.sqes[at + 5] = state.key(side)
  }

  /**
   * Cancels all requests of an fd. One by one: Linux would go by the file, which may have another
   * number, too, and requests under that.
   */
  cancelFd(state: RingFd): void {
    if (state.source !== fd.IDLE) this.cancel(state, fd.RECEIVER)
    if (state.reader !== null && state.readerWay !== fd.LISTENS) this.cancel(state, fd.READER)
    if (state.writer !== null) this.cancel(state, fd.WRITER)
  }

  /** Cancels everything. */
  cancelAll(): void {
    const at = this.ring.add(ring.OP_ASYNC_CANCEL, -1, 0)
    this.ring.sqes[at + 7] = ring.CANCEL_ALL | ring.CANCEL_ANY
  }

  private borrow(): ReadBuffer {
    const buffer = this.pool.take()
    this.borrowed.add(buffer)
    return buffer
  }

  private copySent(): void {
    if (--this.copies === 0) this.outboxEnd = 0
  }

  private giveBack(buffer: ReadBuffer): void {
    this.borrowed.delete(buffer)
    buffer.giveBack()
  }

  private begin(first: number, state: RingFd, side: number): number {
    const at = this.ring.add(first, state.fd, state.key(side))
    // Counted when it is there: a close waits for all that are.
    state.requests++
    if (side === fd.READER) state.readerWay = fd.ASKS
    else if (side === fd.WRITER) state.writerWay = fd.ASKS
    return at
  }

  /** Where in its file the request begins: an op that goes on does so behind what it has moved. */
  private place(at: number, state: RingFd, op: IoOp<unknown>): void {
    if (op.position >= 0) {
      this.ring.pointSecond(at, op.position + op.moved)
      return
    }
    // An op that is over after one request claims no more than that moves: others would go on
    // behind the gap.
    const most = op.all ? op.length : Math.min(op.length, BUFFER_BYTES)
    if (op.kind === READ) state.readerPlace ??= this.positions.claim(op, most)
    else state.writerPlace ??= this.positions.claim(op, most)
    const place = op.kind === READ ? state.readerPlace : state.writerPlace
    if (place !== null && place.at !== APPENDS) this.ring.pointSecond(at, place.at + op.moved)
    else this.ring.sqes[at + 2] = this.ring.sqes[at + 3] = -1
  }
}
