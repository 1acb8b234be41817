/**
 * Operations on descriptors: what every driver of a POSIX system does with them, however they wait.
 *
 * An fd has one reader and one writer. An op is refused, or it begins and may be complete at once,
 * or else it waits on its side of the fd until it is settled, withdrawn or closed. How it begins,
 * what withdraws it and what has to be told to the OS before its fd is closed is for the subclass
 * to say: readiness.ts for mechanisms that say "try again now", linux/uring/operations.ts for the
 * ring.
 *
 * An op that waits nowhere any more has been handed over or is about to be, so `cancel` says false.
 */
import { BUSY, CLOSED, type IoOp, isIntact, isReader, READ, WRITE } from '../../kernel/driver/contract.js'
import { BufferPool } from '../memory/pool.js'
import { Attempts } from './attempt.js'
import { EBADF, EINTR, ESPIPE } from './errno.js'
import { type FdState, FdTable, isFd } from './fds.js'
import type { FdCalls } from './libc.js'
import { ReadQueue } from './read-queue.js'
import { finish } from './settle.js'

/** As much of a file is read at once; it takes a tenth of a millisecond. */
const MOST_CACHED_BYTES = 256 * 1024

/**
 * Reads and writes of files, which are always ready: how a platform keeps them from taking the
 * thread.
 */
export interface Positioned {
  /**
   * True if it is complete. False: `finish` is called from a later poll, when it is. Null: it is
   * not for there.
   */
  submit(op: IoOp<unknown>, finish: () => void): boolean | null
  has(op: IoOp<unknown>): boolean
  /** True if it will not finish. */
  withdraw(op: IoOp<unknown>): boolean
  /** It will not finish, whatever becomes of it. */
  disown(op: IoOp<unknown>): void
}

/** The waiting ops of one driver. */
export abstract class Operations<S extends FdState> {
  readonly fds: FdTable<S>
  /** Fds that can be read. */
  readonly readQueue: ReadQueue<S>
  protected readonly libc: FdCalls
  protected readonly positioned: Positioned | null
  protected readonly pool: BufferPool
  protected readonly attempts: Attempts
  protected complete: (op: IoOp<unknown>) => void = () => {}
  protected closed = false

  constructor(libc: FdCalls, positioned: Positioned | null, make: (fd: number) => S) {
    this.libc = libc
    this.positioned = positioned
    this.fds = new FdTable(libc, make)
    this.readQueue = new ReadQueue<S>((state) => this.read(state))
    this.pool = new BufferPool(libc.addressOf)
    this.attempts = new Attempts(libc, this.fds, this.pool)
  }

  /**
   * Begins an op that nothing speaks against. True: it is complete; false: it waits from now on.
   */
  protected abstract begin(state: S, op: IoOp<unknown>, reads: boolean): boolean
  /** Its turn in the read queue has come; true if that completed the reader. */
  protected abstract read(state: S): boolean
  /** True: the side is free at once. False: the op's completion will come. */
  protected abstract cancelReader(state: S): boolean
  protected abstract cancelWriter(state: S): boolean
  /**
   * The fd is going to be closed: nothing of the OS's may be under way for it when this returns.
   */
  protected abstract withdraw(state: S): void
  /** The fd is closed now. */
  protected abstract letGo(state: S): void
  /** All is going to be closed: nothing may be under way when this returns. */
  protected abstract withdrawAll(): void

  start(complete: (op: IoOp<unknown>) => void): void {
    this.complete = complete
  }

  submit(op: IoOp<unknown>): boolean {
    op.lender?.release(op)
    if (op.lend) op.buffer = op.pinned = null
    const refusal = this.refusal
    if (refusal !== 0) return finish(op, refusal)
    const state = this.find(op)
    if (typeof state === 'number') return finish(op, state)
    if (state.closing) return finish(op, CLOSED)
    const reads = isReader(op.kind)
    if ((reads ? state.reader : state.writer) !== null) return finish(op, BUSY)
    op.moved = 0
    if (op.length === 0 && (op.kind === READ || op.kind === WRITE)) return finish(op, 0)
    if (op.position >= 0 && state.own) return finish(op, ESPIPE)
    if (op.position >= 0 && op.kind === READ && this.readCached(op)) return true
    if (this.submitBeside(state, op, reads) ?? this.begin(state, op, reads)) return true
    if (reads) state.reader = op
    else state.writer = op
    return false
  }

