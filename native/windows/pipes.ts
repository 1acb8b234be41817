/**
 * Named pipes: sockets of one machine, as Windows has had them from the beginning.
 *
 * To those above a pipe is a descriptor like a socket: it is bound and listens, or is connected,
 * and its calls say EAGAIN where they would wait. What Windows knows of it is an instance for each
 * connection (pipe-listener.ts), reads and writes that are under way (pipe-end.ts), and clients
 * that wait for an instance (pipe-waits.ts). Here are their descriptors.
 */
import {
  ACCEPT,
  type Address,
  CONNECT,
  type IoOp,
  READABLE,
  UNSUPPORTED,
  WRITABLE,
} from '../../kernel/driver/contract.js'
import * as errno from '../posix/errno.js'
import * as c from './constants.js'
import { resultOf } from './errors.js'
import { type Handles, Opened } from './handles.js'
import type { Windows } from './kernel32.js'
import type { Records } from './overlapped.js'
import { type ByteCalls, NOT_CONNECTED, PipeEnd } from './pipe-end.js'
import { PipeListener } from './pipe-listener.js'
import { PipeWaits } from './pipe-waits.js'
import type { Port } from './port.js'
import type { Winsock } from './winsock.js'

/** A pipe of this machine: to open one of another would take the thread. */
const LOCAL_PIPE = /^\\\\[.?]\\pipe\\(.+)$/is
/** What is no pipe, and becomes readable once. */
export interface Source {
  readonly isReadable: boolean
  close(): void
}

/** What a descriptor is. */
interface Place {
  pipe: PipeEnd | PipeListener | Source | null
  local: string
  remote: string
}

/** The pipes of one driver. */
export class Pipes {
  /** Tells which descriptor's call may find something now. */
  news: (fd: number, reads: boolean) => void = () => {}
  private readonly places = new Map<number, Place>()
  /** Connections whose handle is open: those of descriptors, and those whose last piece lingers. */
  private readonly ends = new Set<PipeEnd>()
  private readonly waits: PipeWaits
  constructor(
    private readonly windows: Windows,
    private readonly handles: Handles,
    private readonly records: Records,
    private readonly port: Port,
  ) {
    this.waits = new PipeWaits(windows, records, port, (fd) => this.news(fd, false))
  }

  /** The descriptor of a pipe that is not bound or connected yet. */
  open(): number {
    return this.add({ pipe: null, local: '', remote: '' })
  }

  /** The descriptor of an end that is connected, and completes to the port. */
  adoptEnd(handle: number): number {
    return this.add({ pipe: null, local: '', remote: '' }, handle)
  }

  /**
   * The descriptor of something else that is waited for until it is readable.
   *
   * @param begin is given what tells that it is.
   */
  adoptSource(source: Source, begin: (news: () => void) => void): number {
    const fd = this.add({ pipe: source, local: '', remote: '' })
    begin(() => this.news(fd, true))
    return fd
  }

  has(fd: number): boolean {
    return this.places.has(fd)
  }

  /** Null if it is no pipe. */
  bytesOf(fd: number): ByteCalls | null {
    const place = this.places.get(fd)
    if (place === undefined) return null
    return place.pipe instanceof PipeEnd ? place.pipe : NOT_CONNECTED
  }

  bind(fd: number, address: Address): number {
    const place = this.places.get(fd)
    if (place === undefined || place.pipe !== null) return errno.EINVAL
    if (address.family !== 'unix') return errno.EAFNOSUPPORT
    if (!LOCAL_PIPE.test(address.path)) return errno.EINVAL
    const { windows, records, port } = this
    const listener = PipeListener.open(windows, records, port, address.path, (reads) => this.news(fd, reads))
    if (typeof listener === 'number') return listener
    place.pipe = listener
    place.local = address.path
    return 0
  }

  listen(fd: number, backlog: number): number {
    const pipe = this.places.get(fd)?.pipe
    return pipe instanceof PipeListener ? pipe.listen(backlog) : errno.EINVAL
  }

  /** What an op comes to that moves no bytes. EAGAIN: there will be news. */
  attempt({ kind, fd, address }: IoOp<unknown>): number {
    if (kind === ACCEPT) return this.accept(fd)
    if (kind === CONNECT) return address === null ? errno.EINVAL : this.connect(fd, address)
    if (kind === READABLE || kind === WRITABLE) return this.isReady(fd, kind === READABLE) ? 0 : errno.EAGAIN
    return errno.ENOTSOCK
  }

