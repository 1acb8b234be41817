/**
 * The driver for Linux: epoll.
 *
 * One epoll fd has everything in it: the sockets, an eventfd that other threads write to, a timerfd that is the alarm. So
 * that fd is readable whenever there is something to do, which is all that a host's loop needs to know (guest.ts).
 *
 * All of it is edge-triggered, so neither eventfd nor timerfd is ever read: a new write, a new expiry is a new edge.
 * Events carry the fd and its generation, so that late news of a closed fd is recognised.
 */
import type { Address, Attachment, Driver, IoOp, SocketKind, SocketOption, WakeToken } from '../kernel/driver.js'
import { CLOSED } from '../kernel/driver.js'
import { describeError, EEXIST, ENOENT } from './errno.js'
import { attachToHost } from './guest.js'
import * as c from './libc.js'
import { Readiness, type Watcher } from './readiness.js'
import { Sockets } from './sockets.js'

/** struct epoll_event in 32-bit words: packed on x64, padded to 16 bytes elsewhere. Its data is two words: fd, generation. */
const EVENT_WORDS = typeof process === 'object' && process.arch === 'x64' ? 3 : 4
const DATA = EVENT_WORDS - 2

/** How many events one poll takes. Few enough that the buffers lent for them stay in the processor's cache. */
const BATCH = 16

const EDGES = c.POLLIN | c.POLLOUT | c.EPOLLRDHUP | c.EPOLLET
const READ_EVENTS = c.POLLIN | c.EPOLLRDHUP | c.POLLERR | c.POLLHUP
const WRITE_EVENTS = c.POLLOUT | c.POLLERR | c.POLLHUP
const END_EVENTS = c.EPOLLRDHUP | c.POLLERR | c.POLLHUP

/** The seconds of a timespec are written as 32 bits. An alarm beyond that goes off early and is set again. */
const MAX_SECONDS = 0x7fffffff

/** Readiness by epoll; see the head of this file. */
export class EpollDriver implements Driver, Watcher {
  readonly name = 'epoll'
  readonly wakeToken: WakeToken
  private readonly libc = c.openLibc()
  private readonly readiness = new Readiness(this.libc, this)
  private readonly sockets = new Sockets(this.libc)
  private readonly events = new Int32Array(BATCH * EVENT_WORDS)
  private readonly eventsAt = this.libc.addressOf(this.events)
  private readonly event = new Int32Array(EVENT_WORDS)
  private readonly eventAt = this.libc.addressOf(this.event)
  /** struct itimerspec: interval and value, each seconds and nanoseconds, 64 bits each. */
  private readonly timer = new Int32Array(8)
  private readonly timerAt = this.libc.addressOf(this.timer)
  private epollFd = -1
  private wakeFd = -1
  private timerFd = -1
  private attachment: Attachment | null = null
  private woken = false
  /** When the alarm is to go off, and when the timerfd will: never later, sometimes earlier. */
  private wanted = Number.POSITIVE_INFINITY
  private armed = Number.POSITIVE_INFINITY

  /** @throws Error if the system gives no more fds. */
  constructor() {
    this.epollFd = this.need(this.libc.epollCreate(c.CLOEXEC))
    this.wakeFd = this.need(this.libc.eventfd(0, c.CLOEXEC | c.O_NONBLOCK))
    this.timerFd = this.need(this.libc.timerfdCreate(c.CLOCK_MONOTONIC, c.CLOEXEC | c.O_NONBLOCK))
    this.need(this.control(c.EPOLL_CTL_ADD, this.wakeFd, 0, c.POLLIN | c.EPOLLET))
    this.need(this.control(c.EPOLL_CTL_ADD, this.timerFd, 0, c.POLLIN | c.EPOLLET))
    this.wakeToken = { fd: this.wakeFd }
  }

  now(): number {
    return performance.now()
  }

  start(complete: (op: IoOp<unknown>) => void): void {
    this.readiness.start(complete)
  }

  submit(op: IoOp<unknown>): boolean {
    return this.readiness.submit(op)
  }

  cancel(op: IoOp<unknown>): boolean {
    return this.readiness.cancel(op)
  }

