/**
 * OVERLAPPED records: what Windows writes to while a call is under way.
 *
 * Each is 64 bytes of memory that nobody can take away: the OVERLAPPED itself, which is an
 * IO_STATUS_BLOCK at the same time, and behind it what a poll of a socket is given. A record is in
 * use from its call until its packet has come, also if the call was cancelled and whoever made it
 * is gone; only then it is used again.
 */
import type { IoOp } from '../../kernel/driver/contract.js'
import { allocatePages } from '../memory/pages.js'
import type { FdState } from '../posix/fds.js'
import { setWord } from '../posix/words.js'
import { OPERATION_ABORTED, STATUS_CANCELLED } from './constants.js'
import { resultOf } from './errors.js'
import type { Windows } from './kernel32.js'

const RECORD_WORDS = 16
const RECORD_BYTES = RECORD_WORDS * 4
const SLAB_RECORDS = 256
/** An NTSTATUS below this succeeded, or warns that there is more. */
const FIRST_ERROR = 0xc0000000

/** Did a call with this NTSTATUS fail? */
export function isError(status: number): boolean {
  return status >= FIRST_ERROR
}

/** Whoever made the call. */
export interface Sink {
  /**
   * Its packet has come. The record is free again when this returns.
   *
   * @param status an NTSTATUS.
   */
  completed(record: Overlapped, status: number, bytes: number): void
}

/** One record. */
export class Overlapped {
  sink: Sink | null = null
  /** What kind of call it is; the sink's own numbers. */
  kind = 0
  /** For which descriptor; null if nobody is interested any more. */
  state: FdState | null = null
  op: IoOp<unknown> | null = null
  /** The handle that the call was made on, to cancel it. */
  handle = 0
  /** What else the call needs to find again: a new socket's descriptor. */
  extra = -1
  /** Memory that must outlive the call. */
  memory: unknown = null

  constructor(
    readonly at: number,
    readonly words: Uint32Array,
  ) {}

  /** The position of a call on a file; what all ones mean is for the call to say. */
  setOffset(low: number, high: number): void {
    this.words[4] = low
    this.words[5] = high
  }

  /** AFD_POLL_INFO, 32 bytes right behind: no time limit, one handle, and for what. */
  setPoll(handle: number, events: number): number {
    const { words } = this
    words[8] = 0xffffffff
    words[9] = 0x7fffffff
    words[10] = 1
    words[11] = 0
    setWord(words, 12, handle)
    words[14] = events
    words[15] = 0
    return this.at + RECORD_BYTES / 2
  }
}

/** The records of one driver. */
export class Records {
  /** How many calls are under way. */
  underWay = 0
  private readonly byAddress = new Map<number, Overlapped>()
  private readonly free: Overlapped[] = []
  private readonly slabs: Uint8Array[] = []
  /** How many bytes, and flags: both are of no use here. */
  private readonly transferred = new Uint32Array(2)
  private readonly transferredAt: number

  constructor(private readonly windows: Windows) {
    this.transferredAt = windows.addressOf(this.transferred)
  }

  /** A record for a call that is about to be made. */
  take(sink: Sink, kind: number, state: FdState | null, op: IoOp<unknown> | null, handle: number): Overlapped {
    if (this.free.length === 0) this.grow()
    const record = this.free.pop() as Overlapped
    record.words.fill(0)
    record.sink = sink
    record.kind = kind
    record.state = state
    record.op = op
    record.handle = handle
    this.underWay++
    return record
  }

  /** No packet will come of it, or it has come. */
  release(record: Overlapped): void {
    record.sink = record.state = record.op = record.memory = null
    record.extra = -1
    this.underWay--
    this.free.push(record)
  }

  /** A packet: its sink is told. */
  completed(at: number, status: number, bytes: number): void {
    const record = this.byAddress.get(at)
    if (record === undefined || record.sink === null) return
    try {
      record.sink.completed(record, status, bytes)
    } finally {
      this.release(record)
    }
  }

  /** What a packet's status means: 0, or a negative result. The socket has the better number. */
  resultOf(record: Overlapped, status: number): number {
    if (!isError(status)) return 0
    if (status === STATUS_CANCELLED) return resultOf(OPERATION_ABORTED)
    this.windows.overlappedResult(record.handle, record.at, this.transferredAt, 0, this.transferredAt + 4)
    return resultOf(this.windows.socketError())
  }

  /** Why a call on a file or a pipe has failed, in numbers of Win32. */
  codeOf(record: Overlapped): number {
    this.windows.overlappedFile(record.handle, record.at, this.transferredAt, 0)
    return this.windows.lastError()
  }

  /** Asks Windows to end the call; its packet comes in any case. */
  cancel(record: Overlapped): void {
    this.windows.cancel(record.handle, record.at)
  }

  private grow(): void {
    const { view, address } = allocatePages(SLAB_RECORDS * RECORD_BYTES, this.windows.addressOf)
    this.slabs.push(view)
    for (let i = SLAB_RECORDS - 1; i >= 0; i--) {
      const words = new Uint32Array(view.buffer, view.byteOffset + i * RECORD_BYTES, RECORD_WORDS)
      const record = new Overlapped(address + i * RECORD_BYTES, words)
      this.byAddress.set(record.at, record)
      this.free.push(record)
    }
  }
}
