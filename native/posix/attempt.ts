/**
 * One attempt at an operation: make the system call, and say whether the op is complete or has to
 * wait.
 *
 * The idea: what a call returns also tells what the next one would. EAGAIN means that nothing is
 * there, and so do fewer bytes than asked for: with edge-triggered events whatever comes later
 * makes an event of its own. So the usual "call again until EAGAIN" is saved, on our own sockets.
 * The exception is an end that was already reported: it may be right behind the bytes just read,
 * and no event will announce it again.
 *
 * A blocking fd (a shell's terminal, a pipe from a parent) must never stop the thread: poll(2) is
 * asked before each call, and a write is kept so small that it fits if there is room at all.
 */
import {
  ACCEPT,
  CONNECT,
  type IoOp,
  isIntact,
  READ,
  READABLE,
  RECEIVE,
  SEND,
  UNSUPPORTED,
  WRITE,
} from '../../kernel/driver/contract.js'
import type { BufferPool } from '../memory/pool.js'
import { AddressMemory } from './address-memory.js'
import { POLLIN, POLLNVAL, POLLOUT } from './constants.js'
import * as errno from './errno.js'
import { type FdState, type FdTable, LARGE_BYTES } from './fds.js'
import { Gather, SMALL_BYTES } from './gather.js'
import type { FdCalls } from './libc.js'
import { finish, finishConnect, finishRead, finishWrite } from './settle.js'

/** PIPE_BUF: a pipe that polls as writable takes this much without blocking. */
const SAFE_WRITE_BYTES = 4096

const { EAGAIN, EINTR, EFAULT } = errno

/** Makes attempts; holds the scratch memory that they need. */
export class Attempts {
  private readonly libc: FdCalls
  private readonly fds: FdTable
  readonly pool: BufferPool
  /** struct pollfd: the fd, then `events` and `revents` in 16 bits each. */
  private readonly pollfd = new Int32Array(2)
  private readonly pollfdAt: number
  private readonly peer: AddressMemory
  /** An int for an answer and an int for its length. */
  private readonly answer = new Int32Array(2)
  private readonly answerAt: number
  readonly gather: Gather

  constructor(libc: FdCalls, fds: FdTable, pool: BufferPool) {
    this.libc = libc
    this.fds = fds
    this.pool = pool
    this.pollfdAt = libc.addressOf(this.pollfd)
    this.peer = new AddressMemory(libc)
    this.answerAt = libc.addressOf(this.answer)
    this.gather = new Gather(libc)
  }

  /** True: `op.result` is set. False: it has to wait, and the flag of its direction is down. */
  attempt(state: FdState, op: IoOp<unknown>): boolean {
    if (op.kind === READ) return this.read(state, op)
    if (op.kind === WRITE) return this.write(state, op)
    if (op.kind === ACCEPT) return this.accept(state, op)
    if (op.kind === RECEIVE) return this.receive(state, op)
    if (op.kind === SEND) return this.send(state, op)
    if (op.kind === CONNECT) return state.writer === op ? this.connected(state, op) : this.connect(state, op)
    return this.level(state, op)
  }

  private read(state: FdState, op: IoOp<unknown>): boolean {
    if (op.lend && op.lender === null) this.pool.lend(op)
    const { buffer, vector } = op
    if (vector !== null && state.datagrams) return finish(op, errno.EINVAL)
    let length = op.lend && buffer !== null ? Math.min(op.length, buffer.length - op.offset) : op.length
    if (vector !== null) {
      if (!isIntact(op)) return finish(op, EFAULT)
      length = this.gather.collect(vector, 0, length, 0)
    } else if (!this.locate(state, op)) return finish(op, EFAULT)
    const at = op.pinnedAddress + op.offset
    let result: number
    // TCP would let even a read of nothing wait.
    if (length === 0) result = 0
    else
      do {
        if (state.blocking && this.poll(state.fd, POLLIN) === 0) result = EAGAIN
        else if (vector !== null) result = this.gather.read(state.fd)
        else if (state.own) result = this.libc.recv(state.fd, at, length)
        else result = this.libc.read(state.fd, at, length)
      } while (result === EINTR)
    if (result === EAGAIN) {
      op.lender?.release(op)
      return waits(state, 'readable')
    }
    state.large = result >= LARGE_BYTES
    if (result > 0 && result < length && state.own && !state.hangup && !state.datagrams) state.readable = false
    return finishRead(state, op, result, this.pool)
  }

  private write(state: FdState, op: IoOp<unknown>): boolean {
    const { vector } = op
    if (vector !== null && state.datagrams) return finish(op, errno.EINVAL)
    // A small buffer is copied to where the address is known, which is cheaper than to ask for its
    // own and makes no garbage.
    const isSmall = op.length <= SMALL_BYTES && op.buffer !== state.lent?.shown
    if (vector !== null || isSmall ? !isIntact(op) : !this.locate(state, op)) return finish(op, EFAULT)
    for (;;) {
      if (state.blocking && this.poll(state.fd, POLLOUT) === 0) return waits(state, 'writable')
      const left = op.length - op.moved
      let asked = state.blocking ? safeLength(state.fd, left) : left
      let result: number
      if (vector !== null) {
        asked = this.gather.collect(vector, op.moved, asked)
        result = asked === 0 ? EFAULT : this.gather.write(state.fd, state.own)
      } else {
        const from = op.offset + op.moved
        const at = isSmall ? this.gather.copy(op.buffer as Uint8Array, from, asked) : op.pinnedAddress + from
        result = state.own ? this.libc.send(state.fd, at, asked) : this.libc.write(state.fd, at, asked)
      }
      if (result === EINTR) continue
      if (result === EAGAIN) return waits(state, 'writable')
      if (result > 0 && result < asked && state.own && !state.hangup) state.writable = false
      if (finishWrite(op, result)) return true
      if (!state.writable) return false
    }
  }

