/**
 * A named pipe that takes connections.
 *
 * Windows has no listener for pipes: each connection is an *instance* of the pipe, made before
 * somebody comes. A few of them wait; one that has got its client is in the queue until it is
 * accepted, and another takes its place, as long as the backlog allows. With none free a client is
 * told that the pipe is busy, and waits (pipes.ts).
 */
import { Fifo } from '../../kernel/protocol/fifo.js'
import { EADDRINUSE, EAGAIN } from '../posix/errno.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import type { Windows } from './kernel32.js'
import { isError, type Overlapped, type Records, type Sink } from './overlapped.js'
import type { PipeNews } from './pipe-end.js'
import type { Port } from './port.js'

/** As many wait at a time, at most. */
const INSTANCES = 8
/** What Windows keeps of each direction before a write has to wait. */
const BUFFER_BYTES = 64 * 1024

/** What is accepted is the handle of an instance. */
export class PipeListener implements Sink {
  private readonly waiting = new Set<Overlapped>()
  private readonly connected = new Fifo<number>()
  /** Made when the name was taken, and not waiting yet. */
  private spare: number
  private backlog = 0
  /** Why there is no further instance; told once. */
  private failure = 0
  private closed = false

  private constructor(
    private readonly windows: Windows,
    private readonly records: Records,
    private readonly port: Port,
    readonly path: string,
    first: number,
    private readonly news: PipeNews,
  ) {
    this.spare = first
  }

  /** Takes the name; negative if it cannot be had. */
  static open(windows: Windows, records: Records, port: Port, path: string, news: PipeNews): PipeListener | number {
    const first = instanceOf(windows, port, path, c.FILE_FLAG_FIRST_PIPE_INSTANCE)
    return first < 0 ? first : new PipeListener(windows, records, port, path, first, news)
  }

  get isReadable(): boolean {
    return this.connected.size > 0 || this.failure !== 0
  }

  listen(backlog: number): number {
    this.backlog = Math.max(1, backlog)
    this.fill()
    return 0
  }

  get listens(): boolean {
    return this.backlog > 0
  }

  /** The handle of a connection, or a negative result. */
  accept(): number {
    // No packet tells of an instance that had its client before anybody waited for one.
    if (this.connected.size === 0) this.fill()
    if (this.connected.size > 0) {
      const handle = this.connected.take()
      this.fill()
      return handle
    }
    const { failure } = this
    this.failure = 0
    return failure !== 0 ? failure : EAGAIN
  }

  completed(record: Overlapped, status: number): void {
    this.waiting.delete(record)
    if (this.closed) return
    if (isError(status)) {
      this.failure = resultOf(this.records.codeOf(record))
      this.windows.closeHandle(record.handle)
    } else {
      this.connected.add(record.handle)
      this.fill()
    }
    this.news(true)
  }

  /** Who waits to be accepted is sent away. */
  close(): void {
    this.closed = true
    this.stop()
    const handles = [this.spare, ...[...this.waiting].map(({ handle }) => handle)]
    while (this.connected.size > 0) handles.push(this.connected.take())
    for (const handle of handles) if (handle >= 0) this.windows.closeHandle(handle)
  }

  /** Nobody can connect any more. */
  stop(): void {
    for (const record of this.waiting) this.records.cancel(record)
  }

  private fill(): void {
    while (
      this.failure === 0 &&
      this.waiting.size < INSTANCES &&
      this.waiting.size + this.connected.size < this.backlog
    ) {
      const handle = this.spare >= 0 ? this.spare : instanceOf(this.windows, this.port, this.path, 0)
      this.spare = -1
      if (handle < 0) this.failure = handle
      else this.wait(handle)
    }
  }

  /** Its packet comes, unless somebody has been quicker, or has gone again already. */
  private wait(handle: number): void {
    const record = this.records.take(this, 0, null, null, handle)
    const done = this.windows.connectPipe(handle, record.at)
    const code = done === 0 ? this.windows.lastError() : 0
    if (code === 0 || code === c.ERROR_IO_PENDING) {
      this.waiting.add(record)
      return
    }
    this.records.release(record)
    if (code === c.ERROR_PIPE_CONNECTED || code === c.ERROR_NO_DATA) {
      this.connected.add(handle)
      return
    }
    this.failure = resultOf(code)
    this.windows.closeHandle(handle)
  }
}

/** A new instance of the pipe, for clients of this machine; or a negative result. */
function instanceOf(windows: Windows, port: Port, path: string, flags: number): number {
  const mode = c.PIPE_ACCESS_DUPLEX + c.FILE_FLAG_OVERLAPPED + flags
  const most = c.PIPE_UNLIMITED_INSTANCES
  const handle = windows.makePipe(path, mode, c.PIPE_REJECT_REMOTE_CLIENTS, most, BUFFER_BYTES, BUFFER_BYTES, 0, 0)
  if (handle === c.INVALID_HANDLE) {
    const code = windows.lastError()
    return flags !== 0 && (code === c.ERROR_ACCESS_DENIED || code === c.ERROR_PIPE_BUSY) ? EADDRINUSE : resultOf(code)
  }
  const result = port.associate(handle)
  if (result < 0) windows.closeHandle(handle)
  return result < 0 ? result : handle
}
