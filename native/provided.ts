/**
 * Receive buffers that the system picks from when data is there.
 *
 * They lie in a ring that the system shares with us: it takes one from the front for each piece of data, we put it back at
 * the end when its reader is done. So thousands of connections wait without owning a buffer. Pieces that nobody has
 * asked for yet are chained to their fd; the chain is three arrays by buffer number, so that it costs no allocation.
 *
 * There are none at first. More are made when the ring ran dry, up to a limit.
 */
import type { IoOp, Lender } from '../kernel/driver.js'
import type { Libc } from './libc.js'
import { allocatePages } from './pages.js'
import { BUFFER_BYTES, type KnownMemory, ReadBuffer } from './read-buffers.js'
import { NoRing } from './ring.js'

/** The group's number; there is one a ring. */
export const GROUP = 1

/** A power of two: as many fit into the ring. */
export const MOST_BUFFERS = 128
/** So many are made at a time. */
const STEP_BUFFERS = 16

const REGISTER_PBUF_RING = 22
const ENTRY_WORDS = 4
const UINT32 = 4_294_967_296

/** No buffer. */
export const NONE = -1

/** The buffers of one ring. */
export class ProvidedBuffers implements Lender {
  /** By buffer number: the next piece of the same fd, and what of the buffer is not read yet. */
  readonly next = new Int32Array(MOST_BUFFERS)
  readonly from = new Int32Array(MOST_BUFFERS)
  readonly to = new Int32Array(MOST_BUFFERS)
  private readonly buffers: ReadBuffer[] = []
  private readonly known: KnownMemory
  /** struct io_uring_buf by entry; the tail is in the last 16 bits of the first. */
  private readonly entries: Int32Array
  private readonly halves: Uint16Array
  private tail = 0

  /** @throws NoRing if the system has no such rings. */
  constructor(libc: Libc, ringFd: number, known: KnownMemory) {
    this.known = known
    const { view, address } = allocatePages(MOST_BUFFERS * ENTRY_WORDS * 4, libc.addressOf, 0)
    this.entries = new Int32Array(view.buffer, view.byteOffset, MOST_BUFFERS * ENTRY_WORDS)
    this.halves = new Uint16Array(view.buffer, view.byteOffset, MOST_BUFFERS * ENTRY_WORDS * 2)
    const request = new Uint32Array(10)
    request[0] = address % UINT32
    request[1] = address / UINT32
    request[2] = MOST_BUFFERS
    request[3] = GROUP
    const result = libc.uringRegister(ringFd, REGISTER_PBUF_RING, libc.addressOf(request), 1)
    if (result < 0) throw new NoRing(`buffers cannot be shared with it (${result})`)
  }

  /** The ring ran dry: makes more, if there may be more. */
  grow(): boolean {
    if (this.buffers.length === MOST_BUFFERS) return false
    for (let i = 0; i < STEP_BUFFERS; i++) this.give(this.buffers.push(new ReadBuffer(this.known)) - 1)
    return true
  }

  /** Leaves the buffers to the collector, also those that come back later; the ring is gone. */
  forget(): void {
    this.buffers.length = 0
  }

  view(buffer: number): Uint8Array {
    return (this.buffers[buffer] as ReadBuffer).whole
  }

  /** Lends a buffer with so many bytes in it to an op. */
  lend(buffer: number, bytes: number, op: IoOp<unknown>): ReadBuffer {
    const lent = this.buffers[buffer] as ReadBuffer
    op.buffer = op.pointee = lent.show(bytes)
    op.pointer = lent.address
    op.offset = 0
    op.loan = buffer
    op.lender = this
    return lent
  }

  takeBack(op: IoOp<unknown>): void {
    if (op.lender !== this) return
    op.buffer = op.pointee = op.lender = null
    this.give(op.loan)
  }

  /** Puts a buffer at the end of the ring. */
  give(buffer: number): void {
    const { entries, tail } = this
    const given = this.buffers[buffer]
    if (given === undefined) return
    const { address } = given
    const at = (tail & (MOST_BUFFERS - 1)) * ENTRY_WORDS
    entries[at] = address | 0
    entries[at + 1] = (address / UINT32) | 0
    entries[at + 2] = BUFFER_BYTES
    this.halves[at * 2 + 6] = buffer
    this.tail = (tail + 1) & 0xffff
    // The system reads this only while we are inside `enter`, which is barrier enough.
    this.halves[7] = this.tail
  }
}