  poll(wait: boolean): number {
    let count = this.readiness.flush()
    const timeout = wait && count === 0 && !this.woken ? -1 : 0
    // A negative result is EINTR (a signal: return and let the kernel look around) or a closed driver.
    const found = this.libc.epollWait(this.epollFd, this.eventsAt, BATCH, timeout)
    for (let i = 0; i < found; i++) count += this.dispatch(i * EVENT_WORDS)
    if (wait) this.woken = false
    return count
  }

  arm(at: number): void {
    this.wanted = at
    // An earlier alarm stays as it is, and sets this one when it goes off: most timeouts are taken back before they end.
    if (at < this.armed) this.setTimer(at)
  }

  wake(): void {
    this.woken = true
    this.attachment?.schedule()
  }

  attach(turn: () => void): Attachment {
    this.attachment = attachToHost(this.libc.koffi, this.epollFd, turn, () => this.exit())
    return this.attachment
  }

  close(): void {
    if (this.epollFd < 0) return
    this.attachment?.close()
    this.readiness.close()
    this.release()
  }

  /** The thread exits with its kernel open: its sockets must not outlive it, as those of a process would not. */
  private exit(): void {
    for (const fd of this.readiness.fds.own()) this.libc.close(fd)
    this.close()
  }

  socket(kind: SocketKind): number {
    if (this.epollFd < 0) return CLOSED
    const fd = this.sockets.open(kind)
    if (fd >= 0) this.readiness.fds.adopt(fd, kind === 'udp4' || kind === 'udp6')
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

  closeFd(fd: number): number {
    return this.readiness.closeFd(fd)
  }

  describeError(result: number): readonly [name: string, text: string] {
    return describeError(result)
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

  private dispatch(at: number): number {
    const bits = this.events[at] as number
    const fd = this.events[at + DATA] as number
    if (fd === this.wakeFd) this.woken = true
    else if (fd === this.timerFd) this.onAlarm()
    else {
      const generation = this.events[at + DATA + 1] as number
      const readable = (bits & READ_EVENTS) !== 0
      const writable = (bits & WRITE_EVENTS) !== 0
      return this.readiness.event(fd, generation, readable, writable, (bits & END_EVENTS) !== 0)
    }
    return 0
  }

  private onAlarm(): void {
    this.armed = Number.POSITIVE_INFINITY
    if (this.wanted <= this.now()) this.wanted = Number.POSITIVE_INFINITY
    else if (this.wanted < Number.POSITIVE_INFINITY) this.setTimer(this.wanted)
  }

  private setTimer(at: number): void {
    const ms = Math.max(at - this.now(), 0)
    const seconds = Math.min(Math.floor(ms / 1000), MAX_SECONDS)
    // Zero would disarm it, so a time in the past is one nanosecond away.
    const nanoseconds = Math.min(Math.max(Math.ceil((ms - seconds * 1000) * 1e6), 1), 999_999_999)
    this.timer[4] = seconds
    this.timer[6] = nanoseconds
    this.libc.timerfdSettime(this.timerFd, 0, this.timerAt)
    this.armed = at
  }

  private control(action: number, fd: number, generation: number, events: number): number {
    this.event[0] = events
    this.event[DATA] = fd
    this.event[DATA + 1] = generation
    return this.libc.epollControl(this.epollFd, action, fd, this.eventAt)
  }

  private need(result: number): number {
    if (result >= 0) return result
    this.release()
    const [code, text] = describeError(result)
    throw new Error(`Cannot set up epoll: ${text} (${code})`)
  }

  private release(): void {
    for (const fd of [this.epollFd, this.wakeFd, this.timerFd]) if (fd >= 0) this.libc.close(fd)
    this.epollFd = this.wakeFd = this.timerFd = -1
  }
}

/** Wakes the kernel of another thread. The token is good until that kernel closes its driver. */
export function wakeFromThread(token: WakeToken): void {
  const libc = c.openLibc()
  libc.write(token.fd, libc.addressOf(ONE), ONE.byteLength)
}

const ONE = new BigUint64Array([1n])
