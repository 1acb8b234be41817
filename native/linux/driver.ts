/**
 * What the drivers for Linux have in common: the clock, the alarm, a pipe that other threads write
 * to, and the calls that never wait. How operations wait is for each driver to say.
 *
 * (An eventfd would do for epoll. A ring that watches one and itself signals another is told of a
 * write only after an RCU grace period, because the system fears a loop of eventfds.)
 */
import {
  type Address,
  type Attachment,
  CLOSED,
  type Driver,
  type IoOp,
  isKind,
  Request,
  type SocketKind,
  type SocketOption,
  type WakeToken,
} from '../../kernel/driver/contract.js'
import type { Capabilities } from '../../kernel/protocol/capabilities.js'
import { now } from '../../kernel/protocol/host-functions.js'
import { workOf } from '../host/host-work.js'
import { OffLoop, type Outcome } from '../host/off-loop.js'
import { Positioned } from '../host/positioned.js'
import { Descriptor } from '../posix/descriptor.js'
import { describeError } from '../posix/errno.js'
import { lookUp } from '../posix/lookup.js'
import { Sockets } from '../posix/sockets.js'
import { tokenOf } from '../posix/wake-pipe.js'
import { Alarm } from './alarm.js'
import { openLibc } from './libc.js'
import { Openings } from './openings.js'
import { type Place, Positions } from './positions.js'

/**
 * How long a worker may wait in the OS. Its JavaScript may be ended at any moment, by `terminate()`
 * or by the exit of the process, which both wait for it, and only finds out when it comes back.
 */
const SLICE_MS = 100

const CAN: Capabilities = {
  blocking: true,
  threads: true,
  sockets: true,
  unixSockets: true,
  reusePort: true,
  files: true,
}

/** The ground that epoll and io_uring stand on. */
export abstract class LinuxDriver implements Driver {
  abstract readonly name: string
  readonly can = CAN
  readonly note: string | undefined
  readonly wakeToken: WakeToken
  protected readonly libc = openLibc()
  protected readonly alarm = new Alarm(this.libc)
  /** Readable when another thread has called. */
  protected readonly wake: Descriptor
  protected readonly openings: Openings
  /** What other threads write to. */
  private readonly wakePipe: Descriptor
  protected readonly offLoop = new OffLoop(() => this.attachment?.schedule())
  protected readonly positioned: Positioned
  protected completeRequest: (request: Request) => void = () => {}
  protected attachment: Attachment | null = null
  protected woken = false
  protected closed = false
  private readonly sockets = new Sockets(this.libc)
  private readonly drain = new Uint8Array(4096)
  private readonly drainAt = this.libc.addressOf(this.drain)

  constructor(note?: string) {
    this.note = note
    const pipe = new Int32Array(2)
    const result = this.libc.pipe(this.libc.addressOf(pipe))
    if (result < 0) pipe.fill(result)
    this.wake = new Descriptor(this.libc, pipe[0] as number)
    this.wakePipe = new Descriptor(this.libc, pipe[1] as number)
    this.wakeToken = tokenOf(this.wakePipe.fd)
    const positions = new Positions(this.libc)
    this.positioned = new Positioned(this.offLoop, () => this.attachment !== null, {
      claim: (op, most) => positions.claim(op, most),
      settle: (op, place, moved) => positions.settle(op, place as Place, moved),
      duplicate: (fd) => this.libc.duplicate(fd, this.libc.constants.F_DUPFD_CLOEXEC),
      close: (fd) => void this.libc.close(fd),
    })
    this.openings = new Openings(this.libc, this.wakePipe.fd, (fd) => this.watchAlarm(fd))
  }

  abstract submit(op: IoOp<unknown>): boolean
  abstract cancel(op: IoOp<unknown>): boolean
  abstract poll(wait: boolean, loans?: number): void
  abstract attach(turn: () => void): Attachment
  abstract close(): void
  abstract closeFd(fd: number): number
  /** From now on completions of ops go there. */
  protected abstract begin(complete: (op: IoOp<unknown>) => void): void
  /** Has the driver look at an alarm whenever its fd becomes readable; negative: it cannot. */
  protected abstract watchAlarm(fd: number): number
  /** Notes a new socket of our own. */
  protected abstract adopt(fd: number, datagrams: boolean): void

