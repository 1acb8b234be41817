/**
 * What a readiness driver knows about each file descriptor, in an array by number.
 *
 * *Own* fds were opened or accepted here: sockets, non-blocking, closed only through us, so what is
 * known about them stays true. All others are *foreign*: anybody may read from them, close them,
 * and get another file under the same number. They are looked at anew for every operation, one
 * cheap call each, and only their registration is kept.
 *
 * A state is made once for a number and used again after a close; `generation` tells the uses
 * apart.
 */
import type { IoOp } from '../../kernel/driver/contract.js'
import type { ReadBuffer } from '../memory/read-buffers.js'
import { EBADF } from './errno.js'
import type { FdCalls } from './libc.js'

/**
 * No system gives out numbers above this; a larger one is a mistake, and must not make the array
 * huge.
 */
const MAX_FDS = 1 << 24

/** A piece of data of so many bytes is large. */
export const LARGE_BYTES = 32 * 1024

const NONE_PINNED: readonly ReadBuffer[] = []

/** One fd. */
export class FdState {
  readonly fd: number
  generation = 1
  reader: IoOp<unknown> | null = null
  writer: IoOp<unknown> | null = null
  /** May a read, a write succeed now? True as long as it is not known. */
  readable = true
  writable = true
  /** An end or an error was reported: it stays readable for good, and no further event may come. */
  hangup = false
  registered = false
  closing = false
  own = false
  /** Datagrams: less than asked for does not mean that nothing is left. */
  datagrams = false
  blocking = false
  /** The last piece that was read was large. */
  large = false
  /** What was lent to its reader last: a guess at which bytes will be written (read-buffers.ts). */
  lent: ReadBuffer | null = null
  /** Read buffers that its writer writes from: pinned until that is over. */
  private pinned: readonly ReadBuffer[] = NONE_PINNED
  /** It is in the queue of what can be read (read-queue.ts), and what is behind it. */
  queued = false
  nextQueued: FdState | null = null

  constructor(fd: number) {
    this.fd = fd
  }

  /**
   * Is its writer writing from one read buffer? That is memory of ours, which nobody takes away.
   */
  get writesOurs(): boolean {
    return this.pinned.length > 0
  }

  /** Its writer begins to write from these. */
  pin(buffers: readonly ReadBuffer[]): void {
    this.pinned = buffers
    for (const buffer of buffers) buffer.pin()
  }

  unpin(): void {
    const { pinned } = this
    if (pinned.length === 0) return
    this.pinned = NONE_PINNED
    for (const buffer of pinned) buffer.unpin()
  }

  /** Its reader waits no more. */
  detachReader(): void {
    this.reader = null
  }

  /** Its writer waits no more. */
  detachWriter(): void {
    this.writer = null
    this.unpin()
  }

  /** Forgets the file and keeps the number, which keeps its place in the queue. */
  reset(): void {
    this.unpin()
    this.generation = (this.generation + 1) | 0
    this.reader = this.writer = this.lent = null
    this.readable = this.writable = true
    this.hangup = this.registered = this.closing = this.own = this.datagrams = this.blocking = this.large = false
  }
}

/** Could this be an fd at all? To C, NaN is 0 and 2 ** 32 too. */
export function isFd(fd: number): boolean {
  return Number.isInteger(fd) && fd >= 0 && fd < MAX_FDS
}

/** All fds that a driver has met; `S` is what it wants to know about each. */
export class FdTable<S extends FdState = FdState> {
  /**
   * Ops that waited on a foreign fd. Its number turned up again as one of ours: it was closed
   * behind our back.
   */
  readonly orphans: IoOp<unknown>[] = []
  private readonly states: (S | undefined)[] = []
  private readonly libc: FdCalls
  private readonly make: (fd: number) => S

  constructor(libc: FdCalls, make: (fd: number) => S) {
    this.libc = libc
    this.make = make
  }

  /** What is known about an fd; never asks the OS. */
  at(fd: number): S | undefined {
    return fd >= 0 && fd < this.states.length ? this.states[fd] : undefined
  }

  /** The state of a number, made if there is none; never asks the OS. */
  of(fd: number): S {
    return this.at(fd) ?? this.add(fd)
  }

  /** The state of an open fd, ready for an operation, or a negative errno. */
  find(fd: number): S | number {
    const known = this.at(fd)
    if (known?.own) return known
    if (!isFd(fd)) return EBADF
    const flags = this.libc.statusFlags(fd)
    if (flags < 0) return flags
    const state = known ?? this.add(fd)
    state.blocking = (flags & this.libc.constants.O_NONBLOCK) === 0
    state.readable = state.writable = true
    return state
  }

  /** Notes that this fd is a new non-blocking socket of our own. */
  adopt(fd: number, datagrams: boolean): void {
    this.libc.environment?.own(fd)
    const known = this.at(fd)
    if (known?.reader) this.orphans.push(known.reader)
    if (known?.writer) this.orphans.push(known.writer)
    known?.reset()
    const state = known ?? this.add(fd)
    state.own = true
    state.datagrams = datagrams
  }

  /** Every fd of our own that is open. */
  own(): number[] {
    return this.states.flatMap((state) => (state?.own ? [state.fd] : []))
  }

  /** Takes every waiting op off its fd. */
  takeWaiting(): IoOp<unknown>[] {
    const waiting = this.orphans.splice(0)
    for (const state of this.states) {
      if (state?.reader) waiting.push(state.reader)
      if (state?.writer) waiting.push(state.writer)
      if (state !== undefined) state.reader = state.writer = null
    }
    return waiting
  }

  /**
   * The driver is closed: leaves all states to the collector, but one for the sake of its shape.
   */
  forget(): void {
    const [one] = this.states.filter((state) => state !== undefined)
    one?.reset()
    this.states.length = 0
    this.states.push(one)
  }

  private add(fd: number): S {
    // Filled without holes: a sparse array would become a dictionary, and every access slow.
    while (this.states.length <= fd) this.states.push(undefined)
    const state = this.make(fd)
    this.states[fd] = state
    return state
  }
}
