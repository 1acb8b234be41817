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
import type { FileWatcher } from '../../kernel/driver/contract.js'
import { SystemError } from '../../kernel/protocol/errors.js'
import type { News, Watch } from '../host/guest.js'
import { watchDescriptor } from '../host/guest-poll.js'
import { hostHasFds } from '../host/host-work.js'
import { ReadinessDriver } from '../host/readiness-driver.js'
import type { Alarm } from '../posix/alarm.js'
import { Descriptor } from '../posix/descriptor.js'
import { describeError, EEXIST, EINTR, ENOENT } from '../posix/errno.js'
import { WakePipe } from '../posix/wake-pipe.js'
import * as c from './constants.js'
import { openInotify } from './inotify.js'
import { type Libc, openLibc } from './libc.js'
import { TimerFd } from './timerfd.js'

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

/** Readiness by epoll. */
export class EpollDriver extends ReadinessDriver<Libc> {
  readonly name = 'epoll'
  /** The host opens its files. */
  readonly can = hostHasFds() ? c.CAN : { ...c.CAN, files: false }
  protected readonly alarm = new TimerFd(this.libc)
  private readonly wake = new WakePipe(this.libc)
  readonly wakeToken = this.wake.token
  private forOpenings: TimerFd | null = null
  private readonly events = new Int32Array(BATCH * EVENT_WORDS)
  private readonly eventsAt = this.libc.addressOf(this.events)
  private readonly event = new Int32Array(EVENT_WORDS)
  private readonly eventAt = this.libc.addressOf(this.event)
  private readonly epoll: Descriptor

  /**
   * @param note why it is this driver and not a better one.
   * @throws SystemError if the system gives no more fds.
   */
  constructor(note?: string) {
    super(openLibc(), note)
    this.epoll = new Descriptor(this.libc, this.libc.epollCreate(c.CLOEXEC))
    this.need('timerfd_create', this.alarm.fd)
    this.need('pipe', this.wake.fd)
    this.need('epoll_create', this.epoll.fd)
    this.need('epoll_ctl', this.watchForUs(this.wake.fd))
    this.need('epoll_ctl', this.watchForUs(this.alarm.fd))
  }

  watcher(): FileWatcher | number {
    return openInotify(this.libc)
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

  protected openingsAlarm(): Alarm | number {
    const alarm = new TimerFd(this.libc)
    const result = alarm.fd < 0 ? alarm.fd : this.watchForUs(alarm.fd)
    if (result < 0) {
      alarm.close()
      return result
    }
    this.forOpenings = alarm
    return alarm
  }

  protected override exitDescriptor(pid: number): number {
    return this.libc.pidfdOpen(pid)
  }

  protected hear(news: News): Watch {
    return watchDescriptor(this.libc, this.epoll.fd)(news)
  }

  protected override release(): void {
    super.release()
    this.wake.close()
    this.epoll.close()
  }

  protected takeIn(wait: boolean): void {
    const found = this.libc.epollWait(this.epoll.fd, this.eventsAt, BATCH, wait ? -1 : 0)
    // After a signal the kernel looks around. Anything else would fail again, for ever.
    if (found < 0 && found !== EINTR && !this.closed)
      throw new Error(`Cannot wait for epoll: ${describeError(found).join(', ')}`)
    for (let i = 0; i < found; i++) this.dispatch(i * EVENT_WORDS)
  }

  private dispatch(at: number): void {
    const bits = this.events[at] as number
    const fd = this.events[at + DATA] as number
    if (fd === this.wake.fd) {
      this.woken = true
      this.wake.empty()
    } else if (fd === this.alarm.fd) this.alarm.wentOff()
    else if (fd === this.forOpenings?.fd) this.lookAtOpenings()
    else {
      const generation = this.events[at + DATA + 1] as number
      const readable = (bits & READ_EVENTS) !== 0
      const writable = (bits & WRITE_EVENTS) !== 0
      this.readiness.event(fd, generation, readable, writable, (bits & END_EVENTS) !== 0)
    }
  }

  /** One of the driver's own. */
  private watchForUs(fd: number): number {
    return this.control(c.EPOLL_CTL_ADD, fd, 0, c.POLLIN | c.EPOLLET)
  }

  private control(action: number, fd: number, generation: number, events: number): number {
    this.event[0] = events
    this.event[DATA] = fd
    this.event[DATA + 1] = generation
    return this.libc.epollControl(this.epoll.fd, action, fd, this.eventAt)
  }

  private need(syscall: string, result: number): void {
    if (result >= 0) return
    this.release()
    const [code, text] = describeError(result)
    throw new SystemError({ code, errno: result, syscall, text })
  }
}
