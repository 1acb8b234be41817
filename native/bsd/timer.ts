/**
 * The alarm of a kqueue driver: a timer of EVFILT_TIMER that goes off once.
 *
 * Adding it again sets it anew. Where the unit is a millisecond it goes off late by a fraction of
 * one.
 */
import { Alarm } from '../posix/alarm.js'
import { EV_ADD, EV_DELETE, EV_ONESHOT } from './kevent.js'
import type { Kqueue } from './kqueue.js'

/** A longer one goes off early and is set again: some systems count in few bits. */
const LONGEST_MS = 24 * 60 * 60 * 1000

/** One timer. */
export class KqueueTimer extends Alarm {
  constructor(
    private readonly kqueue: Kqueue,
    private readonly ident: number,
  ) {
    super()
  }

  close(): void {
    this.kqueue.add(this.ident, this.kqueue.abi.TIMER, EV_DELETE)
  }

  protected setTimer(ms: number): void {
    const { TIMER, unit, unitsPerMs } = this.kqueue.abi
    // Zero would be refused on some systems.
    const units = Math.max(1, Math.ceil(Math.min(ms, LONGEST_MS) * unitsPerMs))
    this.kqueue.add(this.ident, TIMER, EV_ADD | EV_ONESHOT, unit, units)
  }
}
