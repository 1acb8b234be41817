/**
 * What a CQE means for its operation: that it is complete, or that it needs another request.
 *
 * A result is settled as that of any system call (posix/settle.ts). Here is what a ring has
 * besides: an op that was asked to be withdrawn while its request goes on, a poll that only said
 * when to try, a request that was interrupted and is made again.
 */
import {
  ACCEPT,
  CANCELED,
  CLOSED,
  CONNECT,
  type IoOp,
  isIntact,
  isReader,
  READ,
  READABLE,
  RECEIVE,
  SEND,
  WRITABLE,
  WRITE,
} from '../../../kernel/driver/contract.js'
import type { BufferPool } from '../../memory/pool.js'
import type { Attempts } from '../../posix/attempt.js'
import * as errno from '../../posix/errno.js'
import { finish, finishConnect, finishRead, finishWrite } from '../../posix/settle.js'
import { isInterrupted, POLLIN, POLLOUT } from '../constants.js'
import type { Libc } from '../libc.js'
import { READER, type RingFd, WRITER } from './fd.js'
import type { SqeWriter } from './sqe.js'

/** Settles the ops of one ring. */
export class Completions {
  private readonly sockets: { adopt(fd: number, datagrams: boolean): void }
  private readonly sqes: SqeWriter
  private readonly attempts: Attempts
  private readonly pool: BufferPool
  private readonly libc: Libc

  /** @param sockets has to know of accepted ones. */
  constructor(
    sockets: { adopt(fd: number, datagrams: boolean): void },
    sqes: SqeWriter,
    attempts: Attempts,
    pool: BufferPool,
    libc: Libc,
  ) {
    this.sockets = sockets
    this.sqes = sqes
    this.attempts = attempts
    this.pool = pool
    this.libc = libc
  }

  /** False: the op is not complete, and has another request under way. */
  settle(state: RingFd, op: IoOp<unknown>, polled: boolean, result: number, closed: boolean): boolean {
    const leaving = leaves(state, op)
    if (result === errno.ECANCELED && !leaving) return finish(op, CLOSED)
    if (result === errno.ECANCELED || (leaving && isInterrupted(result))) return withdraw(op)
    if (state.closing || closed) {
      if (op.kind === ACCEPT && result >= 0) this.libc.close(result)
      if (op.kind === WRITE && result > 0 && !polled) op.moved += result
      return finish(op, CLOSED)
    }
    if (polled) return result < 0 ? finish(op, result) : this.ready(state, op)
    if (op.kind === CONNECT) {
      op.pinned = null
      return finishConnect(op, result)
    }
    if (isInterrupted(result)) return this.again(state, op)
    if (result === errno.EAGAIN) return this.whenReady(state, op)
    if (op.kind === READ) return finishRead(state, op, result, this.pool)
    if (op.kind === WRITE) return finishWrite(op, result) || this.again(state, op)
    if (op.kind === ACCEPT && result >= 0) this.sockets.adopt(result, false)
    return finish(op, result)
  }

  /**
   * A poll said that it is worth trying. That may have been a while ago, and others may use the fd
   * as well.
   */
  private ready(state: RingFd, op: IoOp<unknown>): boolean {
    const tried = state.own || isTried(op) || op.kind === READABLE || op.kind === WRITABLE
    return tried ? this.attempts.attempt(state, op) || this.whenReady(state, op) : this.again(state, op)
  }

  /**
   * Makes the same request again; not for an op that is leaving: its cancel has been spent on the
   * last one.
   */
  private again(state: RingFd, op: IoOp<unknown>): boolean {
    if (leaves(state, op)) return withdraw(op)
    if (op.kind === WRITE && state.own) {
      if (!state.writesOurs || op.vector !== null) return this.attempts.attempt(state, op) || this.whenReady(state, op)
      this.sqes.send(state, op)
    } else if (op.kind === WRITE) {
      if (!isIntact(op)) return finish(op, errno.EFAULT)
      this.sqes.write(state, op)
    } else if (op.kind === READ) this.sqes.read(state, op)
    else this.sqes.accept(state)
    return false
  }

  /**
   * A non-blocking file of others', or a datagram: Linux does not wait for those, so it is asked
   * when to try again.
   */
  private whenReady(state: RingFd, op: IoOp<unknown>): boolean {
    if (leaves(state, op)) return withdraw(op)
    if (isReader(op.kind)) this.sqes.poll(state, READER, POLLIN)
    else this.sqes.poll(state, WRITER, POLLOUT)
    return false
  }
}

/**
 * Datagrams, and several pieces on our own sockets, are tried at once, as under epoll, and the ring
 * only says when to try again: what they need beside their bytes (addresses, lists) is shared
 * memory of ours, which a request would have to own.
 */
export function isTried(op: IoOp<unknown>): boolean {
  return op.kind === RECEIVE || op.kind === SEND || op.vector !== null
}

/** Was it asked to be withdrawn? */
function leaves(state: RingFd, op: IoOp<unknown>): boolean {
  return isReader(op.kind) ? state.readerLeaves : state.writerLeaves
}

function withdraw(op: IoOp<unknown>): true {
  op.lender?.release(op)
  return finish(op, CANCELED)
}
