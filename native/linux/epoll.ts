/**
 * The driver for any Linux: epoll.
 *
 * One epoll fd has everything in it: the sockets, a pipe that other threads write to, a timerfd
 * that is the alarm. So that fd is readable whenever there is something to do, which is all that a
 * host's loop needs to know (guest.ts).
 *
 * All of it is edge-triggered, so the timerfd is never read: a new expiry is a new edge. Events
 * carry the fd and its generation, so that late news of a closed fd is recognised.
 */
import type { Attachment, IoOp } from '../../kernel/driver/contract.js'
import { attachToHost } from '../host/guest.js'
import { watchDescriptor } from '../host/guest-poll.js'
import { hostHasFds } from '../host/host-work.js'
import { Descriptor } from '../posix/descriptor.js'
import { describeError, EEXIST, EINTR, ENOENT } from '../posix/errno.js'
import { Readiness, type Watcher } from '../posix/readiness.js'
import * as c from './constants.js'
import { CAN, LinuxDriver } from './driver.js'

/**
 * struct epoll_event in 32-bit words: packed on x64, padded to 16 bytes elsewhere. Its data is two
 * words: fd, generation.
 */
const EVENT_WORDS = typeof process === 'object' && process.arch === 'x64' ? 3 : 4
const DATA = EVENT_WORDS - 2

/** How many events one poll takes: as many as it reads for. */
const BATCH = 16

const EDGES = c.POLLIN | c.POLLOUT | c.EPOLLRDHUP | c.EPOLLET
const READ_EVENTS = c.POLLIN | c.EPOLLRDHUP | c.POLLERR | c.POLLHUP
const WRITE_EVENTS = c.POLLOUT | c.POLLERR | c.POLLHUP
const END_EVENTS = c.EPOLLRDHUP | c.POLLERR | c.POLLHUP

/** Readiness by epoll; see the head of this file. */
export class EpollDriver extends LinuxDriver implements Watcher {
  readonly name = 'epoll'
  /** The host opens its files. */
  override readonly can = hostHasFds() ? CAN : { ...CAN, files: false }
  private readonly readiness = new Readiness(this.libc, this, this.positioned)
  private readonly events = new Int32Array(BATCH * EVENT_WORDS)
  private readonly eventsAt = this.libc.addressOf(this.events)
  private readonly event = new Int32Array(EVENT_WORDS)
  private readonly eventAt = this.libc.addressOf(this.event)
  private readonly epoll: Descriptor

  /**
   * @param note why it is this driver and not a better one.
   * @throws Error if the system gives no more fds.
   */
  constructor(note?: string) {
    super(note)
    this.epoll = new Descriptor(this.libc, this.libc.epollCreate(c.CLOEXEC))
    this.need(this.alarm.fd)
    this.need(this.wake.fd)
    this.need(this.epoll.fd)
    this.need(this.watchAlarm(this.wake.fd))
    this.need(this.watchAlarm(this.alarm.fd))
  }

  protected begin(complete: (op: IoOp<unknown>) => void): void {
    this.readiness.start(complete)
  }

  submit(op: IoOp<unknown>): boolean {
    return this.readiness.submit(op)
  }

  cancel(op: IoOp<unknown>): boolean {
    return this.readiness.cancel(op)
  }

  poll(wait: boolean, loans = Number.POSITIVE_INFINITY): void {
    const handed = this.offLoop.poll(wait)
    const flushed = this.readiness.flush() || handed
    const { readQueue } = this.readiness
    readQueue.limit(loans)
    if (!readQueue.suffices()) this.takeIn(wait && !flushed && readQueue.isEmpty && !this.woken)
    if (wait) this.woken = false
    readQueue.serve()
  }

  attach(turn: () => void): Attachment {
    const guest = { turn: () => this.turn(turn), exit: () => this.exit() }
    this.attachment = attachToHost(guest, watchDescriptor(this.libc, this.epoll.fd))
    return this.attachment
  }

  close(): void {
    if (this.closed) return
    this.attachment?.close()
    this.readiness.close()
    this.closeRequests()
    this.release()
  }

  /**
   * The thread exits with its kernel open: its sockets must not outlive it, as those of a process
   * would not.
   */
  private exit(): void {
    for (const fd of this.readiness.fds.own()) this.libc.close(fd)
    this.close()
  }

  closeFd(fd: number): number {
    return this.readiness.closeFd(fd)
  }

  watch(fd: number, generation: number, again: boolean): number {
    const result = this.control(again ? c.EPOLL_CTL_MOD : c.EPOLL_CTL_ADD, fd, generation, EDGES)
    // A foreign file may have been replaced under its number since.
    if (again && result === ENOENT) return this.control(c.EPOLL_CTL_ADD, fd, generation, EDGES)
    if (!again && result === EEXIST) return this.control(c.EPOLL_CTL_MOD, fd, generation, EDGES)
    return result
  }

  unwatch(fd: number): void {
    this.control(c.EPOLL_CTL_DEL, fd, 0, 0)
  }

  protected watchAlarm(fd: number): number {
    return this.control(c.EPOLL_CTL_ADD, fd, 0, c.POLLIN | c.EPOLLET)
  }

  protected adopt(fd: number, datagrams: boolean): void {
    this.readiness.adopt(fd, datagrams)
  }

  protected override release(): void {
    super.release()
    this.epoll.close()
  }

  /** Those in the line have had their event, so the epoll fd will not tell of them again. */
  private turn(turn: () => void): void {
    try {
      turn()
    } finally {
      if (!this.readiness.readQueue.isEmpty) this.attachment?.schedule()
    }
  }

  private takeIn(wait: boolean): void {
    if (wait) this.beforeWait()
    const found = this.libc.epollWait(this.epoll.fd, this.eventsAt, BATCH, wait ? -1 : 0)
    // After a signal the kernel looks around. Anything else would fail again, for ever.
    if (found < 0 && found !== EINTR && !this.closed)
      throw new Error(`Cannot wait for epoll: ${describeError(found).join(', ')}`)
    for (let i = 0; i < found; i++) this.dispatch(i * EVENT_WORDS)
  }

  private dispatch(at: number): void {
    const bits = this.events[at] as number
    const fd = this.events[at + DATA] as number
    if (fd === this.wake.fd) this.wokenByThread()
    else if (fd === this.alarm.fd) this.alarm.wentOff()
    else if (fd === this.openings.alarmFd) this.lookAtOpenings()
    else {
      const generation = this.events[at + DATA + 1] as number
      const readable = (bits & READ_EVENTS) !== 0
      const writable = (bits & WRITE_EVENTS) !== 0
      this.readiness.event(fd, generation, readable, writable, (bits & END_EVENTS) !== 0)
    }
  }

  private control(action: number, fd: number, generation: number, events: number): number {
    this.event[0] = events
    this.event[DATA] = fd
    this.event[DATA + 1] = generation
    return this.libc.epollControl(this.epoll.fd, action, fd, this.eventAt)
  }

  private need(result: number): number {
    if (result >= 0) return result
    this.release()
    const [code, text] = describeError(result)
    throw new Error(`Cannot set up epoll: ${text} (${code})`)
  }
}
