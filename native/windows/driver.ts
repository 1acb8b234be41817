/**
 * The driver for Windows: a completion port.
 *
 * All calls that wait complete to one port (port.ts), and other threads post to it, so a poll is
 * one call that takes a batch. The alarm is the time that this call may wait; for a guest, a timer
 * of the host's. What takes the thread on Windows, too (to open a file, to look up a name), the
 * host's own threads do, as under epoll.
 *
 * Descriptors are this driver's own small integers (handles.ts). The rest is what all drivers do:
 * operations have one reader and one writer, what can be read is in a queue.
 */
import {
  type Address,
  type Attachment,
  type IoOp,
  type Request,
  type SocketKind,
  UNSUPPORTED,
  type WakeToken,
} from '../../kernel/driver/contract.js'
import type { Capabilities } from '../../kernel/protocol/capabilities.js'
import { HostAlarm } from '../host/alarm.js'
import { attachToHost, type News, type Watch } from '../host/guest.js'
import { end, NativeDriver, SLICE_MS } from '../host/native-driver.js'
import { AF_UNIX, SOCK_STREAM } from '../posix/constants.js'
import { Files } from './files.js'
import { Handles } from './handles.js'
import { openWindows, type Windows } from './kernel32.js'
import { WinOperations } from './operations.js'
import { Records } from './overlapped.js'
import { Pipes, withPipes } from './pipes.js'
import { KEY_FIRST_JOB, KEY_WAKE, Port, waitMs } from './port.js'
import { Processes } from './processes.js'
import { Waiter } from './waiter.js'
import { tokenOf } from './wake-port.js'
import { type Winsock, winsock } from './winsock.js'

/** How long a closing driver waits for each batch of what it has cancelled. */
const REAP_MS = 50
/** So many batches may be empty before what is still under way is left to itself. */
const REAPS = 40

/** Memory that Windows may still write to: no packet has told that it does not. */
const lostMemory: unknown[] = []

/** Completions by IOCP. */
export class IocpDriver extends NativeDriver {
  readonly name = 'iocp'
  readonly can: Capabilities
  readonly processes: Processes
  private readonly windows: Windows
  private readonly port: Port
  private readonly handles: Handles
  private readonly records: Records
  private readonly winsock: Winsock
  private readonly files: Files
  private readonly pipes: Pipes
  private readonly operations: WinOperations
  private readonly hostAlarm = new HostAlarm()
  private news: News | null = null
  private waiter: Waiter | null = null
  private referenced = false
  private alarmAt = Number.POSITIVE_INFINITY
  private readonly onPacket = (key: number, overlapped: number, status: number, bytes: number): void => {
    if (key === KEY_WAKE) this.woken = true
    else if (key >= KEY_FIRST_JOB) this.processes.told(key, overlapped, bytes)
    else if (overlapped !== 0) this.records.completed(overlapped, status, bytes)
  }

  /**
   * @param note why it is this driver and not a better one.
   * @throws Error if Windows gives no more handles.
   */
  constructor(note?: string) {
    const windows = openWindows()
    const port = new Port(windows)
    const handles = new Handles()
    const records = new Records(windows)
    const pipes = new Pipes(windows, handles, records, port)
    const calls = withPipes(winsock(windows, handles, port), pipes, handles)
    super(calls, note)
    this.windows = windows
    this.port = port
    this.handles = handles
    this.winsock = calls
    this.records = records
    this.pipes = pipes
    this.files = new Files(windows, handles, records, port)
    this.operations = new WinOperations(windows, calls, handles, records, port, this.files, pipes, () => this.reap())
    this.processes = new Processes(windows, handles, port, pipes, (fd) => this.operations.adoptPipe(fd))
    this.can = {
      blocking: true,
      threads: true,
      sockets: true,
      unixSockets: this.hasUnixSockets(),
      unixDatagrams: false,
      namedPipes: true,
      reusePort: false,
      files: true,
      processes: true,
      foreignFds: false,
      multicast: true,
      watch: false,
    }
  }

  /** From now on another thread may post, and somebody has to hear it. */
  get wakeToken(): WakeToken {
    this.wait()
    return tokenOf(this.port.handle)
  }

  override socket(kind: SocketKind): number {
    if (kind === 'unix' && !this.can.unixSockets) return UNSUPPORTED
    if (kind !== 'pipe' || this.closed) return super.socket(kind)
    const fd = this.pipes.open()
    this.operations.adoptPipe(fd)
    return fd
  }

  override bind(fd: number, address: Address): number {
    return this.pipes.has(fd) ? this.pipes.bind(fd, address) : super.bind(fd, address)
  }

  override listen(fd: number, backlog: number): number {
    return this.pipes.has(fd) ? this.pipes.listen(fd, backlog) : super.listen(fd, backlog)
  }

  override localAddress(fd: number): Address | number {
    return this.pipes.address(fd, 'local') ?? super.localAddress(fd)
  }

