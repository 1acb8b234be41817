/**
 * The alarm of a driver: what the OS is told, and when.
 *
 * Setting the OS's timer is a system call, and most timeouts are cancelled before they end. So an
 * earlier alarm stays as it is, and sets the later one when it goes off. What the timer is (a
 * timerfd, a filter of kqueue's) is for the subclass to say.
 */
import { now } from '../../kernel/protocol/host-functions.js'

/** One alarm on the clock of the host. */
export abstract class Alarm {
  /** When the alarm is to go off, and when the timer will: never later, sometimes earlier. */
  private wanted = Number.POSITIVE_INFINITY
  private armed = Number.POSITIVE_INFINITY

  set(at: number): void {
    this.wanted = at
    if (at < this.armed) this.arm(at)
  }

  /** Has it go off within so many milliseconds, whatever was set; what was set stays. */
  within(ms: number): void {
    const at = now() + ms
    if (at < this.armed) this.arm(at)
  }

  /** The timer went off. */
  wentOff(): void {
    this.armed = Number.POSITIVE_INFINITY
    if (this.wanted <= now()) this.wanted = Number.POSITIVE_INFINITY
    else if (this.wanted < Number.POSITIVE_INFINITY) this.arm(this.wanted)
  }

  abstract close(): void
  /** Sets the timer, once; it replaces the last time. */
  protected abstract setTimer(ms: number): void

  private arm(at: number): void {
    this.setTimer(Math.max(at - now(), 0))
    this.armed = at
  }
}
