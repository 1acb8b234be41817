/**
 * Operations on an io_uring: what readiness.ts is to epoll.
 *
 * Most ops are one request each, written when they are submitted and taken to the system with all others at the next
 * `enter`. Receiving on our own sockets is different (receiving.ts), and so are files (file-requests.ts).
 *
 * A request holds its file: a socket closed under it would stay open, and a listener keep its port. So `closeFd` first
 * takes back all requests of the fd and waits for their answers.
 */
import {
  ACCEPT,
  BUSY,
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
import { BufferPool } from '../../memory/pool.js'
import { Attempts } from '../../posix/attempt.js'
import * as errno from '../../posix/errno.js'
import { FdTable, isFd, LARGE_BYTES } from '../../posix/fds.js'
import { ReadQueue } from '../../posix/read-queue.js'
import * as c from '../constants.js'
import { isFileOp } from '../files.js'
import type { Libc } from '../libc.js'
import type { Openings } from '../openings.js'
import { READER, RECEIVER, RingFd, WRITER, whoseKey } from './fd.js'
import { FILE, FileRequests } from './files.js'
import { Receiving } from './receive.js'
import { CQE_BUFFER, type Ring } from './ring.js'
import { type LostMemory, memoryOf, Requests } from './sqe.js'

/** What a ring that has failed may still write to: no answer will ever tell that it does not. */
const lostMemory: unknown[] = []

/** The ops of one ring. */
export class Operations {
  /** Those who can be read. */
  readonly readQueue = new ReadQueue<RingFd>((state) => this.read(state))
  private readonly fds: FdTable<RingFd>
  private readonly libc: Libc
  private readonly ring: Ring
  private readonly pool: BufferPool
  private readonly receiving: Receiving
  private readonly requests: Requests
  private readonly attempts: Attempts
  private readonly files: FileRequests
  private complete: (op: IoOp<unknown>) => void = () => {}
  private closed = false
  /** Memory of requests whose fd was lost to another use of its number; by fd and key. */
  private readonly lost = new Map<string, LostMemory>()
  /** struct linger: on, no seconds. */
  private readonly linger = new Int32Array([1, 0])

  constructor(libc: Libc, ring: Ring, openings: Openings) {
    this.pool = new BufferPool(libc.addressOf)
    this.libc = libc
    this.ring = ring
    this.fds = new FdTable(libc, (fd) => new RingFd(fd))
    this.attempts = new Attempts(libc, this.fds, this.pool)
    this.requests = new Requests(libc, ring, this.pool)
    this.receiving = new Receiving(libc, ring.fd, this.pool.known, this.requests, this.attempts, this.readQueue)
    this.files = new FileRequests(libc, ring, openings)
  }

  start(complete: (op: IoOp<unknown>) => void): void {
    this.complete = complete
  }

  submit(op: IoOp<unknown>): boolean {
    op.lender?.release(op)
    if (op.lend) op.buffer = op.pinned = null
    if (this.closed || this.ring.failure !== 0) return finish(op, this.closed ? CLOSED : errno.EIO)
    if (isFileOp(op)) return this.files.submit(op)
    const known = this.fds.at(op.fd)
    const state = known === undefined || isTried(op) ? this.fds.find(op.fd) : known
    if (typeof state === 'number') return finish(op, state)
    if (state.closing) return finish(op, CLOSED)
    if ((isReader(op.kind) ? state.reader : state.writer) !== null) return finish(op, BUSY)
    op.moved = 0
    return isReader(op.kind) ? this.submitReader(state, op) : this.submitWriter(state, op)
  }

  /** A read that waits for the multishot receive can just be forgotten; of all others the system must be told. */
  cancel(op: IoOp<unknown>): boolean {
    if (isFileOp(op)) return this.files.cancel(op)
    const state = this.fds.at(op.fd)
    if (state?.reader === op) {
      if (state.readerListens) {
        state.reader = null
        state.readerListens = false
        return true
      }
      state.readerLeaves = true
      this.requests.takeBack(state, READER)
    } else if (state?.writer === op) {
      state.writerLeaves = true
      this.requests.takeBack(state, WRITER)
    }
    return false
  }

  /** An answer of the system's. */
  answer(fd: number, key: number, result: number, flags: number): void {
    if (key === FILE) {
      this.fileAnswer(fd, result)
      return
    }
    const state = this.fds.at(fd)
    if (state === undefined || !state.owns(key)) {
      const name = `${fd} ${key}`
      this.requests.release(this.lost.get(name))
      this.lost.delete(name)
      if ((flags & CQE_BUFFER) !== 0) this.receiving.buffers.give(this.receiving.buffers.taken(flags))
      return
    }
    const who = whoseKey(key)
    if (who === RECEIVER) {
      const op = this.receiving.answer(state, result, flags)
      if (op !== null) this.complete(op)
      return
    }
    state.requests--
    if (who === READER) this.readerAnswer(state, result)
    else this.writerAnswer(state, result)
  }

  /** The alarm of the openings went off. */
  look(): void {
    if (this.closed) return
    for (const op of this.files.look()) this.complete(op)
  }

  /** Notes that this fd is a new socket of our own. Whatever still runs under its number belongs to a lost file. */
  adopt(fd: number, datagrams: boolean): void {
    const known = this.fds.at(fd)
    if (known !== undefined && known.requests > 0) {
      this.requests.takeFdBack(known)
      this.receiving.lose(known)
      for (const who of [READER, WRITER]) this.lost.set(`${fd} ${known.key(who)}`, this.requests.lose(known, who))
    }
    this.fds.adopt(fd, datagrams)
  }

  /** Every fd of our own that is open. */
  own(): readonly number[] {
    return this.fds.own()
  }

  /** Before the system is entered: hands over what was left behind by fds that others closed; true if there was any. */
  flush(): boolean {
    this.receiving.buffers.fill()
    if (this.fds.orphans.length === 0) return false
    this.abandon(this.fds.orphans.splice(0))
    return true
  }

  /** `reap` takes in answers, at least one. */
  closeFd(fd: number, reap: () => void): number {
    if (!isFd(fd)) return errno.EBADF
    const state = this.fds.at(fd)
    if (state !== undefined) {
      if (state.closing) return 0
      state.closing = true
      this.requests.takeFdBack(state)
      while (state.requests > 0 && this.ring.failure === 0) reap()
      const { reader, writer } = state
      state.reader = state.writer = null
      if (reader !== null) this.abandon([reader])
      if (writer !== null) this.abandon([writer])
      // Linux answers data that nobody read with a reset; it was read here, but not by anybody who wanted it.
      if (this.receiving.drop(state))
        this.libc.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, this.libc.addressOf(this.linger), 8)
      state.reset()
    }
    const result = this.libc.close(fd)
    // Linux has let go of the fd even then; a second close could hit somebody else's.
    return result === errno.EINTR ? 0 : result
  }

  /** Takes back everything, until nothing shares memory with us any more. */
  close(reap: () => void): void {
    if (this.closed) return
    this.closed = this.receiving.closed = true
    this.requests.takeAllBack()
    while (this.ring.underWay > 0 && this.ring.failure === 0) reap()
    this.abandon([...this.fds.takeWaiting(), ...this.files.close()])
    this.complete = () => {}
    this.fds.forget()
    this.pool.forget()
    if (this.ring.failure !== 0) lostMemory.push(this.receiving.buffers)
    else this.receiving.buffers.forget()
  }

  /** The ring cannot be entered any more: what waits has failed; true if anything did. */
  fail(): boolean {
    const ops = [...this.fds.takeWaiting(), ...this.files.close(lostMemory)]
    lostMemory.push(this.requests)
    for (const op of ops) {
      lostMemory.push(memoryOf(op))
      op.result = this.closed ? CLOSED : errno.EIO
      this.complete(op)
    }
    return ops.length > 0
  }

  private read(state: RingFd): boolean {
    const op = this.receiving.read(state)
    if (op !== null) this.complete(op)
    return op !== null
  }

  private submitReader(state: RingFd, op: IoOp<unknown>): boolean {
    const { kind } = op
    if (kind === READ || kind === READABLE) {
      if (kind === READ && op.length === 0) return finish(op, 0)
      if (op.vector !== null && state.datagrams) return finish(op, errno.EINVAL)
      if (kind === READ && !op.lend && !isIntact(op)) return finish(op, errno.EFAULT)
      if (this.receiving.submit(state, op)) return true
    } else if (isTried(op)) {
      if (this.attempts.attempt(state, op)) return true
      this.requests.poll(state, READER, c.POLLIN)
    } else this.requests.accept(state)
    state.reader = op
    return false
  }

  private submitWriter(state: RingFd, op: IoOp<unknown>): boolean {
    const { kind } = op
    if (kind === WRITE && op.length === 0) return finish(op, 0)
    if (kind === WRITE && (op.vector === null || !state.own)) {
      if (!isIntact(op)) return finish(op, errno.EFAULT)
      if (!state.own) this.requests.write(state, op)
      else if (this.submitSend(state, op)) return true
    } else if (isTried(op)) {
      if (this.attempts.attempt(state, op)) return true
      this.requests.poll(state, WRITER, c.POLLOUT)
      state.pin(this.pool.known.buffersOf(op, state.lent))
    } else if (kind === WRITABLE) this.requests.poll(state, WRITER, c.POLLOUT)
    else if (op.address === null) return finish(op, errno.EINVAL)
    else this.requests.connect(state, op, op.address)
    state.writer = op
    return false
  }

  /** A write on a socket of our own: a request from a read buffer, or of a copy, or else tried at once. */
  private submitSend(state: RingFd, op: IoOp<unknown>): boolean {
    const buffer = op.buffer as Uint8Array
    const ours = this.pool.known.bufferOf(buffer, state.lent)
    if (ours === null && this.requests.sendCopy(state, op)) return false
    if ((ours === null || op.length >= LARGE_BYTES) && this.attempts.attempt(state, op)) return true
    if (ours === null) this.requests.poll(state, WRITER, c.POLLOUT)
    else {
      op.pinnedAddress = ours.begin + buffer.byteOffset
      op.pinned = buffer
      state.pin(ours.alone)
      this.requests.send(state, op)
    }
    return false
  }

  private fileAnswer(number: number, result: number): void {
    const op = this.files.answer(number, result, this.closed)
    if (op !== null) this.complete(op)
  }

  private readerAnswer(state: RingFd, answer: number): void {
    const result = this.requests.taken(state, answer)
    const op = state.reader
    const polled = state.readerPolls
    state.readerPolls = false
    if (op === null || !this.settle(state, op, polled, result)) return
    if (state.readerPlace !== null) this.requests.positions.settle(op, state.readerPlace, Math.max(op.result, 0))
    state.reader = state.readerPlace = null
    state.readerLeaves = false
    this.complete(op)
  }

  private writerAnswer(state: RingFd, result: number): void {
    this.requests.sent(state)
    const op = state.writer
    const polled = state.writerPolls
    state.writerPolls = false
    if (op === null || !this.settle(state, op, polled, result)) return
    if (state.writerPlace !== null) this.requests.positions.settle(op, state.writerPlace, op.moved)
    state.writer = state.writerPlace = null
    state.writerLeaves = false
    state.unpin()
    this.complete(op)
  }

  /** What an answer means for its op. False: it is not complete, and has another request under way. */
  private settle(state: RingFd, op: IoOp<unknown>, polled: boolean, result: number): boolean {
    const leaving = leaves(state, op)
    if (result === errno.ECANCELED && !leaving) return finish(op, CLOSED)
    if (result === errno.ECANCELED || (leaving && c.isInterrupted(result))) return withdraw(op)
    if (state.closing || this.closed) {
      if (op.kind === ACCEPT && result >= 0) this.libc.close(result)
      if (op.kind === WRITE && result > 0 && !polled) op.moved += result
      return finish(op, CLOSED)
    }
    if (polled) return result < 0 ? finish(op, result) : this.ready(state, op)
    if (op.kind === CONNECT) {
      op.pinned = null
      return finish(op, result === errno.EISCONN ? 0 : result)
    }
    if (c.isInterrupted(result)) return this.again(state, op)
    if (result === errno.EAGAIN) return this.whenReady(state, op)
    if (op.kind === ACCEPT) {
      if (result >= 0) this.adopt(result, false)
      return finish(op, result)
    }
    if (op.kind === READ) {
      if (result <= 0) op.lender?.release(op)
      else if (op.lend) state.lent = this.pool.fit(op, result)
      return finish(op, result)
    }
    if (result < 0) return finish(op, result)
    // Nothing, and no reason why: to ask again would be for ever.
    if (result === 0) return finish(op, errno.EIO)
    op.moved += result
    if (!op.all || op.moved === op.length) return finish(op, op.moved)
    return this.again(state, op)
  }

  /** A poll said that it is worth trying. It may have been said a while ago, and others may use the fd as well. */
  private ready(state: RingFd, op: IoOp<unknown>): boolean {
    const tried = state.own || isTried(op) || op.kind === READABLE || op.kind === WRITABLE
    return tried ? this.attempts.attempt(state, op) || this.whenReady(state, op) : this.again(state, op)
  }

  /** Makes the same request again; not for an op that is leaving, whose cancel has been spent on the last one. */
  private again(state: RingFd, op: IoOp<unknown>): boolean {
    if (leaves(state, op)) return withdraw(op)
    if (op.kind === WRITE && state.own) {
      if (!state.writesOurs || op.vector !== null) return this.attempts.attempt(state, op) || this.whenReady(state, op)
      this.requests.send(state, op)
    } else if (op.kind === WRITE) {
      if (!isIntact(op)) return finish(op, errno.EFAULT)
      this.requests.write(state, op)
    } else if (op.kind === READ) this.requests.read(state, op)
    else this.requests.accept(state)
    return false
  }

  /** A non-blocking file of others', or a datagram: the system does not wait for those, so we ask when to try again. */
  private whenReady(state: RingFd, op: IoOp<unknown>): boolean {
    if (leaves(state, op)) return withdraw(op)
    if (isReader(op.kind)) this.requests.poll(state, READER, c.POLLIN)
    else this.requests.poll(state, WRITER, c.POLLOUT)
    return false
  }

  private abandon(ops: readonly IoOp<unknown>[]): void {
    for (const op of ops) {
      op.result = CLOSED
      this.complete(op)
    }
  }
}

/**
 * Datagrams, and several pieces on our own sockets, are tried at once, as under epoll, and the ring only says when to try again: what
 * they need beside their bytes (addresses, lists) is shared memory of ours, which a request would have to own.
 */
function isTried(op: IoOp<unknown>): boolean {
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

function finish(op: IoOp<unknown>, result: number): true {
  op.result = result
  return true
}
