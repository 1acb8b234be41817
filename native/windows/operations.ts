/**
 * Operations on sockets of Windows: what linux/uring/operations.ts is to a ring.
 *
 * Reading and writing are tried first, as everywhere. Nothing that waits has memory of a task's
 * under way in Windows: a reader waits in a receive of no bytes, which takes nothing and completes
 * when there is something; a writer waits until AFD says that there is room. Such a wait is
 * forgotten at once when it is cancelled. (A send that is cancelled in Windows leaves the stream in
 * a state that nobody knows; decision 0035.)
 *
 * Accepting and connecting are asked of Windows as wholes, AcceptEx and ConnectEx. Their completion
 * comes also after a cancel, and may say that they succeeded.
 */
import { ACCEPT, CONNECT, type IoOp, isReader, READ, READABLE, WRITABLE, WRITE } from '../../kernel/driver/contract.js'
import { EAGAIN, EBADF, EINVAL } from '../posix/errno.js'
import { Operations, type Positioned } from '../posix/operations.js'
import { finish, finishConnect } from '../posix/settle.js'
import { Afd, READ_EVENTS, WRITE_EVENTS } from './afd.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import { Establishing } from './establishing.js'
import { ACCEPTS, CONNECTS, LEVEL, READS, WinFd, WRITES } from './fd.js'
import type { Handles } from './handles.js'
import type { Windows } from './kernel32.js'
import type { Overlapped, Records, Sink } from './overlapped.js'
import type { Pipes } from './pipes.js'
import type { Port } from './port.js'
import type { Winsock } from './winsock.js'

/** The waiting ops of one driver. */
export class WinOperations extends Operations<WinFd> implements Sink {
  private readonly afd: Afd
  private readonly establishing: Establishing
  private readonly nothing = new Uint32Array(4)
  private readonly nothingAt: number
  private readonly flags = new Uint32Array(2)
  private readonly flagsAt: number

  /** @param reap takes packets in, and waits for them a little. */
  constructor(
    private readonly windows: Windows,
    private readonly winsock: Winsock,
    private readonly handles: Handles,
    private readonly records: Records,
    port: Port,
    files: Positioned,
    private readonly pipes: Pipes,
    private readonly reap: () => boolean,
  ) {
    super(winsock, files, (fd) => new WinFd(fd))
    this.afd = new Afd(windows, port)
    this.establishing = new Establishing(windows, winsock, handles)
    this.nothingAt = windows.addressOf(this.nothing)
    this.flagsAt = windows.addressOf(this.flags)
    pipes.news = (fd, reads) => this.onPipe(fd, reads)
  }

  completed(record: Overlapped, status: number): void {
    const { kind, op } = record
    const state = record.state as WinFd | null
    if (state === null) {
      if (kind === ACCEPTS) this.winsock.close(record.extra)
      return
    }
    if (record === state.readerRecord) state.readerRecord = null
    else state.writerRecord = null
    if (kind === READS) {
      state.readable = true
      state.failure = this.records.resultOf(record, status)
      if (state.reader !== null) this.readQueue.add(state)
    } else if (kind === WRITES) {
      state.writable = true
      const { writer } = state
      if (writer !== null && this.write(state, writer)) this.settleWriter(state, writer)
    } else if (op !== null) this.settle(state, op, record, status)
  }

  /** Notes that this is a file: reading and writing it is done elsewhere (files.ts). */
  adoptFile(fd: number): void {
    this.fds.of(fd).blocking = true
  }

  /** Notes that this is a pipe of our own. */
  adoptPipe(fd: number): void {
    this.adopt(fd, false)
    this.fds.of(fd).isPipe = true
  }

  closeDevice(): void {
    this.afd.close()
    this.pipes.closeDevice()
  }

  protected override find(op: IoOp<unknown>): WinFd | number {
    return this.handles.get(op.fd) === null ? EBADF : this.fds.of(op.fd)
  }

  protected begin(state: WinFd, op: IoOp<unknown>, reads: boolean): boolean {
    const { kind } = op
    if (state.isPipe) return this.beginOnPipe(state, op)
    if (kind === READABLE || kind === WRITABLE) {
      return state.own ? this.ask(state, op, reads ? READ_EVENTS : WRITE_EVENTS, LEVEL) : finish(op, 0)
    }
    if (kind === ACCEPT) return this.accept(state, op)
    if (kind === CONNECT && !state.datagrams) return this.connect(state, op)
    if (kind === CONNECT) return this.attempts.attempt(state, op)
    if (!reads) return this.write(state, op)
    if (state.readable && this.attempts.attempt(state, op)) return true
    this.waitForData(state, op)
    return false
  }

  protected read(state: WinFd): boolean {
    const { reader } = state
    if (reader === null || state.readerRecord !== null) return false
    if (state.isPipe) {
      if (!this.tryOnPipe(state, reader)) return false
    } else if (state.failure !== 0) {
      finish(reader, state.failure)
      state.failure = 0
    } else if (!this.attempts.attempt(state, reader)) {
      this.waitForData(state, reader)
      return false
    }
    this.settleReader(state, reader)
    return true
  }

  protected cancelReader(state: WinFd): boolean {
    return this.cancelSide(state, true)
  }

  protected cancelWriter(state: WinFd): boolean {
    return this.cancelSide(state, false)
  }

  protected withdraw(state: WinFd): void {
    this.forget(state.readerRecord)
    this.forget(state.writerRecord)
    state.readerRecord = state.writerRecord = null
  }

  protected letGo(): void {}

  protected withdrawAll(): void {
    for (const fd of this.handles.all()) {
      const state = this.fds.at(fd)
      if (state !== undefined) this.withdraw(state)
    }
    while (this.pipes.stop() && this.reap());
    this.pipes.giveUp()
    while (this.records.underWay > 0 && this.reap());
  }

