/**
 * The alarm of a Linux driver: one timerfd.
 *
 * The fd becomes readable when it goes off; the driver watches it edge-triggered, like everything
 * else, and never reads it. Setting it is a system call, so an earlier alarm stays as it is and
 * sets the later one when it goes off: most timeouts are cancelled before they end.
 */
import { now } from '../../kernel/protocol/host-functions.js'
import { Descriptor } from '../posix/descriptor.js'
import { CLOCK_MONOTONIC, CLOEXEC, O_NONBLOCK } from './constants.js'
import type { Libc } from './libc.js'

/**
 * The seconds of a timespec are written as 32 bits. An alarm beyond that goes off early and is set
 * again.
 */
const MAX_SECONDS = 0x7fffffff

/** One alarm on the clock of the host. */
export class Alarm extends Descriptor {
  declare protected readonly libc: Libc
  /** struct itimerspec: interval and value, each seconds and nanoseconds, 64 bits each. */
  private readonly timer = new Int32Array(8)
  private readonly timerAt: number
  /** When the alarm is to go off, and when the timerfd will: never later, sometimes earlier. */
  private wanted = Number.POSITIVE_INFINITY
  private armed = Number.POSITIVE_INFINITY

  constructor(libc: Libc) {
    super(libc, libc.timerfdCreate(CLOCK_MONOTONIC, CLOEXEC | O_NONBLOCK))
    this.timerAt = libc.addressOf(this.timer)
  }

  set(at: number): void {
    this.wanted = at
    if (at < this.armed) this.setTimer(at)
  }

  /** Has it go off within so many milliseconds, whatever was set; what was set stays. */
  within(ms: number): void {
    const at = now() + ms
    if (at < this.armed) this.setTimer(at)
  }

  /** The fd became readable. */
  wentOff(): void {
    this.armed = Number.POSITIVE_INFINITY
    if (this.wanted <= now()) this.wanted = Number.POSITIVE_INFINITY
    else if (this.wanted < Number.POSITIVE_INFINITY) this.setTimer(this.wanted)
  }

  private setTimer(at: number): void {
    const ms = Math.max(at - now(), 0)
    const seconds = Math.min(Math.floor(ms / 1000), MAX_SECONDS)
    // Zero would disarm it, so a time in the past is one nanosecond away.
    const nanoseconds = Math.min(Math.max(Math.ceil((ms - seconds * 1000) * 1e6), 1), 999_999_999)
    this.timer[4] = seconds
    this.timer[6] = nanoseconds
    this.libc.timerfdSettime(this.fd, 0, this.timerAt)
    this.armed = at
  }
}