  start(complete: (op: IoOp<unknown>) => void, completeRequest: (request: Request) => void): void {
    this.completeRequest = completeRequest
    this.begin(complete)
  }

  now(): number {
    return now()
  }

  submitRequest(request: Request): boolean {
    if (this.closed) {
      request.result = CLOSED
      return true
    }
    const work = workOf(request, (host, port) => this.lookUp(host, port))
    if (this.attachment === null || work.once) return this.settle(request, work.now())
    this.offLoop.add(request, work, (outcome) => {
      if (this.settle(request, outcome)) this.completeRequest(request)
    })
    return false
  }

  cancelRequest(request: Request): boolean {
    return (isKind(request, 'open') && this.openings.cancel(request)) || this.offLoop.withdraw(request)
  }

  arm(at: number): void {
    if (!this.closed) this.alarm.set(at)
  }

  socket(kind: SocketKind): number {
    if (this.closed) return CLOSED
    const fd = this.sockets.open(kind)
    if (fd >= 0) this.adopt(fd, kind === 'udp4' || kind === 'udp6')
    return fd
  }

  bind(fd: number, address: Address): number {
    return this.sockets.bind(fd, address)
  }

  listen(fd: number, backlog: number): number {
    return this.sockets.listen(fd, backlog)
  }

  setOption(fd: number, option: SocketOption, value: number): number {
    return this.sockets.setOption(fd, option, value)
  }

  localAddress(fd: number): Address | number {
    return this.sockets.localAddress(fd)
  }

  remoteAddress(fd: number): Address | number {
    return this.sockets.remoteAddress(fd)
  }

  shutdown(fd: number): number {
    return this.sockets.shutdown(fd)
  }

  describeError(result: number): readonly [name: string, text: string] {
    return describeError(result)
  }

  /** The alarm of the openings went off. */
  protected lookAtOpenings(): void {
    if (this.closed) return
    for (const request of this.openings.look()) this.completeRequest(request)
  }

  /** All requests that are under way complete with CLOSED. */
  protected closeRequests(): void {
    const requests = [...this.openings.close(), ...this.offLoop.close()]
    for (const request of requests) {
      if (!(request instanceof Request)) continue
      request.result = CLOSED
      this.completeRequest(request)
    }
    this.completeRequest = () => {}
  }

  /** What an outcome means for its request. False: it is not complete, it waits for a peer. */
  private settle(request: Request, [result, output]: Outcome): boolean {
    if (isKind(request, 'open')) return this.openings.opened(request, this.adoptFile(result))
    request.result = result
    request.output = output as typeof request.output
    return true
  }

  /**
   * In a worker Node closes at its end what it has opened; this fd is closed by others, and its
   * number may be theirs by then.
   */
  private adoptFile(fd: number): number {
    if (fd < 0 || this.libc.isMainThread) return fd
    const own = this.libc.duplicate(fd, this.libc.constants.F_DUPFD_CLOEXEC)
    process.getBuiltinModule('node:fs').closeSync(fd)
    return own
  }

  private lookUp(host: string, port: number): Outcome {
    const found = lookUp(this.libc, host, port)
    return typeof found === 'number' ? [found, null] : [0, found]
  }

  /** The thread is about to wait, without its host. */
  protected beforeWait(): void {
    if (!this.libc.isMainThread) this.alarm.within(SLICE_MS)
  }

  /** The pipe became readable. Who finds it full need not write: it has not been emptied yet. */
  protected wokenByThread(): void {
    this.woken = true
    while (this.libc.read(this.wake.fd, this.drainAt, this.drain.length) === this.drain.length);
  }

  /** Lets go of what the constructor of this class has opened. */
  protected release(): void {
    this.closed = true
    this.attachment = null
    this.alarm.close()
    this.wake.close()
    this.wakePipe.close()
  }
}