  private beginOnPipe(state: WinFd, op: IoOp<unknown>): boolean {
    if (this.tryOnPipe(state, op)) return true
    if (op.kind === WRITE) state.pin(this.pool.known.buffersOf(op, state.lent))
    return false
  }

  /** False: there will be news of the pipe. */
  private tryOnPipe(state: WinFd, op: IoOp<unknown>): boolean {
    if (op.kind === READ || op.kind === WRITE) return this.attempts.attempt(state, op)
    const result = this.pipes.attempt(op)
    if (result === EAGAIN) return false
    if (op.kind === ACCEPT && result >= 0) this.adoptPipe(result)
    return finish(op, result)
  }

  private onPipe(fd: number, reads: boolean): void {
    const state = this.fds.at(fd)
    if (!state?.isPipe) return
    const { writer } = state
    if (!reads && writer !== null && this.tryOnPipe(state, writer)) this.settleWriter(state, writer)
    if (reads && state.reader !== null) this.readQueue.add(state)
  }

  /** True: it is complete. */
  private write(state: WinFd, op: IoOp<unknown>): boolean {
    if (state.writable && this.attempts.attempt(state, op)) return true
    while (this.isWritable(state, op)) if (this.attempts.attempt(state, op)) return true
    state.pin(this.pool.known.buffersOf(op, state.lent))
    return false
  }

  /** What is there already, or an error, is read when its turn comes: others have waited longer. */
  private waitForData(state: WinFd, op: IoOp<unknown>): void {
    const handle = this.handles.at(state.fd)
    const record = this.records.take(this, READS, state, op, handle)
    this.flags[0] = state.datagrams ? c.MSG_PEEK : 0
    const failed = this.windows.receive(handle, this.nothingAt, 1, this.flagsAt + 4, this.flagsAt, record.at, 0)
    const code = failed === 0 ? 0 : this.windows.socketError()
    if (code === c.ERROR_IO_PENDING) {
      state.readerRecord = record
      return
    }
    this.records.release(record)
    state.readable = true
    // A datagram is longer than nothing.
    if (code !== 0 && code !== c.WSAEMSGSIZE) state.failure = resultOf(code)
    this.readQueue.add(state)
  }

  /** Waits for room; true if there is some, or an error that the next attempt finds. */
  private isWritable(state: WinFd, op: IoOp<unknown>): boolean {
    const record = this.records.take(this, WRITES, state, op, this.afd.handle)
    const status = this.afd.poll(record, this.handles.at(state.fd), WRITE_EVENTS)
    if (status === c.STATUS_PENDING) {
      state.writerRecord = record
      return false
    }
    this.records.release(record)
    state.writable = true
    return true
  }

  /** READABLE, WRITABLE: only the OS knows, so it is asked each time. */
  private ask(state: WinFd, op: IoOp<unknown>, events: number, kind: number): boolean {
    const record = this.records.take(this, kind, state, op, this.afd.handle)
    const status = this.afd.poll(record, this.handles.at(state.fd), events)
    if (status === c.STATUS_PENDING) return this.waits(state, record, isReader(op.kind))
    this.records.release(record)
    return finish(op, status === 0 ? 0 : EINVAL)
  }

  private accept(state: WinFd, op: IoOp<unknown>): boolean {
    const record = this.records.take(this, ACCEPTS, state, op, this.handles.at(state.fd))
    const result = this.establishing.accept(record, state.fd)
    if (result === EAGAIN) return this.waits(state, record, true)
    const done = result < 0 ? finish(op, result) : this.accepted(op, record, state.fd, 0)
    this.records.release(record)
    return done
  }

  private connect(state: WinFd, op: IoOp<unknown>): boolean {
    if (op.address === null) return finish(op, EINVAL)
    const record = this.records.take(this, CONNECTS, state, op, this.handles.at(state.fd))
    const result = this.establishing.connect(record, state.fd, op.address)
    if (result === EAGAIN) return this.waits(state, record, false)
    this.records.release(record)
    return finishConnect(op, result)
  }

  private waits(state: WinFd, record: Overlapped, reads: boolean): false {
    if (reads) state.readerRecord = record
    else state.writerRecord = record
    return false
  }

  private settle(state: WinFd, op: IoOp<unknown>, record: Overlapped, status: number): void {
    const result = this.records.resultOf(record, status)
    if (record.kind === ACCEPTS) this.accepted(op, record, state.fd, result)
    else if (record.kind === CONNECTS) finishConnect(op, this.establishing.connected(state.fd, result))
    else finish(op, result)
    if (op === state.reader) this.settleReader(state, op)
    else this.settleWriter(state, op)
  }

  private accepted(op: IoOp<unknown>, record: Overlapped, listener: number, result: number): true {
    const fd = this.establishing.accepted(record, listener, result)
    if (fd >= 0) this.adopt(fd, false)
    return finish(op, fd)
  }

  /** What is asked as a whole completes, whatever became of it; everything else only waits. */
  private cancelSide(state: WinFd, reads: boolean): boolean {
    const record = reads ? state.readerRecord : state.writerRecord
    if (record !== null && (record.kind === ACCEPTS || record.kind === CONNECTS)) {
      this.records.cancel(record)
      return false
    }
    this.forget(record)
    if (reads) {
      state.readerRecord = null
      state.detachReader()
    } else {
      state.writerRecord = null
      state.detachWriter()
    }
    return true
  }

  private forget(record: Overlapped | null): void {
    if (record === null) return
    record.state = record.op = null
    this.records.cancel(record)
  }
}
