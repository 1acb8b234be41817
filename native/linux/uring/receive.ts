/**
 * Receiving on sockets of our own: one request for many messages.
 *
 * The first lending read of a connection starts a *multishot* receive, which completes again and
 * again, each time with a buffer of Linux's choice. What comes while no read waits is chained to
 * the fd; when that becomes much, the request is cancelled until it has been read, so that TCP
 * stops the peer. So a message costs no request, and a cancelled read loses nothing.
 *
 * Some connections have a multishot poll instead, which says when to read, as under epoll, into the
 * buffer that was used last: those that found no buffer although there could be no more of them,
 * because to begin again for each message costs more than was saved; and those that carry large
 * pieces, with which Linux would fill one buffer after the other before any is read, more than the
 * processor's cache holds. What can be read, by the one way or the other, is in one queue
 * (read-queue.ts).
 */
import { type IoOp, READ, READABLE } from '../../../kernel/driver/contract.js'
import type { KnownMemory } from '../../memory/read-buffers.js'
import type { Attempts } from '../../posix/attempt.js'
import * as errno from '../../posix/errno.js'
import { LARGE_BYTES } from '../../posix/fds.js'
import type { ReadQueue } from '../../posix/read-queue.js'
import { POLLERR, POLLHUP, POLLIN, POLLRDHUP } from '../constants.js'
import type { Libc } from '../libc.js'
import { ProvidedBuffers } from './buffers.js'
import { FREE, IDLE, LISTENS, PAUSING, READER, RECEIVER, RECEIVING, type RingFd, WATCHING } from './fd.js'
import { Inbox } from './inbox.js'
import { CQE_BUFFER, CQE_MORE } from './ring.js'
import type { SqeWriter } from './sqe.js'

/** So many pieces wait on an fd for their reader; then it receives no more for a while. */
const MOST_PIECES = 4
/** Events after which a socket stays readable for good. */
const ENDED = POLLRDHUP | POLLERR | POLLHUP

/** What is received, and what waits for it. */
export class Receiving {
  readonly buffers: ProvidedBuffers
  /** Nothing is to be read any more. */
  closed = false
  private readonly inbox: Inbox
  private readonly sqes: SqeWriter
  private readonly attempts: Attempts
  private readonly readQueue: ReadQueue<RingFd>

  constructor(
    libc: Libc,
    ringFd: number,
    known: KnownMemory,
    sqes: SqeWriter,
    attempts: Attempts,
    readQueue: ReadQueue<RingFd>,
  ) {
    this.buffers = new ProvidedBuffers(libc, ringFd, known)
    this.inbox = new Inbox(libc, this.buffers)
    this.sqes = sqes
    this.attempts = attempts
    this.readQueue = readQueue
  }

  /**
   * A READ or READABLE. True: it is complete; else it waits. What is there already waits, too, if
   * others came first.
   */
  submit(state: RingFd, op: IoOp<unknown>): boolean {
    const isReceived = this.inbox.has(state)
    const isThere = isReceived || (op.kind === READ && state.source === WATCHING && state.readable)
    if (isThere && !this.readQueue.isEmpty) {
      state.readerWay = LISTENS
      this.readQueue.add(state)
      return false
    }
    if (isReceived) return this.deliver(state, op)
    if (isThere && this.attempts.attempt(state, op)) return true
    if (state.receives) state.readerWay = LISTENS
    else this.listen(state, op)
    return false
  }

  /** A CQE of the multishot request. The op that it completes, or null. */
  completed(state: RingFd, result: number, flags: number): IoOp | null {
    if (state.source !== WATCHING) return this.received(state, result, flags)
    this.watched(state, result, flags)
    return null
  }

