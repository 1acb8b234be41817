/**
 * The alarm of a Linux driver: one timerfd.
 *
 * The fd becomes readable when it goes off; the driver watches it edge-triggered, like everything
 * else, and never reads it: a new expiry is a new edge.
 */
import { Alarm } from '../posix/alarm.js'
import { Descriptor } from '../posix/descriptor.js'
import { CLOCK_MONOTONIC, CLOEXEC, O_NONBLOCK } from './constants.js'
import type { Libc } from './libc.js'

/**
 * The seconds of a timespec are written as 32 bits. An alarm beyond that goes off early and is set
 * again.
 */
const MAX_SECONDS = 0x7fffffff

/** One timerfd. */
export class TimerFd extends Alarm {
  private readonly descriptor: Descriptor
  /** struct itimerspec: interval and value, each seconds and nanoseconds, 64 bits each. */
  private readonly timer = new Int32Array(8)
  private readonly timerAt: number

  constructor(private readonly libc: Libc) {
    super()
    this.descriptor = new Descriptor(libc, libc.timerfdCreate(CLOCK_MONOTONIC, CLOEXEC | O_NONBLOCK))
    this.timerAt = libc.addressOf(this.timer)
  }

  /** Negative: there is none. */
  get fd(): number {
    return this.descriptor.fd
  }

  close(): void {
    this.descriptor.close()
  }

  protected setTimer(ms: number): void {
    const seconds = Math.min(Math.floor(ms / 1000), MAX_SECONDS)
    // Zero would disarm it, so a time in the past is one nanosecond away.
    const nanoseconds = Math.min(Math.max(Math.ceil((ms - seconds * 1000) * 1e6), 1), 999_999_999)
    this.timer[4] = seconds
    this.timer[6] = nanoseconds
    this.libc.timerfdSettime(this.fd, 0, this.timerAt)
  }
}