  override remoteAddress(fd: number): Address | number {
    return this.pipes.address(fd, 'remote') ?? super.remoteAddress(fd)
  }

  submit(op: IoOp<unknown>): boolean {
    return this.operations.submit(op)
  }

  cancel(op: IoOp<unknown>): boolean {
    return this.operations.cancel(op)
  }

  poll(wait: boolean, loans = Number.POSITIVE_INFINITY): void {
    if (this.closed) return
    const handed = this.offLoop.poll(wait)
    const flushed = this.operations.flush() || handed
    const { readQueue } = this.operations
    readQueue.limit(loans)
    if (!readQueue.suffices()) this.takeIn(wait && !flushed && readQueue.isEmpty && !this.woken)
    if (wait) this.woken = false
    readQueue.serve()
  }

  arm(at: number): void {
    this.alarmAt = at
    this.hostAlarm.set(at)
  }

  attach(turn: () => void): Attachment {
    const guest = { turn: () => this.turn(turn), exit: () => this.exit() }
    const watch = (news: News): Watch => {
      this.news = news
      this.hostAlarm.start(() => news.inside())
      return this.watch()
    }
    this.attachment = attachToHost(guest, watch)
    this.hostAlarm.set(this.alarmAt)
    return this.attachment
  }

  openSockets(): number {
    return this.handles.sockets()
  }

  close(): void {
    if (this.closed) return
    this.attachment?.close()
    this.operations.close()
    this.processes.close()
    this.closed = true
    this.closeRequests()
    this.attachment = null
    if (this.records.underWay > 0) lostMemory.push(this.records)
    this.operations.closeDevice()
    this.port.close()
  }

  closeFd(fd: number): number {
    const result = this.operations.closeFd(fd)
    this.files.forget(fd)
    return result
  }

  protected begin(complete: (op: IoOp<unknown>) => void): void {
    this.operations.start(complete)
  }

  protected adopt(fd: number, datagrams: boolean): void {
    this.operations.adopt(fd, datagrams)
  }

  protected hostFd(fd: number): number {
    return this.handles.get(fd)?.hostFd ?? -1
  }

  protected opened(request: Request<'open'>, hostFd: number): boolean {
    if (hostFd < 0) return end(request, hostFd)
    const { path, flags } = request.input
    const fd = this.files.adopt(hostFd, path, flags)
    if (fd < 0) process.getBuiltinModule('node:fs').closeSync(hostFd)
    else this.operations.adoptFile(fd)
    request.output = fd
    return end(request, fd)
  }

  /** Windows 10 has them since 1803. */
  private hasUnixSockets(): boolean {
    const fd = this.winsock.socket(AF_UNIX, SOCK_STREAM, 0)
    if (fd < 0) return false
    this.winsock.close(fd)
    return true
  }

  /** True if anything has come. */
  private takeIn(wait: boolean): boolean {
    const had = this.waiter?.take(this.onPacket) ?? false
    if (!wait || had) return this.port.take(0, this.onPacket) || had
    const left = this.alarmAt - this.now()
    return this.port.take(waitMs(this.windows.isMainThread ? left : Math.min(left, SLICE_MS)), this.onPacket)
  }

  /** For a driver that closes: true as long as it is worth waiting. */
  private reap(): boolean {
    for (let i = 0; i < REAPS; i++) if (this.port.take(REAP_MS, this.onPacket)) return true
    return false
  }

  /** Another thread waits from now on, if there is anything to wait for. */
  private wait(): void {
    if (this.waiter !== null || this.news === null || this.closed) return
    this.waiter = new Waiter(this.port, this.windows.isMainThread, this.news)
    if (this.referenced) this.waiter.ref()
  }

  private watch(): Watch {
    return {
      resume: () => this.waiter?.resume(),
      ref: () => this.refer(true),
      unref: () => this.refer(false),
      close: () => {
        this.hostAlarm.close()
        this.waiter?.close()
        this.waiter?.take(this.onPacket)
        this.waiter = this.news = null
      },
    }
  }

  /** The thread that waits keeps the host's loop; or the alarm does, if nothing else is awaited. */
  private refer(referenced: boolean): void {
    this.referenced = referenced
    this.hostAlarm.refer(referenced)
    if (referenced) this.wait()
    if (referenced) this.waiter?.ref()
    else this.waiter?.unref()
  }

  private turn(turn: () => void): void {
    try {
      turn()
    } finally {
      if (!this.closed) {
        // With enough to read no poll of the turn may have taken it, and it is told once.
        const behind = this.waiter?.hasNews ?? false
        this.waiter?.resume()
        if (this.records.underWay > 0 || this.processes.running) this.wait()
        if (behind || !this.operations.readQueue.isEmpty) this.attachment?.schedule()
      }
    }
  }

  /** The thread exits with its kernel open: its handles must not outlive it. */
  private exit(): void {
    this.close()
    for (const fd of this.handles.all()) this.winsock.close(fd)
  }
}
