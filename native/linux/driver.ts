/**
 * What the drivers for Linux have in common: the clock, the alarm, a pipe that other threads write
 * to, and the calls that never wait. How operations wait is for each driver to say.
 *
 * (An eventfd would do for epoll. A ring that watches one and itself signals another is told of a
 * write only after an RCU grace period, because the system fears a loop of eventfds.)
 */
import { isKind, type Request, type WakeToken } from '../../kernel/driver/contract.js'
import type { Capabilities } from '../../kernel/protocol/capabilities.js'
import { NativeDriver, SLICE_MS } from '../host/native-driver.js'
import { Positioned } from '../host/positioned.js'
import { Descriptor } from '../posix/descriptor.js'
import { tokenOf } from '../posix/wake-pipe.js'
import { Alarm } from './alarm.js'
import { type Libc, openLibc } from './libc.js'
import { Openings } from './openings.js'
import { type Place, Positions } from './positions.js'

/** What a driver for Linux can do. */
export const CAN: Capabilities = {
  blocking: true,
  threads: true,
  sockets: true,
  unixSockets: true,
  reusePort: true,
  files: true,
  foreignFds: true,
}

/** The ground that epoll and io_uring stand on. */
export abstract class LinuxDriver extends NativeDriver {
  readonly can: Capabilities = CAN
  readonly wakeToken: WakeToken
  protected readonly libc: Libc
  protected readonly alarm: Alarm
  /** Readable when another thread has called. */
  protected readonly wake: Descriptor
  protected readonly openings: Openings
  /** What other threads write to. */
  private readonly wakePipe: Descriptor
  protected readonly positioned: Positioned
  private readonly drain = new Uint8Array(4096)
  private readonly drainAt: number

  constructor(note?: string) {
    const libc = openLibc()
    super(libc, note)
    this.libc = libc
    this.alarm = new Alarm(libc)
    this.drainAt = libc.addressOf(this.drain)
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

  /** Has the driver look at an alarm whenever its fd becomes readable; negative: it cannot. */
  protected abstract watchAlarm(fd: number): number

  override cancelRequest(request: Request): boolean {
    return (isKind(request, 'open') && this.openings.cancel(request)) || super.cancelRequest(request)
  }

  arm(at: number): void {
    if (!this.closed) this.alarm.set(at)
  }

  /** The alarm of the openings went off. */
  protected lookAtOpenings(): void {
    if (this.closed) return
    for (const request of this.openings.look()) this.completeRequest(request)
  }

  /** All requests that are under way complete with CLOSED. */
  protected override closeRequests(): void {
    super.closeRequests(this.openings.close())
  }

  protected opened(request: Request<'open'>, hostFd: number): boolean {
    return this.openings.opened(request, this.adoptFile(hostFd))
  }

  protected hostFd(fd: number): number {
    return fd
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
