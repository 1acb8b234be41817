/**
 * Operations on an io_uring: what readiness.ts is to epoll.
 *
 * Most ops are one request each, written when they are submitted and taken to the OS with all
 * others at the next `enter`. Receiving on our own sockets is different (receive.ts), and so are
 * requests about files (files.ts). What a CQE means for its op is in completions.ts.
 *
 * A request holds its file: a socket closed under it would stay open, and a listener keep its port.
 * So before an fd is closed all requests of it are cancelled, and their CQEs awaited.
 */
import { CLOSED, IoOp, isIntact, READ, READABLE, WRITABLE, WRITE } from '../../../kernel/driver/contract.js'
import { SEEK_CUR } from '../../posix/constants.js'
import * as errno from '../../posix/errno.js'
import { LARGE_BYTES } from '../../posix/fds.js'
import { Operations } from '../../posix/operations.js'
import { finish } from '../../posix/settle.js'
import * as c from '../constants.js'
import type { Libc } from '../libc.js'
import { Completions, isTried } from './completions.js'
import { FREE, LISTENS, POLLS, READER, RECEIVER, RingFd, sideOf, WRITER } from './fd.js'
import { Receiving } from './receive.js'
import { CQE_BUFFER, type Ring } from './ring.js'
import { type LostMemory, memoryOf, SqeWriter } from './sqe.js'

/** What a ring that has failed may still write to: no CQE will ever tell that it does not. */
export const lostMemory: unknown[] = []

/** The ops of one ring. */
export class RingOperations extends Operations<RingFd> {
  declare protected readonly libc: Libc
  private readonly ring: Ring
  private readonly reap: () => void
  private readonly receiving: Receiving
  private readonly sqes: SqeWriter
  private readonly completions: Completions
  /** Memory of requests whose fd was lost to another use of its number; by fd and key. */
  private readonly lost = new Map<string, LostMemory>()
  /** struct linger: on, no seconds. */
  private readonly linger = new Int32Array([1, 0])

  /** @param reap takes in CQEs, at least one. */
  constructor(libc: Libc, ring: Ring, reap: () => void) {
    super(libc, null, (fd) => new RingFd(fd))
    this.ring = ring
    this.reap = reap
    this.sqes = new SqeWriter(libc, ring, this.pool)
    this.completions = new Completions(this, this.sqes, this.attempts, this.pool, libc)
    this.receiving = new Receiving(libc, ring.fd, this.pool.known, this.sqes, this.attempts, this.readQueue)
  }

  /** A CQE. */
  completed(fd: number, key: number, result: number, flags: number): void {
    const state = this.fds.at(fd)
    if (state === undefined || !state.owns(key)) {
      const name = `${fd} ${key}`
      this.sqes.release(this.lost.get(name))
      this.lost.delete(name)
      if ((flags & CQE_BUFFER) !== 0) this.receiving.buffers.give(this.receiving.buffers.taken(flags))
      return
    }
    const side = sideOf(key)
    if (side === RECEIVER) {
      const op = this.receiving.completed(state, result, flags)
      if (op !== null) this.complete(op)
      return
    }
    state.requests--
    if (side === READER) this.readerCompleted(state, result)
    else this.writerCompleted(state, result)
  }

  /** Whatever still runs under the number of a new socket belongs to a lost file. */
  override adopt(fd: number, datagrams: boolean): void {
    const known = this.fds.at(fd)
    if (known !== undefined && known.requests > 0) {
      this.sqes.cancelFd(known)
      this.receiving.lose(known)
      for (const side of [READER, WRITER]) this.lost.set(`${fd} ${known.key(side)}`, this.sqes.lose(known, side))
    }
    super.adopt(fd, datagrams)
  }

  /**
   * From now on nothing is received ahead on this fd. What was: how many bytes of it are in the
   * buffer now, or why there will be none; null if there was nothing.
   */
  receiveDirectly(fd: number, buffer: Uint8Array): number | null {
    const state = this.fds.at(fd)
    if (state === undefined) return null
    this.receiving.stop(state)
    while (state.receives && this.ring.failure === 0) this.reap()
    return this.receiving.take(state, new IoOp(READ, fd, buffer, 0, buffer.length, Number.POSITIVE_INFINITY))
  }

  /** Called before the OS is entered. */
  override flush(): boolean {
    this.receiving.buffers.fill()
    return super.flush()
  }

  /** The ring cannot be entered any more: what waits has failed; true if anything did. */
  fail(): boolean {
    const ops = this.fds.takeWaiting()
    lostMemory.push(this.sqes)
    for (const op of ops) {
      lostMemory.push(memoryOf(op))
      op.result = this.closed ? CLOSED : errno.EIO
      this.complete(op)
    }
    return ops.length > 0
  }

  protected override get refusal(): number {
    if (this.closed) return CLOSED
    return this.ring.failure === 0 ? 0 : errno.EIO
  }

