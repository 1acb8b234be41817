/**
 * The driver for Linux 6.0 and later: io_uring.
 *
 * One ring takes the requests of all tasks and gives all answers; both cross the border to the
 * system together, in one call a turn (ring.ts). What the requests are is in completions.ts. The
 * alarm and the pipe of other threads are two multishot polls in the same ring.
 *
 * If the ring cannot be entered any more (a filter of system calls that came later, no memory for
 * good), whatever waits in it fails, and so does whatever is asked of it then; time, other threads'
 * calls and what is done off the loop go on.
 *
 * As a guest, the host's loop watches an eventfd that the ring signals when there is work. While a
 * turn runs the ring is told to keep quiet; afterwards one look tells whether something came
 * between. The eventfd is emptied after the turn, too: before it, whoever waits for an answer would
 * wait for that as well.
 */
import {
  type Attachment,
  CLOSED,
  type FileWatcher,
  type IoOp,
  type ReceivedMessage,
  type Request,
} from '../../../kernel/driver/contract.js'
import { setTimeout } from '../../../kernel/protocol/host-functions.js'
import { attachToHost } from '../../host/guest.js'
import { watchDescriptor } from '../../host/guest-poll.js'
import { PosixDriver } from '../../host/posix-driver.js'
import type { Alarm } from '../../posix/alarm.js'
import { Descriptor } from '../../posix/descriptor.js'
import { ECANCELED, EIO } from '../../posix/errno.js'
import type { FdState } from '../../posix/fds.js'
import { WakePipe } from '../../posix/wake-pipe.js'
import * as c from '../constants.js'
import { openInotify } from '../inotify.js'
import { type Libc, openLibc } from '../libc.js'
import { TimerFd } from '../timerfd.js'
import { FILE, FileRequests } from './files.js'
import { lostMemory, RingOperations } from './operations.js'
import { CQE_MORE, NoRing, OP_POLL_ADD, POLL_MULTISHOT, Ring, type RingOptions } from './ring.js'

/** Keys of the driver's own requests; those of ops are made in completions.ts, below these. */
const WAKE = 0x70 << 24
const ALARM = 0x71 << 24
const OPENINGS = 0x72 << 24

/** How often a guest whose ring has failed looks at the time. */
const BROKEN_PAUSE_MS = 10

/** Completions by io_uring. */
export class UringDriver extends PosixDriver<Libc> {
  readonly name = 'io_uring'
  readonly can = c.CAN
  protected readonly alarm = new TimerFd(this.libc)
  private readonly wake = new WakePipe(this.libc)
  readonly wakeToken = this.wake.token
  private readonly ring: Ring
  private readonly operations: RingOperations
  private readonly files: FileRequests
  /** For a guest. Made at once: where descriptors are few, it had better be epoll. */
  private readonly event: Descriptor
  /** Where the eventfd's count goes when it is read. */
  private readonly count = new Int32Array(2)
  private readonly countAt = this.libc.addressOf(this.count)
  /** The ring has failed, and that was told; a look at the time is due. */
  private broken = false
  private ticking = false
  /** Nobody wants any more what requests about files bring. */
  private closing = false

  /**
   * @throws NoRing if this system has no io_uring, forbids it, has too old a one, or gives no more
   * fds.
   */
  constructor(options?: RingOptions) {
    super(openLibc())
    this.event = new Descriptor(this.libc, this.libc.eventfd(0, c.CLOEXEC | c.O_NONBLOCK))
    try {
      const worst = Math.min(this.alarm.fd, this.wake.fd, this.event.fd)
      if (worst < 0) throw NoRing.after('eventfd', worst, this.describeError(worst))
      this.ring = new Ring(this.libc, options)
    } catch (error) {
      this.release()
      throw error
    }
    try {
      this.operations = new RingOperations(this.libc, this.ring, () => this.reap())
      this.files = new FileRequests(this.libc, this.ring, this.openings)
    } catch (error) {
      this.ring.close()
      this.release()
      throw error
    }
    this.watch(this.wake.fd, WAKE)
    this.watch(this.alarm.fd, ALARM)
  }

  protected begin(complete: (op: IoOp<unknown>) => void): void {
    this.operations.start(complete)
  }

  submit(op: IoOp<unknown>): boolean {
    return this.operations.submit(op)
  }

  override submitRequest(request: Request): boolean {
    return (this.closed ? null : this.files.submit(request)) ?? super.submitRequest(request)
  }

  override cancelRequest(request: Request): boolean {
    return this.files.cancel(request) || super.cancelRequest(request)
  }

  cancel(op: IoOp<unknown>): boolean {
    return this.operations.cancel(op)
  }

  poll(wait: boolean, loans = Number.POSITIVE_INFINITY): void {
    if (this.closed) return
    if (this.ring.failure !== 0) {
      this.pollBroken(wait)
      return
    }
    const handed = this.offLoop.poll(wait)
    const flushed = this.operations.flush() || handed
    const { readQueue } = this.operations
    readQueue.limit(loans)
    const idle = !flushed && !this.woken && readQueue.isEmpty
    // With enough to do nothing more is received, or thousands of connections would take all
    // buffers.
    if (readQueue.suffices()) this.ring.submit()
    else {
      if (wait && idle) this.beforeWait()
      this.ring.enter(wait && idle ? 1 : 0)
    }
    if (wait) this.woken = false
    this.takeIn()
    readQueue.serve()
  }