  /**
   * A datagram that fills less than the buffer says nothing about the next one: only EAGAIN takes
   * the flag down.
   */
  private receive(state: FdState, op: IoOp<unknown>): boolean {
    if (!this.locate(state, op)) return finish(op, EFAULT)
    if (state.blocking && this.poll(state.fd, POLLIN) === 0) return waits(state, 'readable')
    this.answer[0] = this.peer.empty()
    let result: number
    do result = this.libc.recvfrom(state.fd, op.pinnedAddress + op.offset, op.length, this.peer.at, this.answerAt)
    while (result === EINTR)
    if (result === EAGAIN) return waits(state, 'readable')
    op.truncated = result > op.length
    if (result >= 0) op.address = this.peer.decode(this.answer[0] as number)
    return finish(op, op.truncated ? op.length : result)
  }

  private send(state: FdState, op: IoOp<unknown>): boolean {
    // As for a write: every datagram has bytes of its own, and to ask where they are takes longer.
    const isSmall = op.buffer !== null && op.length <= SMALL_BYTES
    if (isSmall ? !isIntact(op) : !this.locate(state, op)) return finish(op, EFAULT)
    if (state.blocking && this.poll(state.fd, POLLOUT) === 0) return waits(state, 'writable')
    const length = op.address === null ? 0 : this.peer.encode(op.address)
    const at = isSmall ? this.gather.copy(op.buffer as Uint8Array, op.offset, op.length) : op.pinnedAddress + op.offset
    let result: number
    do result = this.libc.sendto(state.fd, at, op.length, length && this.peer.at, length)
    while (result === EINTR)
    // The peer's queue may be full; that it is not any more is told to connected senders alone.
    return result === EAGAIN && op.address?.family !== 'unix' ? waits(state, 'writable') : finish(op, result)
  }

  private accept(state: FdState, op: IoOp<unknown>): boolean {
    for (;;) {
      // A foreign listening socket may block, and another process may have been faster than us.
      const blocked = state.blocking && this.poll(state.fd, POLLIN) === 0
      const result = blocked ? EAGAIN : this.libc.accept(state.fd)
      if (result === EAGAIN) return waits(state, 'readable')
      if (result === EINTR) continue
      if (result >= 0) this.fds.adopt(result, false)
      return finish(op, result)
    }
  }

  private connect(state: FdState, op: IoOp<unknown>): boolean {
    // Connecting a blocking socket would stop the thread, and no other call can ask for the same.
    if (op.address === null || state.blocking) return finish(op, op.address === null ? errno.EINVAL : UNSUPPORTED)
    const length = this.peer.encode(op.address)
    const result = this.libc.connect(state.fd, this.peer.at, length)
    if (result === errno.EINPROGRESS || result === errno.EALREADY || result === EINTR) {
      state.readable = state.writable = false
      return false
    }
    return finishConnect(op, result)
  }

  /**
   * A socket under way polls as writable when it is decided; SO_ERROR then says how. Without a peer
   * it is still open.
   */
  private connected(state: FdState, op: IoOp<unknown>): boolean {
    const { SOL_SOCKET, SO_ERROR } = this.libc.constants
    this.answer[1] = 4
    const failure = this.libc.getsockopt(state.fd, SOL_SOCKET, SO_ERROR, this.answerAt, this.answerAt + 4)
    if (failure < 0) return finish(op, failure)
    if (this.answer[0] !== 0) return finish(op, -(this.answer[0] as number))
    this.answer[1] = this.peer.empty()
    const peer = this.libc.getpeername(state.fd, this.peer.at, this.answerAt + 4)
    if (peer !== errno.ENOTCONN) return finish(op, peer)
    state.writable = false
    return false
  }

  /** READABLE and WRITABLE: others may use the fd as well, so only the OS knows. */
  private level(state: FdState, op: IoOp<unknown>): boolean {
    const reads = op.kind === READABLE
    const found = this.poll(state.fd, reads ? POLLIN : POLLOUT)
    if (found !== 0) return finish(op, found < 0 ? found : found & POLLNVAL ? errno.EBADF : 0)
    if (reads) state.readable = false
    else state.writable = false
    return false
  }

  /** What of `events`, an error or an end is there now; 0 for nothing. */
  private poll(fd: number, events: number): number {
    this.pollfd[0] = fd
    this.pollfd[1] = events
    let result: number
    do result = this.libc.poll(this.pollfdAt, 1, 0)
    while (result === EINTR)
    return result <= 0 ? result : (this.pollfd[1] as number) >>> 16
  }

  /** Sees to `op.pinnedAddress`, and that no system call can leave the buffer. */
  private locate(state: FdState, op: IoOp<unknown>): boolean {
    const { buffer } = op
    if (buffer !== null && buffer !== op.pinned) {
      op.pinnedAddress = this.pool.known.addressOf(buffer, state.lent)
      op.pinned = buffer
      // Whatever was lent before, this is not it.
      op.lender = null
    }
    return op.lend || isIntact(op)
  }
}

function waits(state: FdState, direction: 'readable' | 'writable'): false {
  state[direction] = false
  return false
}

/** How much may be written to a blocking fd that polls as writable. Files take anything. */
function safeLength(fd: number, length: number): number {
  if (length <= SAFE_WRITE_BYTES) return length
  try {
    return process.getBuiltinModule('node:fs').fstatSync(fd).isFile() ? length : SAFE_WRITE_BYTES
  } catch {
    return SAFE_WRITE_BYTES
  }
}