  cancel(op: IoOp<unknown>): boolean {
    if (this.isBeside(op) && !this.positioned?.withdraw(op)) return false
    const state = this.fds.at(op.fd)
    if (state?.reader === op) return this.cancelReader(state)
    return state?.writer === op && this.cancelWriter(state)
  }

  /** Notes that this fd is a new non-blocking socket of our own. */
  adopt(fd: number, datagrams: boolean): void {
    this.fds.adopt(fd, datagrams)
  }

  /** Hands over what was left behind by fds that others closed; true if there was any. */
  flush(): boolean {
    if (this.fds.orphans.length === 0) return false
    this.abandon(this.fds.orphans.splice(0))
    return true
  }

  closeFd(fd: number): number {
    if (!isFd(fd)) return EBADF
    const state = this.fds.at(fd)
    if (state !== undefined) {
      if (state.closing) return 0
      state.closing = true
      this.withdraw(state)
      const { reader, writer } = state
      state.reader = state.writer = null
      if (reader !== null) this.abandon([reader])
      if (writer !== null) this.abandon([writer])
      this.letGo(state)
      state.reset()
    }
    const result = this.libc.close(fd)
    // The fd is gone even then; a second close could hit one of somebody else's.
    return result === EINTR ? 0 : result
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.withdrawAll()
    this.abandon(this.fds.takeWaiting())
    this.complete = () => {}
    this.fds.forget()
    this.pool.forget()
  }

  /** Why nothing is taken any more; 0 as long as it is. */
  protected get refusal(): number {
    return this.closed ? CLOSED : 0
  }

  /** The state of an op's fd, or a negative errno. */
  protected find(op: IoOp<unknown>): S | number {
    return this.fds.find(op.fd)
  }

  /** The reader is complete. */
  protected settleReader(state: S, reader: IoOp<unknown>): void {
    state.detachReader()
    this.complete(reader)
  }

  /** The writer is complete. */
  protected settleWriter(state: S, writer: IoOp<unknown>): void {
    state.detachWriter()
    this.complete(writer)
  }

  /** Is it done on another thread? Never on a socket of our own. */
  protected isBeside(op: IoOp<unknown>): boolean {
    return this.positioned?.has(op) ?? false
  }

  private submitBeside(state: S, op: IoOp<unknown>, reads: boolean): boolean | null {
    if (this.positioned === null || !isBytes(op) || (op.position < 0 && !state.blocking)) return null
    return this.positioned.submit(op, () => {
      if (reads) this.settleReader(state, op)
      else this.settleWriter(state, op)
    })
  }

  /** What of a file the system has in memory takes no disk, and is read at once. */
  private readCached(op: IoOp<unknown>): boolean {
    const { buffer, fd, length, offset, position } = op
    if (this.libc.readCached === undefined || buffer === null || op.vector !== null || !isIntact(op)) return false
    const at = this.pool.known.addressOf(buffer, null) + offset
    const result = this.libc.readCached(fd, at, Math.min(length, MOST_CACHED_BYTES), position)
    // Not there, or another error: whoever reads it otherwise will say.
    return result >= 0 && finish(op, result)
  }

  private abandon(ops: readonly IoOp<unknown>[]): void {
    for (const op of ops) {
      if (this.isBeside(op)) this.positioned?.disown(op)
      op.result = CLOSED
      this.complete(op)
    }
  }
}

function isBytes({ kind }: IoOp<unknown>): boolean {
  return kind === READ || kind === WRITE
}
