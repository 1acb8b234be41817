/**
 * The driver for macOS and FreeBSD: kqueue.
 *
 * A kqueue is asked for reading and writing separately, in one list with whatever else is to
 * change, and that list goes out with the next poll (kqueue.ts). Everything is told once a change
 * (EV_CLEAR), as under epoll, so a registration stays for the life of a socket. The alarm is a
 * timer of the same queue, and other threads trigger an event of it.
 *
 * It runs on any system that has the functions, also in a library beside the C library: the tests
 * run it on Linux that way.
 */
import type { WakeToken } from '../../kernel/driver/contract.js'
import type { Capabilities } from '../../kernel/protocol/capabilities.js'
import { SystemError } from '../../kernel/protocol/errors.js'
import type { News, Watch } from '../host/guest.js'
import { watchDescriptor } from '../host/guest-poll.js'
import { ReadinessDriver } from '../host/readiness-driver.js'
import type { Alarm } from '../posix/alarm.js'
import { describeError, ENOENT } from '../posix/errno.js'
import type { Libc } from '../posix/libc.js'
import { WakePipe } from '../posix/wake-pipe.js'
import { EV_ADD, EV_CLEAR, EV_DELETE, EV_EOF, EV_ERROR } from './kevent.js'
import { Kqueue, type KqueueSource, WAKE } from './kqueue.js'
import { Notes } from './notes.js'
import { KqueueTimer } from './timer.js'
import { userToken } from './wake-user.js'

/** Idents of the driver's timers. */
const ALARM = 1
const OPENINGS = 2

/** Where it runs. */
export interface KqueueHost {
  readonly libc: Libc
  readonly can: Capabilities
  readonly source: KqueueSource
}

/** Readiness by kqueue. */
export class KqueueDriver extends ReadinessDriver {
  readonly name = 'kqueue'
  readonly can: Capabilities
  readonly wakeToken: WakeToken
  protected readonly alarm: Alarm
  private readonly kqueue: Kqueue
  /** Where there is no EVFILT_USER. */
  private readonly wakePipe: WakePipe | null = null
  /** Ends of processes, changes of files. */
  readonly notes: Notes
  private turning = false

  /**
   * @param note why it is this driver and not a better one.
   * @throws Error if there is no such library, or the system gives no more fds.
   */
  constructor({ libc, can, source }: KqueueHost, note?: string) {
    super(libc, note)
    this.can = can
    this.kqueue = new Kqueue(libc, source)
    this.alarm = new KqueueTimer(this.kqueue, ALARM)
    this.notes = new Notes(this.kqueue)
    const { USER, READ } = this.kqueue.abi
    if (USER === null) this.wakePipe = new WakePipe(libc)
    this.wakeToken = this.wakePipe?.token ?? userToken(this.kqueue.descriptor.fd, source)
    this.need(this.kqueue.descriptor.fd)
    if (USER !== null) this.need(this.kqueue.apply(WAKE, USER, EV_ADD | EV_CLEAR))
    else if (this.wakePipe !== null) {
      this.need(this.wakePipe.fd)
      this.need(this.kqueue.apply(this.wakePipe.fd, READ, EV_ADD | EV_CLEAR))
    }
  }

  override closeFd(fd: number): number {
    this.notes.unwatchFile(fd)
    return super.closeFd(fd)
  }

  override arm(at: number): void {
    super.arm(at)
    this.flush()
  }

  /**
   * A socket of ours can be watched both ways; of other files only one may be possible. Reading
   * comes last: libkqueue takes its end-of-file back when writing is added to it.
   */
  watch(fd: number, generation: number, _again: boolean): number {
    const { kqueue } = this
    const { READ, WRITE } = kqueue.abi
    if (this.readiness.fds.at(fd)?.own) {
      if (!kqueue.abi.forgets) this.unwatch(fd)
      const writes = kqueue.add(fd, WRITE, EV_ADD | EV_CLEAR, 0, 0, generation)
      const reads = kqueue.add(fd, READ, EV_ADD | EV_CLEAR, 0, 0, generation)
      this.flush()
      return Math.min(reads, writes)
    }
    const writes = kqueue.apply(fd, WRITE, EV_ADD | EV_CLEAR, 0, 0, generation)
    const reads = kqueue.apply(fd, READ, EV_ADD | EV_CLEAR, 0, 0, generation)
    return Math.max(reads, writes)
  }

  unwatch(fd: number): void {
    const { READ, WRITE } = this.kqueue.abi
    this.kqueue.apply(fd, READ, EV_DELETE)
    this.kqueue.apply(fd, WRITE, EV_DELETE)
  }

  protected openingsAlarm(): Alarm {
    return new KqueueTimer(this.kqueue, OPENINGS)
  }

  protected override exitDescriptor(pid: number): number {
    return this.kqueue.watchingExit(pid)
  }

  protected hear(news: News): Watch {
    return watchDescriptor(this.libc, this.kqueue.descriptor.fd)(news)
  }

  protected override turn(turn: () => void): void {
    this.turning = true
    try {
      super.turn(turn)
    } finally {
      this.turning = false
      if (!this.closed) this.flush()
    }
  }

  protected takeIn(wait: boolean): void {
    const found = this.kqueue.ask(wait)
    // Anything but a signal would fail again, for ever.
    if (found < 0) throw new Error(`Cannot wait for kqueue: ${describe(found)}`)
    for (let i = 0; i < found && !this.closed; i++) this.dispatch(i)
  }

  protected override release(): void {
    super.release()
    this.wakePipe?.close()
    this.kqueue.close()
  }

  /** What nobody is going to take along: a guest's turn is over, or has not begun. */
  private flush(): void {
    if (this.attachment !== null && !this.turning && !this.kqueue.flush()) this.attachment.schedule()
  }

  private dispatch(i: number): void {
    const { events, abi } = this.kqueue
    const ident = events.ident(i)
    const filter = events.filter(i)
    const flags = events.flags(i)
    const isPipe = filter === abi.READ && ident === this.wakePipe?.fd
    if ((flags & EV_ERROR) === 0 && filter === abi.READ && !isPipe) {
      this.readiness.event(ident, events.udata(i), true, false, (flags & EV_EOF) !== 0)
    } else if ((flags & EV_ERROR) === 0 && filter === abi.WRITE) {
      this.readiness.event(ident, events.udata(i), false, true, false)
    } else if (isPipe || filter === abi.USER) {
      this.woken = true
      this.wakePipe?.empty()
    } else if (filter === abi.TIMER) {
      if ((flags & EV_ERROR) === 0) this.timerWentOff(ident)
      // There was none to delete. Without an alarm nothing would ever end in time.
      else if (-events.data(i) !== ENOENT) throw new Error(`Cannot set an alarm: ${describe(-events.data(i))}`)
    } else if (!this.notes.heard(filter, ident, events.fflags(i), events.data(i))) {
      this.readiness.refused(ident, events.udata(i), -events.data(i))
    }
  }

  private timerWentOff(ident: number): void {
    if (ident === ALARM) this.alarm.wentOff()
    else this.lookAtOpenings()
  }

  private need(result: number): void {
    if (result >= 0) return
    this.release()
    const [code, text] = describeError(result)
    throw new SystemError({ code, errno: result, syscall: 'kqueue', text })
  }
}

function describe(result: number): string {
  const [code, text] = describeError(result)
  return `${text} (${code})`
}
