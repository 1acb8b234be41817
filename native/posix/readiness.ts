/**
 * Completions out of readiness: what epoll has in common with any other mechanism that only says
 * "try again now".
 *
 * The algorithm: try first; if it has to wait, register the fd once, edge-triggered, for both
 * directions, and never touch the registration again until it is closed. Events put up flags and
 * try what waits; what can be read is in a queue for that (read-queue.ts). A flag that is down
 * means that an event is certain to come, so an op can wait without a system call. In the steady
 * state a message costs its own read and its own write, nothing else.
 *
 * Cancelling is only forgetting: a waiting op has made no call that could still take effect. (Of a
 * CONNECT the socket remembers more than we do; close it.)
 */
import { CONNECT, type IoOp, READABLE, WRITABLE } from '../../kernel/driver/contract.js'
import { FdState } from './fds.js'
import type { FdCalls } from './libc.js'
import { Operations, type Positioned } from './operations.js'
import { finish } from './settle.js'

/** The mechanism underneath. */
export interface Watcher {
  /**
   * Reports edges in both directions from now on, beginning with what is there already. ≥ 0 or a
   * negative errno.
   */
  watch(fd: number, generation: number, again: boolean): number
  unwatch(fd: number): void
}

/** The waiting ops of one driver of readiness. */
export class Readiness extends Operations<FdState> {
  private readonly watcher: Watcher

  constructor(libc: FdCalls, watcher: Watcher, positioned: Positioned) {
    super(libc, positioned, (fd) => new FdState(fd))
    this.watcher = watcher
  }

  /** Something happened on an fd. Its reader comes into the queue, its writer may go on at once. */
  event(fd: number, generation: number, readable: boolean, writable: boolean, hangup: boolean): void {
    const state = this.fds.at(fd)
    // A callback earlier in the same batch may have closed the fd, and even opened another one of
    // that number.
    if (state === undefined || state.generation !== generation) return
    if (readable) state.readable = true
    if (writable) state.writable = true
    if (hangup) state.hangup = true
    const { reader, writer } = state
    if (readable && reader !== null && (state.own || !this.isBeside(reader))) this.readQueue.add(state)
    if (!writable || writer === null || (!state.own && this.isBeside(writer))) return
    if (this.attempts.attempt(state, writer)) this.settleWriter(state, writer)
  }

  /** A registration that was to come later has failed: what waits for it fails with that. */
  refused(fd: number, generation: number, result: number): void {
    const state = this.fds.at(fd)
    if (state === undefined || state.generation !== generation) return
    state.registered = false
    const { reader, writer } = state
    if (reader !== null && finish(reader, result)) this.settleReader(state, reader)
    if (writer !== null && finish(writer, result)) this.settleWriter(state, writer)
  }

  protected begin(state: FdState, op: IoOp<unknown>, reads: boolean): boolean {
    // The flags do not tell what a connect would do, nor what others have done to the fd meanwhile.
    const level = op.kind === READABLE || op.kind === WRITABLE
    const worthIt = level || op.kind === CONNECT || (reads ? state.readable : state.writable)
    if (worthIt && this.attempts.attempt(state, op)) return true
    if (!state.registered || !state.own || level) {
      // Regular files cannot be watched (EPERM), but poll(2) always calls them ready, so they never
      // come this far.
      const result = this.watcher.watch(state.fd, state.generation, state.registered)
      if (result < 0) return finish(op, result)
      state.registered = true
    }
    if (!reads) state.pin(this.pool.known.buffersOf(op, state.lent))
    return false
  }

  protected read(state: FdState): boolean {
    const { reader } = state
    if (reader === null || !this.attempts.attempt(state, reader)) return false
    this.settleReader(state, reader)
    return true
  }

  protected cancelReader(state: FdState): boolean {
    state.detachReader()
    return true
  }

  protected cancelWriter(state: FdState): boolean {
    state.detachWriter()
    return true
  }

  protected withdraw(): void {}

  /**
   * Nobody else holds our own sockets, so closing ends their registration. A foreign file may live
   * on elsewhere.
   */
  protected letGo(state: FdState): void {
    if (state.registered && !state.own) this.watcher.unwatch(state.fd)
  }

  protected withdrawAll(): void {}
}
