/**
 * The I/O operation: the one record that a trap, the kernel and a driver share. What each of them
 * may do with it, and when, is the contract (driver/contract.ts).
 */

import { tracker } from './debug.js'
import { arrived, probe } from './probe.js'
import { ANSWER, HANDOVER, IO, type Resumed, Trap } from './trap.js'
import type { Giver } from './wait-queue.js'

/**
 * A descriptor: a small integer, 0 or more, that the driver gave for something open. It is an
 * index, never a handle or an address, and what is behind it, the driver knows.
 */
export type Fd = number

/** Kind of operation: read into `buffer`, or into the pieces of `vector`. */
export const READ = 0
/** Kind of operation: write from `buffer`, or from the pieces of `vector`. */
export const WRITE = 1
/** Kind of operation: accept a connection. */
export const ACCEPT = 2
/** Kind of operation: connect to `address`. */
export const CONNECT = 3
/** Kind of operation: wait until reading would not wait. */
export const READABLE = 4
/** Kind of operation: wait until writing would not wait. */
export const WRITABLE = 5

/** Kind of operation: receive a datagram into `buffer`; `address` then says from whom. */
export const RECEIVE = 6
/**
 * Kind of operation: send `buffer` as one datagram to `address`, or to the connected peer if that
 * is null. To a Unix address it may be EAGAIN: there is no room at the peer, and no system tells
 * a sender that is not connected to it when there is.
 */
export const SEND = 7

/** What each kind is called in errors and traces. */
export const IO_NAMES = [
  'read',
  'write',
  'accept',
  'connect',
  'wait until readable',
  'wait until writable',
  'receive',
  'send',
] as const

/** An end point: an IP address with a port, or a path of a Unix socket. */
export type Address =
  | {
      /** Which kind of address. */
      readonly family: 'ipv4' | 'ipv6'
      /** The IP address, as text. */
      readonly host: string
      /** 1 to 65535; 0 asks for a free one where a socket is bound. */
      readonly port: number
      /** IPv6, of a link-local address: the number of the interface. */
      readonly scopeId?: number
    }
  | {
      readonly family: 'unix'
      /** A path in the file system; one that begins with a NUL is an abstract name of Linux. */
      readonly path: string
    }

/**
 * One operation and at the same time the trap that asks for it. Unlike other traps it has state, so
 * it serves one task at a time; a stream owns one for reading and one for writing and uses them
 * again and again.
 *
 * @example
 * import { run } from 'drupe'
 * import { close, IoOp, openFile, READ } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* openFile('package.json')
 *   const op = new IoOp<number>(READ, fd, new Uint8Array(100), 0, 1, Infinity)
 *   console.log(yield* op) // => 1
 *   yield* close(fd)
 * })
 */
export class IoOp<out T = unknown> extends Trap<T> {
  /** READ, WRITE, ACCEPT, … */
  kind: number
  /** The descriptor that it is about. */
  fd: Fd
  /**
   * Null on a READ with `lend`: the driver lends a buffer when data is there. Null if there is a
   * `vector`.
   */
  buffer: Uint8Array | null
  /**
   * READ, WRITE on a stream of bytes or a file: the pieces to fill or to write, one after the
   * other, instead of `buffer`. Some may be empty. `offset` is then 0 and `length` their sum;
   * `result` and `moved` count over all of them.
   */
  vector: readonly Uint8Array[] | null
  /** Where in the buffer it begins, in bytes. */
  offset: number
  /** Bytes to move at most. */
  length: number
  /**
   * READ, WRITE of a file: where in it, in bytes from its beginning; -1: where the last one ended.
   * What has no positions, a pipe or a socket, refuses others (ESPIPE).
   */
  position = -1
  /** Bytes moved, a new fd, 0, or negative: see driver.ts. */
  result = 0
  /** Milliseconds, or Infinity. The kernel keeps this time; drivers do not look at it. */
  timeout: number
  /**
   * WRITE: complete only when all is written (or on an error; `moved` then says how far it came).
   */
  all = false
  /**
   * READ: take the buffer from the driver's pool when there is something to read, at most `length`
   * bytes. After completion the op owns `buffer` until it is submitted again or given back; a
   * waiting op holds none.
   */
  lend = false
  /** Who lent `buffer`; set by the driver together with it. */
  lender: Lender | null = null
  /** WRITE with `all`: bytes written so far. */
  moved = 0
  /** CONNECT, SEND: to whom. RECEIVE: from whom, set by the driver; null: it has no address. */
  address: Address | null = null
  /** RECEIVE: the datagram was longer than the buffer, and its end is lost; set by the driver. */
  truncated = false
  /**
   * For the driver alone: the memory address of `buffer`, valid while `buffer` is the one it was
   * taken from.
   */
  pinnedAddress = 0
  /** For the driver alone: the buffer that `pinnedAddress` is of. */
  pinned: Uint8Array | null = null
  /** For the lender alone: which of its buffers this is. */
  bufferIndex = 0
  /** For the kernel alone: the task that waits. */
  owner: unknown = null
  /** For the kernel alone: asked to be withdrawn once, and said that its completion will come. */
  withdrawing = false
  /** For the owner that uses it again and again: `claim` took it, and the use is not over. */
  claimed = false
  /** A task has handed it out and has not had its answer yet, even if the operation is complete. */
  running = false
  /**
   * What the task gets instead of the bare number. A field and not a subclass, so that all ops have
   * one shape.
   */
  convert: ((op: IoOp, result: number) => unknown) | null = null

