/**
 * The base of the drivers for POSIX systems: their descriptors are the OS's, and so are the host's.
 *
 * The host's threads open files and read and write at a position (positioned.ts). An open that
 * would wait for a peer is looked after in openings.ts, by an alarm of its own. The alarms are for
 * each driver to bring, as is the way in which other threads wake it.
 */
import { BUSY, CLOSED, isKind, type ReceivedMessage, type Request, UNSUPPORTED } from '../../kernel/driver/contract.js'
import type { Alarm } from '../posix/alarm.js'
import { Descriptors } from '../posix/descriptors.js'
import { ENOTSUP } from '../posix/errno.js'
import type { FdState } from '../posix/fds.js'
import type { Libc } from '../posix/libc.js'
import { limitBehind } from '../posix/limits.js'
import { lockDirectory } from '../posix/lock.js'
import { type Place, Positions } from '../posix/positions.js'
import { Processes } from '../posix/processes.js'
import { NativeDriver, SLICE_MS } from './native-driver.js'
import { Openings } from './openings.js'
import { Positioned } from './positioned.js'

/** The ground that epoll, io_uring and kqueue stand on. */
export abstract class PosixDriver<L extends Libc = Libc> extends NativeDriver {
  protected readonly libc: L
  protected readonly openings: Openings
  protected readonly positioned: Positioned
  readonly processes: Processes
  private readonly descriptors: Descriptors
  protected abstract readonly alarm: Alarm

  constructor(libc: L, note?: string) {
    super(libc, note)
    this.libc = libc
    const positions = new Positions(libc)
    this.positioned = new Positioned(this.offLoop, () => this.attachment !== null, {
      claim: (op, most) => positions.claim(op, most),
      settle: (op, place, moved) => positions.settle(op, place as Place, moved),
      duplicate: (fd) => libc.duplicate(fd, libc.constants.F_DUPFD_CLOEXEC),
      close: (fd) => void libc.close(fd),
    })
    this.processes = new Processes(libc, (pid) => this.exitDescriptor(pid))
    this.descriptors = new Descriptors(libc, libc.messages)
    this.openings = new Openings(libc, () => this.openingsAlarm())
  }

  /** What is known about a descriptor, if anything is. */
  protected abstract stateOf(fd: number): FdState | undefined

  /** Another alarm, at which `lookAtOpenings` is called; or a negative errno. */
  protected abstract openingsAlarm(): Alarm | number

  /**
   * A descriptor that is readable when this process has ended; negative: there is none, and it has
   * to be asked again and again.
   */
  protected exitDescriptor(_pid: number): number {
    return UNSUPPORTED
  }

  override cancelRequest(request: Request): boolean {
    return (isKind(request, 'open') && this.openings.cancel(request)) || super.cancelRequest(request)
  }

  sendDescriptors(fd: number, bytes: Uint8Array, descriptors: readonly number[]): number {
    const refusal = this.refusalOf(fd, 'writer')
    return refusal < 0 ? refusal : this.descriptors.send(fd, bytes, descriptors)
  }

  receiveDescriptors(fd: number, buffer: Uint8Array, most: number): ReceivedMessage | number {
    const refusal = this.refusalOf(fd, 'reader')
    return refusal < 0 ? refusal : this.descriptors.receive(fd, buffer, most)
  }

  /** Why no descriptors can be passed now; 0 if they can. Over TCP none can, nor beside an op. */
  protected refusalOf(fd: number, side: 'reader' | 'writer'): number {
    if (this.closed) return CLOSED
    const address = this.localAddress(fd)
    if (typeof address === 'number') return address
    if (address.family !== 'unix') return ENOTSUP
    return this.stateOf(fd)?.[side] ? BUSY : 0
  }

  /** A descriptor of our own, so that it goes with the driver as sockets do. */
  override lock(path: string): number {
    if (this.closed) return CLOSED
    const fd = lockDirectory(this.libc, path)
    if (fd >= 0) this.adopt(fd, false)
    return fd
  }

  override describeError(result: number, syscall = ''): readonly [name: string, text: string] {
    const [name, text] = super.describeError(result)
    return [name, text + limitBehind(this.libc, result, syscall)]
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

  /** The thread is about to wait, without its host. */
  protected beforeWait(): void {
    if (!this.libc.isMainThread) this.alarm.within(SLICE_MS)
  }

  /** Lets go of what was opened for the driver itself. */
  protected release(): void {
    this.closed = true
    this.processes.close()
    this.attachment = null
    this.alarm.close()
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
}