  /** The descriptor of a connection, or a negative result. */
  private accept(fd: number): number {
    const place = this.places.get(fd)
    if (!(place?.pipe instanceof PipeListener) || !place.pipe.listens) return errno.EINVAL
    const handle = place.pipe.accept()
    if (handle < 0) return handle
    const made: Place = { pipe: null, local: place.local, remote: '' }
    return this.add(made, handle)
  }

  /** 0: connected. EAGAIN: the pipe is busy; there will be news. */
  private connect(fd: number, address: Address): number {
    const place = this.places.get(fd)
    if (place === undefined) return errno.EBADF
    if (place.pipe !== null) return place.pipe instanceof PipeEnd ? errno.EISCONN : errno.EINVAL
    if (address.family !== 'unix') return errno.EAFNOSUPPORT
    const name = LOCAL_PIPE.exec(address.path)?.[1]
    if (name === undefined) return errno.EINVAL
    const { windows } = this
    const flags = c.FILE_FLAG_OVERLAPPED + c.SECURITY_IDENTIFICATION
    const handle = windows.openFile(address.path, c.GENERIC_READ_WRITE, 0, 0, c.OPEN_EXISTING, flags, 0)
    if (handle === c.INVALID_HANDLE) {
      const code = windows.lastError()
      return code === c.ERROR_PIPE_BUSY ? this.waits.begin(fd, name) : resultOf(code)
    }
    const result = this.port.associate(handle)
    if (result < 0) {
      windows.closeHandle(handle)
      return result
    }
    place.remote = address.path
    place.pipe = this.endOf(fd, handle)
    return 0
  }

  private isReady(fd: number, reads: boolean): boolean {
    const pipe = this.places.get(fd)?.pipe
    if (reads) return pipe?.isReadable ?? false
    return pipe instanceof PipeEnd && pipe.isWritable
  }

  /** Null if it is no pipe. */
  address(fd: number, which: 'local' | 'remote'): Address | number | null {
    const place = this.places.get(fd)
    if (place === undefined) return null
    if (which === 'remote' && !(place.pipe instanceof PipeEnd)) return errno.ENOTCONN
    return { family: 'unix', path: place[which] }
  }

  /** False if it is no pipe. */
  close(fd: number): boolean {
    const place = this.places.get(fd)
    if (place === undefined) return false
    this.places.delete(fd)
    this.waits.forget(fd)
    const { pipe } = place
    if (pipe instanceof PipeEnd) pipe.close(() => this.ends.delete(pipe))
    else pipe?.close()
    return true
  }

  /**
   * Nothing is to come any more. True: a piece that counts as written has not gone yet, and
   * deserves a moment.
   */
  stop(): boolean {
    for (const { pipe } of this.places.values()) if (pipe instanceof PipeListener) pipe.stop()
    for (const end of this.ends) end.stopReading()
    this.waits.stop()
    return [...this.ends].some((end) => !end.isWritable)
  }

  /** What has not gone by now does not go. */
  giveUp(): void {
    for (const end of this.ends) end.stopWriting()
  }

  closeDevice(): void {
    this.waits.closeDevice()
  }

  private add(place: Place, handle = c.INVALID_HANDLE): number {
    const fd = this.handles.add(new Opened(c.INVALID_HANDLE, 0, 0, -1))
    if (handle !== c.INVALID_HANDLE) place.pipe = this.endOf(fd, handle)
    this.places.set(fd, place)
    return fd
  }

  private endOf(fd: number, handle: number): PipeEnd {
    const end = new PipeEnd(this.windows, this.records, handle, (reads) => this.news(fd, reads))
    this.ends.add(end)
    return end
  }
}

/** The calls on sockets, for pipes as well. */
export function withPipes(calls: Winsock, pipes: Pipes, handles: Handles): Winsock {
  return {
    ...calls,
    recv: (fd, at, length) => pipes.bytesOf(fd)?.receive(at, length) ?? calls.recv(fd, at, length),
    send: (fd, at, length) => pipes.bytesOf(fd)?.send(at, length) ?? calls.send(fd, at, length),
    readv: (fd, at, count) => pipes.bytesOf(fd)?.receivePieces(at, count) ?? calls.readv(fd, at, count),
    sendv: (fd, at, count) => pipes.bytesOf(fd)?.sendPieces(at, count) ?? calls.sendv(fd, at, count),
    setsockopt: (fd, ...rest) => (pipes.has(fd) ? UNSUPPORTED : calls.setsockopt(fd, ...rest)),
    // A pipe cannot be closed in one direction.
    shutdown: (fd, how) => (pipes.has(fd) ? UNSUPPORTED : calls.shutdown(fd, how)),
    close(fd) {
      if (!pipes.close(fd)) return calls.close(fd)
      handles.remove(fd)
      return 0
    },
  }
}
