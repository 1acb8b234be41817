/**
 * What was received before it was asked for.
 *
 * Each piece is in a buffer of the ring's, chained to its fd. A lending read that takes a whole
 * piece gets the buffer itself; all others get a copy of what they take.
 */
import { type IoOp, isIntact, partsOf } from '../../../kernel/driver/contract.js'
import { EFAULT } from '../../posix/errno.js'
import type { Libc } from '../libc.js'
import { NONE, type ProvidedBuffers } from './buffers.js'
import { NOT_YET, type RingFd } from './fd.js'

/** The pieces of all fds of one ring. */
export class Inbox {
  private readonly libc: Libc
  private readonly buffers: ProvidedBuffers

  constructor(libc: Libc, buffers: ProvidedBuffers) {
    this.libc = libc
    this.buffers = buffers
  }

  /** Is there anything to be read, if only an end? */
  has(state: RingFd): boolean {
    return state.first !== NONE || state.end !== NOT_YET
  }

  /** May a piece that was just received go to its reader without being put here? */
  passes(state: RingFd, op: IoOp<unknown>, bytes: number): boolean {
    return op.lend && bytes <= op.length && !this.has(state)
  }

  /** Gives an op a whole piece as it is. */
  lend(state: RingFd, op: IoOp<unknown>, buffer: number, bytes: number): number {
    state.lent = this.buffers.lend(buffer, bytes, op)
    return bytes
  }

  /** Chains a piece to the fd. */
  put(state: RingFd, buffer: number, bytes: number): void {
    const { buffers } = this
    buffers.next[buffer] = NONE
    buffers.from[buffer] = 0
    buffers.to[buffer] = bytes
    if (state.last === NONE) state.first = buffer
    else buffers.next[state.last] = buffer
    state.last = buffer
    state.pieces++
  }

  /** Gives a READ the first piece, or the end; its result. */
  read(state: RingFd, op: IoOp<unknown>): number {
    return state.first === NONE ? this.readEnd(state) : this.readPiece(state, op)
  }

  /** Forgets everything; true if there was something. */
  drop(state: RingFd): boolean {
    if (state.first === NONE) return false
    while (state.first !== NONE) this.buffers.give(this.takeFirst(state))
    return true
  }

  /** An end stays; an error is told once, and what comes after it is for Linux to say. */
  private readEnd(state: RingFd): number {
    const { end } = state
    if (end !== 0) state.end = NOT_YET
    return end
  }

  private readPiece(state: RingFd, op: IoOp<unknown>): number {
    const { buffers } = this
    const buffer = state.first
    const from = buffers.from[buffer] as number
    const to = buffers.to[buffer] as number
    const bytes = Math.min(op.length, to - from)
    if (op.lend && from === 0 && bytes === to) return this.lend(state, op, this.takeFirst(state), bytes)
    // Without room for it, it stays where it is.
    if (!op.lend && !isIntact(op)) return EFAULT
    const piece = buffers.view(buffer).subarray(from, from + bytes)
    if (op.lend) {
      op.buffer = op.pinned = piece.slice()
      op.pinnedAddress = this.libc.addressOf(op.buffer)
      op.offset = 0
    } else scatter(piece, op)
    if (from + bytes === to) buffers.give(this.takeFirst(state))
    else buffers.from[buffer] = from + bytes
    return bytes
  }

  private takeFirst(state: RingFd): number {
    const buffer = state.first
    state.first = this.buffers.next[buffer] as number
    if (state.first === NONE) state.last = NONE
    state.pieces--
    return buffer
  }
}

/** Copies a piece to the beginning of what an op is to fill. */
export function scatter(piece: Uint8Array, op: IoOp<unknown>): void {
  if (op.vector === null) {
    op.buffer?.set(piece, op.offset)
    return
  }
  let at = 0
  for (const part of partsOf(op, 0, piece.length)) {
    part.set(piece.subarray(at, at + part.length))
    at += part.length
  }
}