  /** Without the ring: time goes on, other threads still call, and the host's are not done. */
  private pollBroken(wait: boolean): void {
    const failed = this.fail()
    const handed = this.offLoop.poll(wait)
    const fds = Int32Array.of(this.alarm.fd, c.POLLIN, this.wake.fd, c.POLLIN)
    if (wait) this.beforeWait()
    this.libc.poll(this.libc.addressOf(fds), 2, wait && !failed && !handed && !this.woken ? -1 : 0)
    if (wait) this.woken = false
    if ((fds[1] as number) >>> 16 !== 0) {
      // Here the alarm is not watched for its edges.
      this.libc.read(this.alarm.fd, this.countAt, 8)
      this.alarm.wentOff()
    }
    if ((fds[3] as number) >>> 16 !== 0) this.wokenByThread()
  }

  /** The ring is lost; true if anything that waited failed with it. */
  private fail(): boolean {
    if (!this.broken) {
      this.broken = true
      const why = this.describeError(this.ring.failure).join(', ')
      process.emitWarning(`io_uring cannot be entered any more (${why}); whatever needs it fails with EIO`)
    }
    this.takeIn()
    const requests = this.files.close(lostMemory)
    this.endRequests(requests, EIO)
    return this.operations.fail() || requests.length > 0
  }

  watcher(): FileWatcher | number {
    return openInotify(this.libc)
  }

  attach(turn: () => void): Attachment {
    const result = this.ring.registerEvent(this.event.fd)
    if (result < 0) throw new Error(`Cannot attach io_uring to the host: ${this.describeError(result).join(', ')}`)
    const guest = { turn: (called: boolean) => this.turn(turn, called), exit: () => this.exit() }
    this.attachment = attachToHost(guest, watchDescriptor(this.libc, this.event.fd))
    return this.attachment
  }

  openSockets(): number {
    return this.operations.fds.own().length
  }

  close(): void {
    if (this.closed) return
    this.attachment?.close()
    this.closing = true
    this.operations.close()
    this.endRequests(this.files.close(), CLOSED)
    this.closeRequests()
    this.ring.close()
    this.release()
  }

  protected override release(): void {
    super.release()
    this.wake.close()
    this.event.close()
  }

  /**
   * The thread exits with its kernel open: its sockets must not outlive it, as those of a process
   * would not.
   */
  private exit(): void {
    const own = this.operations.fds.own()
    this.close()
    for (const fd of own) this.libc.close(fd)
  }

  closeFd(fd: number): number {
    return this.operations.closeFd(fd)
  }

  protected openingsAlarm(): Alarm | number {
    const alarm = new TimerFd(this.libc)
    if (alarm.fd < 0) return alarm.fd
    this.watch(alarm.fd, OPENINGS)
    return alarm
  }

  protected override exitDescriptor(pid: number): number {
    return this.libc.pidfdOpen(pid)
  }

  override receiveDescriptors(fd: number, buffer: Uint8Array, most: number): ReceivedMessage | number {
    const refusal = this.refusalOf(fd, 'reader')
    const early = refusal < 0 ? refusal : this.operations.receiveDirectly(fd, buffer)
    if (early === null) return super.receiveDescriptors(fd, buffer, most)
    return early < 0 ? early : { bytes: early, descriptors: [], lost: false, truncated: false }
  }

  protected stateOf(fd: number): FdState | undefined {
    return this.operations.fds.at(fd)
  }

  protected adopt(fd: number, datagrams: boolean): void {
    this.operations.adopt(fd, datagrams)
  }

  private turn(turn: () => void, called: boolean): void {
    this.ring.notify(false)
    try {
      turn()
    } finally {
      if (!this.closed) {
        if (called) this.libc.read(this.event.fd, this.countAt, 8)
        this.ring.submit()
        this.ring.notify(true)
        if (this.ring.failure !== 0) this.tick()
        else if (this.ring.hasNews() || !this.operations.readQueue.isEmpty) this.attachment?.schedule()
      }
    }
  }

  /** The ring's eventfd tells nothing any more. */
  private tick(): void {
    if (this.ticking) return
    this.ticking = true
    const look = (): void => {
      this.ticking = false
      this.attachment?.schedule()
    }
    setTimeout(look, BROKEN_PAUSE_MS).unref()
  }

  private reap(): void {
    this.ring.enter(1)
    if (this.ring.failure !== 0) this.fail()
    else this.takeIn()
  }

  private takeIn(): void {
    const { ring } = this
    const { tail } = ring
    // Whoever is told of a completion may close an fd, which takes in answers, too: more than are
    // seen from here.
    while (((tail - ring.head) | 0) > 0) {
      const at = ring.take()
      const fd = ring.cqes[at] as number
      const key = ring.cqes[at + 1] as number
      const result = ring.cqes[at + 2] as number
      const flags = ring.cqes[at + 3] as number
      if (key >= WAKE) this.watched(fd, key, result, flags)
      else if (key === FILE) this.fileAnswer(fd, result)
      else if (key !== 0) this.operations.completed(fd, key, result, flags)
    }
    ring.release()
  }

  private fileAnswer(number: number, result: number): void {
    const request = this.files.answer(number, result, this.closing)
    if (request !== null) this.completeRequest(request)
  }

  private endRequests(requests: readonly Request[], result: number): void {
    for (const request of requests) {
      request.result = result
      this.completeRequest(request)
    }
  }

  private wokenByThread(): void {
    this.woken = true
    this.wake.empty()
  }

  private watched(fd: number, key: number, result: number, flags: number): void {
    if (key === WAKE) this.wokenByThread()
    else if (key === ALARM) this.alarm.wentOff()
    else this.lookAtOpenings()
    if ((flags & CQE_MORE) === 0 && result !== ECANCELED) this.watch(fd, key)
  }

  private watch(fd: number, key: number): void {
    const at = this.ring.add(OP_POLL_ADD, fd, key)
    this.ring.sqes[at + 6] = POLL_MULTISHOT
    this.ring.sqes[at + 7] = c.POLLIN
  }
}