  /**
   * @param kind READ, WRITE, ACCEPT …
   * @param fd The descriptor that it is about.
   * @param buffer What is filled or written; null for ops without bytes, and for lending ones.
   * @param offset Where in the buffer it begins, in bytes.
   * @param length Bytes to move at most.
   * @param timeout Milliseconds, or Infinity.
   * @param giver What becomes of an answer that its task does not see.
   */
  constructor(
    kind: number,
    fd: Fd,
    buffer: Uint8Array | null,
    offset: number,
    length: number,
    timeout: number,
    giver: Giver | null = null,
  ) {
    super(IO, giver, null, 0)
    this.kind = kind
    this.fd = fd
    this.buffer = buffer
    this.vector = null
    this.offset = offset
    this.length = length
    this.timeout = timeout
  }

  /**
   * Takes it for one more use; false if the last use has not begun yet, or is not over. It is over
   * when its task has the answer: until that task's turn comes, buffer and result belong to it.
   */
  claim(): boolean {
    if (this.claimed) return false
    this.claimed = true
    if (tracker !== null) tracker.created(this, IO_NAMES[this.kind] ?? 'io')
    return true
  }

  /**
   * Lets go of its bytes: the operation is over, and must not keep them alive until the next one.
   */
  dropBytes(): void {
    this.buffer = this.pinned = this.vector = null
  }

  /** @internal */
  override next(task?: Resumed): IteratorResult<Trap, T> {
    if (task === undefined) {
      this.running = true
      HANDOVER.value = this
      return HANDOVER
    }
    this.claimed = this.running = false
    ANSWER.value = this.convert === null ? task.value : this.convert(this, task.value as number)
    return ANSWER as IteratorReturnResult<T>
  }

  /** @internal */
  override throw(error: unknown): IteratorResult<Trap, T> {
    if (probe !== null && arrived(error)) return HANDOVER
    this.claimed = this.running = false
    throw error
  }
}

/** `read fd 7`: for messages. */
export function actionOf(op: IoOp): string {
  return `${IO_NAMES[op.kind] ?? 'use'} fd ${op.fd}`
}

/** What lies between two places of an op's bytes, wherever its pieces begin and end. */
export function* partsOf({ buffer, vector }: IoOp, from: number, to: number): Iterable<Uint8Array> {
  let at = 0
  for (const piece of vector ?? (buffer === null ? [] : [buffer])) {
    const part = piece.subarray(Math.max(0, from - at), Math.max(0, to - at))
    if (part.length > 0) yield part
    at += piece.length
  }
}

/**
 * Are its bytes still there? A buffer may be transferred to somebody else, or made smaller, while
 * its op waits.
 *
 * The engine is asked for `byteLength`: V8's compiled code in Node 20 and 22 gives what was
 * transferred its old `length` once it has met a buffer that may grow.
 */
export function isIntact({ buffer, vector, offset, length }: IoOp): boolean {
  if (vector === null) return offset >= 0 && length >= 0 && offset + length <= (buffer === null ? 0 : buffer.byteLength)
  let sum = 0
  for (const piece of vector) sum += piece.byteLength
  return sum === length
}

/** Where a lent buffer goes back to. */
export interface Lender {
  /**
   * Takes the buffer back.
   *
   * @param op The op that owns it.
   */
  release(op: IoOp): void
}
