/**
 * Receive buffers that Linux picks from when data is there.
 *
 * They are in a ring that Linux shares with us: it takes one from the front for each piece of data.
 * So thousands of connections wait without owning a buffer. Pieces that nobody has asked for yet
 * are chained to their fd; the chain is three arrays by buffer number, so that it costs no
 * allocation.
 *
 * A ring hands out what has rested longest, which is no longer in the processor's cache. So it
 * holds only as many as one `enter` can need; the rest is on a stack, and those that came back last
 * go into the ring first.
 *
 * There are none at first. More are made when all are in use, up to a limit.
 */
import type { IoOp, Lender } from '../../../kernel/driver/contract.js'
import { allocatePages } from '../../memory/pages.js'
import { BUFFER_BYTES, type KnownMemory, ReadBuffer } from '../../memory/read-buffers.js'
import type { Libc } from '../libc.js'
import { NoRing } from './ring.js'

/** The group's number; there is one a ring. */
export const GROUP = 1

/** A power of two: as many fit into the ring. */
const MOST_BUFFERS = 128
/** So many are made at a time. */
const STEP_BUFFERS = 16
/**
 * So many are in the ring at first: since 6.13 Linux receives for at most twice twenty connections
 * in one `enter`. Where it takes more than were there, there will be more.
 */
const READY_BUFFERS = 44

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
  /** How many are in the ring. */
  private ready = 0
  private mostReady = READY_BUFFERS
  /** Those on the stack, how many they are, and how many it had when the ring was filled last. */
  private readonly spare = new Int32Array(MOST_BUFFERS)
  private spares = 0
  private left = 0

  /** @throws NoRing if this Linux has no such rings. */
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

  /**
   * A receive found none: will there be one for it the next time? More are made if need be, as long
   * as there may be more.
   */
  replenish(): boolean {
    if (this.left > 0) {
      this.mostReady = Math.min(this.mostReady + STEP_BUFFERS, MOST_BUFFERS)
      this.left = 0
    }
    if (this.spares === 0 && this.buffers.length < MOST_BUFFERS) for (let i = 0; i < STEP_BUFFERS; i++) this.make()
    if (this.spares === 0) return this.ready > 0
    // At once, because the receive may begin again before the ring is filled.
    this.put(this.spare[--this.spares] as number)
    return true
  }

  /** Leaves the buffers to the collector, also those that come back later; the ring is gone. */
  forget(): void {
    this.buffers.length = this.spares = 0
  }

  view(buffer: number): Uint8Array {
    return (this.buffers[buffer] as ReadBuffer).whole
  }

  /** Lends a buffer with so many bytes in it to an op. */
  lend(buffer: number, bytes: number, op: IoOp<unknown>): ReadBuffer {
    const lent = this.buffers[buffer] as ReadBuffer
    op.buffer = op.pinned = lent.show(bytes)
    op.pinnedAddress = lent.address
    op.offset = 0
    op.bufferIndex = buffer
    op.lender = this
    return lent
  }

  release(op: IoOp<unknown>): void {
    if (op.lender !== this) return
    op.buffer = op.pinned = op.lender = null
    this.buffers[op.bufferIndex]?.giveBack()
  }

  /** The buffer that Linux has taken for a CQE with these flags. */
  taken(flags: number): number {
    this.ready--
    return flags >>> 16
  }

  /** It is free again. */
  give(buffer: number): void {
    if (buffer < this.buffers.length) this.spare[this.spares++] = buffer
  }

  /** Fills the ring, to be called before `enter`. */
  fill(): void {
    while (this.ready < this.mostReady && this.spares > 0) this.put(this.spare[--this.spares] as number)
    this.left = this.spares
  }

  private make(): void {
    const number = this.buffers.length
    this.buffers.push(new ReadBuffer(this.known, () => this.give(number)))
    this.give(number)
  }

  private put(buffer: number): void {
    const { entries, tail } = this
    const { address } = this.buffers[buffer] as ReadBuffer
    this.ready++
    const at = (tail & (MOST_BUFFERS - 1)) * ENTRY_WORDS
    entries[at] = address | 0
    entries[at + 1] = (address / UINT32) | 0
    entries[at + 2] = BUFFER_BYTES
    this.halves[at * 2 + 6] = buffer
    this.tail = (tail + 1) & 0xffff
    // Linux reads this only while we are inside `enter`, which is barrier enough.
    this.halves[7] = this.tail
  }
}