  /** Its turn in the queue has come: the op if it is complete, or null. */
  read(state: RingFd): IoOp | null {
    const op = state.reader
    if (op === null || state.readerWay !== LISTENS || state.closing || this.closed) return null
    if (this.inbox.has(state)) this.deliver(state, op)
    else if (state.receives) return null
    else if (!this.attempts.attempt(state, op)) {
      if (state.source !== WATCHING) this.sqes.watch(state)
      return null
    }
    return detach(state, op)
  }

  /** No multishot receive for this fd any more. */
  stop(state: RingFd): void {
    state.direct = true
    this.pause(state)
  }

  /** Gives a READ what was received before; null if nothing was. */
  take(state: RingFd, op: IoOp): number | null {
    return this.inbox.has(state) ? this.inbox.read(state, op) : null
  }

  /** The fd is lost: what comes from now on is dropped. */
  lose(state: RingFd): void {
    this.inbox.drop(state)
  }

  /** Forgets what was received; true if there was something. */
  drop(state: RingFd): boolean {
    return this.inbox.drop(state)
  }

  /** Asks Linux for what an op waits for. */
  private listen(state: RingFd, op: IoOp<unknown>): void {
    if (op.kind === READABLE || (op.vector !== null && state.own && state.source !== WATCHING))
      this.sqes.poll(state, READER, POLLIN)
    else if (state.source === WATCHING) state.readerWay = LISTENS
    else if (!state.own || state.datagrams) this.sqes.read(state, op)
    else if (state.large || state.direct) this.watch(state)
    else {
      state.readerWay = LISTENS
      this.sqes.receive(state)
    }
  }

  private watch(state: RingFd): void {
    state.readerWay = LISTENS
    this.sqes.watch(state)
  }

  private received(state: RingFd, result: number, flags: number): IoOp | null {
    if ((flags & CQE_MORE) === 0) {
      state.source = IDLE
      state.requests--
    }
    const op = state.readerWay === LISTENS ? state.reader : null
    if ((flags & CQE_BUFFER) !== 0) {
      const buffer = this.buffers.taken(flags)
      if (result <= 0 || state.closing || this.closed) this.buffers.give(buffer)
      else if (op !== null && result < LARGE_BYTES && this.inbox.passes(state, op, result) && this.readQueue.passes()) {
        op.result = this.inbox.lend(state, op, buffer, result)
        return detach(state, op)
      } else this.inbox.put(state, buffer, result)
    }
    if (result === 0 || (result < 0 && result !== errno.ECANCELED && result !== errno.ENOBUFS)) state.end = result
    if (state.closing || this.closed) return null
    if (result >= LARGE_BYTES) state.large = true
    if (state.large || state.pieces >= MOST_PIECES) this.pause(state)
    if (op === null) return null
    if (this.inbox.has(state)) this.readQueue.add(state)
    else if (!state.receives) this.listenAgain(state, op, result)
    return null
  }

  private watched(state: RingFd, result: number, flags: number): void {
    if ((flags & CQE_MORE) === 0) {
      state.source = IDLE
      state.requests--
    }
    if (state.closing || this.closed) return
    state.readable = true
    if ((result & ENDED) !== 0) state.hangup = true
    if (state.readerWay === LISTENS) this.readQueue.add(state)
  }

  private pause(state: RingFd): void {
    if (state.source !== RECEIVING) return
    state.source = PAUSING
    this.sqes.cancel(state, RECEIVER)
  }

  /**
   * It was paused, or the buffers have run out. If there are to be no more of them, it goes on
   * without.
   */
  private listenAgain(state: RingFd, op: IoOp<unknown>, result: number): void {
    state.readerWay = FREE
    if (result !== errno.ENOBUFS || op.kind === READABLE || state.large || this.buffers.replenish())
      this.listen(state, op)
    else this.watch(state)
  }

  private deliver(state: RingFd, op: IoOp<unknown>): true {
    op.result = op.kind === READABLE ? 0 : this.inbox.read(state, op)
    return true
  }
}

/** Takes an op that is complete off its fd. */
function detach(state: RingFd, op: IoOp): IoOp {
  state.detachReader()
  return op
}
