/**
 * Completions out of readiness: what epoll has in common with any other mechanism that only says "try again now".
 *
 * The algorithm: try first; if it has to wait, register the fd once, edge-triggered, for both directions, and never touch
 * the registration again until it is closed. Events put up flags and try what waits; readers stand in line for that (line.ts).
 * A flag that is down means that an event is certain to come, so an op can wait without a system call. In the steady state a
 * message costs its own read and its own write, nothing else.
 *
 * Cancelling is only forgetting: a waiting op has made no call that could still take effect. (Of a CONNECT the socket
 * remembers more than we do; close it.) An op that is not found any more has been handed over or is about to be, so
 * `cancel` says false.
 */
import {
  BUSY,
  CLOSED,
  CONNECT,
  type IoOp,
  isReader,
  READ,
  READABLE,
  WRITABLE,
  WRITE,
} from '../../kernel/driver/contract.js'
import { BufferPool } from '../memory/pool.js'
import { Attempts } from './attempt.js'
import { EBADF, EINTR } from './errno.js'
import { FdState, FdTable, isFd } from './fds.js'
import type { Libc } from './libc.js'
import { ReadQueue } from './read-queue.js'

/** What a platform does about files; they take no side of an fd. */
export interface Files {
  isFileOp(op: IoOp<unknown>): boolean
  submit(op: IoOp<unknown>): boolean
  cancel(op: IoOp<unknown>): boolean
  /** Its alarm went off: the ops that are complete. */
  look(): IoOp<unknown>[]
  /** Lets go of everything; those that waited. */
  close(): IoOp<unknown>[]
}

/** The mechanism underneath. */
export interface Watcher {
  /** Reports edges in both directions from now on, beginning with what is there already. ≥ 0 or a negative errno. */
  watch(fd: number, generation: number, again: boolean): number
  unwatch(fd: number): void
}

/** The waiting ops of one driver. */
export class Readiness {
  readonly fds: FdTable
  /** Those who can be read. */
  readonly readQueue = new ReadQueue<FdState>((state) => this.read(state))
  private readonly libc: Libc
  private readonly watcher: Watcher
  private readonly files: Files
  private readonly attempts: Attempts
  private complete: (op: IoOp<unknown>) => void = () => {}
  private closed = false

  constructor(libc: Libc, watcher: Watcher, files: Files) {
    this.libc = libc
    this.watcher = watcher
    this.files = files
    this.fds = new FdTable(libc, (fd) => new FdState(fd))
    this.attempts = new Attempts(libc, this.fds, new BufferPool(libc.addressOf))
  }

  start(complete: (op: IoOp<unknown>) => void): void {
    this.complete = complete
  }

  submit(op: IoOp<unknown>): boolean {
    if (!this.closed && this.files.isFileOp(op)) return this.files.submit(op)
    op.lender?.release(op)
    if (op.lend) op.buffer = op.pinned = null
    const state = this.closed ? CLOSED : this.fds.find(op.fd)
    const refusal = typeof state === 'number' ? state : refuse(state, op)
    if (typeof state === 'number' || refusal !== 0) {
      op.result = refusal
      return true
    }
    op.moved = 0
    if (op.length === 0 && (op.kind === READ || op.kind === WRITE)) {
      op.result = 0
      return true
    }
    const reads = isReader(op.kind)
    // The flags do not tell what a connect would do, nor what others have done to the fd meanwhile.
    const level = op.kind === READABLE || op.kind === WRITABLE
    const worthIt = level || op.kind === CONNECT || (reads ? state.readable : state.writable)
    if (worthIt && this.attempts.attempt(state, op)) return true
    if (!state.registered || !state.own || level) {
      // Regular files cannot be watched (EPERM), but poll(2) always calls them ready, so they never come this far.
      const result = this.watcher.watch(state.fd, state.generation, state.registered)
      if (result < 0) {
        op.result = result
        return true
      }
      state.registered = true
    }
    if (reads) state.reader = op
    else {
      state.writer = op
      state.pin(this.attempts.pool.known.buffersOf(op, state.lent))
    }
    return false
  }

  cancel(op: IoOp<unknown>): boolean {
    if (this.files.isFileOp(op)) return this.files.cancel(op)
    const state = this.fds.at(op.fd)
    if (state?.reader === op) state.reader = null
    else if (state?.writer === op) {
      state.writer = null
      state.unpin()
    } else return false
    return true
  }

  /** Something happened on an fd. Its reader comes into the line, its writer may go on at once. */
  event(fd: number, generation: number, readable: boolean, writable: boolean, hangup: boolean): void {
    const state = this.fds.at(fd)
    // A callback earlier in the same batch may have closed the fd, and even opened another one of that number.
    if (state === undefined || state.generation !== generation) return
    if (readable) state.readable = true
    if (writable) state.writable = true
    if (hangup) state.hangup = true
    if (readable && state.reader !== null) this.readQueue.add(state)
    const writer = state.writer
    if (!writable || writer === null || !this.attempts.attempt(state, writer)) return
    state.writer = null
    state.unpin()
    this.complete(writer)
  }

  /** The alarm of the files went off. */
  look(): void {
    for (const op of this.files.look()) this.complete(op)
  }

  /** Hands over what was left behind by fds that others closed; true if there was any. */
  flush(): boolean {
    if (this.fds.orphans.length === 0) return false
    this.finish(this.fds.orphans.splice(0))
    return true
  }

  closeFd(fd: number): number {
    if (!isFd(fd)) return EBADF
    const state = this.fds.at(fd)
    if (state !== undefined) {
      if (state.closing) return 0
      state.closing = true
      const { reader, writer } = state
      state.reader = state.writer = null
      if (reader !== null) this.finish([reader])
      if (writer !== null) this.finish([writer])
      // Nobody else holds our own sockets, so closing ends their registration. A foreign file may live on elsewhere.
      if (state.registered && !state.own) this.watcher.unwatch(fd)
      state.reset()
    }
    const result = this.libc.close(fd)
    // Linux has let go of the fd even then; a second close could hit somebody else's.
    return result === EINTR ? 0 : result
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.finish([...this.fds.takeWaiting(), ...this.files.close()])
    this.complete = () => {}
    this.fds.forget()
    this.attempts.pool.forget()
  }

  private read(state: FdState): boolean {
    const { reader } = state
    if (reader === null || !this.attempts.attempt(state, reader)) return false
    state.reader = null
    this.complete(reader)
    return true
  }

  private finish(ops: readonly IoOp<unknown>[]): void {
    for (const op of ops) {
      op.result = CLOSED
      this.complete(op)
    }
  }
}

/** Why this op cannot even be tried; 0 if it can. */
function refuse(state: FdState, op: IoOp<unknown>): number {
  if (state.closing) return CLOSED
  return (isReader(op.kind) ? state.reader : state.writer) === null ? 0 : BUSY
}