  /** The OS refuses an fd that is none; only what is tried here has to know before. */
  protected override find(op: IoOp<unknown>): RingFd | number {
    const known = this.fds.at(op.fd)
    return known === undefined || isTried(op) ? super.find(op) : known
  }

  protected begin(state: RingFd, op: IoOp<unknown>, reads: boolean): boolean {
    const seeks = op.position < 0 ? 0 : this.libc.lseek(op.fd, 0, SEEK_CUR)
    if (seeks < 0) return finish(op, seeks)
    return reads ? this.beginReader(state, op) : this.beginWriter(state, op)
  }

  protected read(state: RingFd): boolean {
    const op = this.receiving.read(state)
    if (op !== null) this.complete(op)
    return op !== null
  }

  /**
   * What waits for the multishot receive can just be forgotten; of all others the OS must be told.
   */
  protected cancelReader(state: RingFd): boolean {
    if (state.readerWay === LISTENS) {
      state.detachReader()
      return true
    }
    state.readerLeaves = true
    this.sqes.cancel(state, READER)
    return false
  }

  protected cancelWriter(state: RingFd): boolean {
    state.writerLeaves = true
    this.sqes.cancel(state, WRITER)
    return false
  }

  protected withdraw(state: RingFd): void {
    this.sqes.cancelFd(state)
    while (state.requests > 0 && this.ring.failure === 0) this.reap()
  }

  /** Linux answers unread data with a reset. This was read here, but reached no task. */
  protected letGo(state: RingFd): void {
    if (this.receiving.drop(state))
      this.libc.setsockopt(state.fd, c.SOL_SOCKET, c.SO_LINGER, this.libc.addressOf(this.linger), 8)
  }

  /** Nothing shares memory with us any more when this returns, if the ring still answers. */
  protected withdrawAll(): void {
    this.receiving.closed = true
    this.sqes.cancelAll()
    while (this.ring.underWay > 0 && this.ring.failure === 0) this.reap()
    if (this.ring.failure !== 0) lostMemory.push(this.receiving.buffers)
    else this.receiving.buffers.forget()
  }

  private beginReader(state: RingFd, op: IoOp<unknown>): boolean {
    const { kind } = op
    if (kind === READ || kind === READABLE) {
      if (op.vector !== null && state.datagrams) return finish(op, errno.EINVAL)
      if (kind === READ && !op.lend && !isIntact(op)) return finish(op, errno.EFAULT)
      return this.receiving.submit(state, op)
    }
    if (isTried(op)) {
      if (this.attempts.attempt(state, op)) return true
      this.sqes.poll(state, READER, c.POLLIN)
    } else this.sqes.accept(state)
    return false
  }

  private beginWriter(state: RingFd, op: IoOp<unknown>): boolean {
    const { kind } = op
    if (kind === WRITE && (op.vector === null || !state.own)) {
      if (!isIntact(op)) return finish(op, errno.EFAULT)
      if (state.own) return this.beginSend(state, op)
      this.sqes.write(state, op)
    } else if (isTried(op)) {
      if (this.attempts.attempt(state, op)) return true
      this.sqes.poll(state, WRITER, c.POLLOUT)
      state.pin(this.pool.known.buffersOf(op, state.lent))
    } else if (kind === WRITABLE) this.sqes.poll(state, WRITER, c.POLLOUT)
    else if (op.address === null) return finish(op, errno.EINVAL)
    else this.sqes.connect(state, op, op.address)
    return false
  }

  /**
   * A write on a socket of our own: a request from a read buffer, or of a copy, or else tried at
   * once.
   */
  private beginSend(state: RingFd, op: IoOp<unknown>): boolean {
    const buffer = op.buffer as Uint8Array
    const ours = this.pool.known.bufferOf(buffer, state.lent)
    if (ours === null && this.sqes.sendCopy(state, op)) return false
    if ((ours === null || op.length >= LARGE_BYTES) && this.attempts.attempt(state, op)) return true
    if (ours === null) this.sqes.poll(state, WRITER, c.POLLOUT)
    else {
      op.pinnedAddress = ours.begin + buffer.byteOffset
      op.pinned = buffer
      state.pin(ours.alone)
      this.sqes.send(state, op)
    }
    return false
  }

  private readerCompleted(state: RingFd, outcome: number): void {
    const result = this.sqes.taken(state, outcome)
    const op = state.reader
    const polled = state.readerWay === POLLS
    state.readerWay = FREE
    if (op === null || !this.completions.settle(state, op, polled, result, this.closed)) return
    if (state.readerPlace !== null) this.sqes.positions.settle(op, state.readerPlace, Math.max(op.result, 0))
    this.settleReader(state, op)
  }

  private writerCompleted(state: RingFd, result: number): void {
    this.sqes.sent(state)
    const op = state.writer
    const polled = state.writerWay === POLLS
    state.writerWay = FREE
    if (op === null || !this.completions.settle(state, op, polled, result, this.closed)) return
    if (state.writerPlace !== null) this.sqes.positions.settle(op, state.writerPlace, op.moved)
    this.settleWriter(state, op)
  }
}
