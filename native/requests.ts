/**
 * Requests: what each operation looks like in the ring.
 *
 * The ring shares memory with us. What a request may read or write is held by its op (`pointee`), and the op by its fd, until
 * the answer has come: an optimised generator does not keep a local alive.
 */
import { type Address, type IoOp, READ } from '../kernel/driver.js'
import { ADDRESS_BYTES, encodeAddress } from './address.js'
import type { Gather } from './gather.js'
import * as c from './libc.js'
import type { BufferPool } from './pool.js'
import { APPENDS, Positions } from './positions.js'
import { GROUP } from './provided.js'
import * as ring from './ring.js'
import { READER, RECEIVER, type RingFd, WRITER } from './ring-fd.js'

/** The system goes on by itself after a partial send. */
const MSG_WAITALL = 0x100

const RECEIVE = ring.OP_RECV | (ring.BUFFER_SELECT << 8) | (ring.RECV_MULTISHOT << 16)

/** Writes requests. */
export class Requests {
  private readonly libc: c.Libc
  private readonly ring: ring.Ring
  private readonly pool: BufferPool
  private readonly gather: Gather
  readonly positions: Positions

  constructor(libc: c.Libc, system: ring.Ring, pool: BufferPool, gather: Gather) {
    this.libc = libc
    this.ring = system
    this.pool = pool
    this.gather = gather
    this.positions = new Positions(libc)
  }

  /** Receives whatever comes, again and again, into buffers of the group. */
  receive(state: RingFd): void {
    const at = this.begin(RECEIVE, state, RECEIVER)
    this.ring.requests[at + 10] = GROUP
    state.receiving = true
  }

  /** Says whenever there is something to read, beginning with what is there already. */
  watch(state: RingFd): void {
    const at = this.begin(ring.OP_POLL_ADD, state, RECEIVER)
    this.ring.requests[at + 6] = ring.POLL_MULTISHOT
    this.ring.requests[at + 7] = c.POLLIN | c.POLLRDHUP
    state.watching = true
  }

  /** One read into memory of the op's; into several pieces on files of others only. */
  read(state: RingFd, op: IoOp<unknown>): void {
    if (op.vector !== null) {
      this.vectored(ring.OP_READV, state, READER, op, op.vector)
      return
    }
    if (op.lend && op.lender === null) this.pool.lend(op)
    const length = op.lend ? Math.min(op.length, (op.buffer as Uint8Array).length) : op.length
    const at = this.begin(state.own ? ring.OP_RECV : ring.OP_READ, state, READER)
    this.ring.point(at, op.pointer + op.offset, length)
    if (!state.own) this.place(at, state, op)
  }

  write(state: RingFd, op: IoOp<unknown>): void {
    if (op.vector !== null) {
      this.vectored(ring.OP_WRITEV, state, WRITER, op, op.vector)
      return
    }
    const at = this.begin(state.own ? ring.OP_SEND : ring.OP_WRITE, state, WRITER)
    this.ring.point(at, op.pointer + op.offset + op.moved, op.length - op.moved)
    if (state.own) this.ring.requests[at + 7] = op.all ? c.MSG_NOSIGNAL | MSG_WAITALL : c.MSG_NOSIGNAL
    else this.place(at, state, op)
  }

  accept(state: RingFd): void {
    const at = this.begin(ring.OP_ACCEPT, state, READER)
    this.ring.requests[at + 7] = c.SOCK_NONBLOCK | c.CLOEXEC
  }

  connect(state: RingFd, op: IoOp<unknown>, address: Address): void {
    const bytes = new Uint8Array(ADDRESS_BYTES)
    op.pointee = bytes
    const length = encodeAddress(address, bytes)
    const at = this.begin(ring.OP_CONNECT, state, WRITER)
    this.ring.point(at, this.libc.addressOf(bytes), 0)
    this.ring.requests[at + 2] = length
  }

  /** Asks when it is worth trying. */
  poll(state: RingFd, who: number, events: number): void {
    const at = this.begin(ring.OP_POLL_ADD, state, who)
    this.ring.requests[at + 7] = events
    if (who === READER) state.readerPolls = true
    else state.writerPolls = true
  }

  /** Asks for one request back; its own answer will say whether that came in time. */
  takeBack(state: RingFd, who: number): void {
    const at = this.ring.add(ring.OP_ASYNC_CANCEL, -1, 0)
    this.ring.requests[at + 4] = state.fd
    this.ring.requests[at + 5] = state.key(who)
  }

  /**
   * Asks for all requests of an fd back. One by one: the system would go by the file, which may have another number, too, and
   * requests under that.
   */
  takeFdBack(state: RingFd): void {
    if (state.receiving || state.watching) this.takeBack(state, RECEIVER)
    if (state.reader !== null && !state.readerListens) this.takeBack(state, READER)
    if (state.writer !== null) this.takeBack(state, WRITER)
  }

  /** Asks for everything back. */
  takeAllBack(): void {
    const at = this.ring.add(ring.OP_ASYNC_CANCEL, -1, 0)
    this.ring.requests[at + 7] = ring.CANCEL_ALL | ring.CANCEL_ANY
  }

  private vectored(kind: number, state: RingFd, who: number, op: IoOp<unknown>, pieces: readonly Uint8Array[]): void {
    const list = this.gather.list(pieces, op.moved, op.length - op.moved)
    op.pointee = new Uint8Array(list.buffer)
    const at = this.begin(kind, state, who)
    this.ring.point(at, this.libc.addressOf(list), list.length / 4)
    this.place(at, state, op)
  }

  private begin(first: number, state: RingFd, who: number): number {
    const at = this.ring.add(first, state.fd, state.key(who))
    // Counted when it is there: a close waits for all that are.
    state.requests++
    return at
  }

  /** Where in its file the request begins: an op that goes on does so behind what it has moved. */
  private place(at: number, state: RingFd, op: IoOp<unknown>): void {
    if (op.kind === READ) state.readerPlace ??= this.positions.claim(op)
    else state.writerPlace ??= this.positions.claim(op)
    const place = op.kind === READ ? state.readerPlace : state.writerPlace
    if (place !== null && place.at !== APPENDS) this.ring.pointSecond(at, place.at + op.moved)
    else this.ring.requests[at + 2] = this.ring.requests[at + 3] = -1
  }
}
