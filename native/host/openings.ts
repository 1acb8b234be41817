/**
 * Opening what keeps its opener waiting: a FIFO without a peer, a file that another process has
 * leased.
 *
 * open(2) waits there, and takes the thread along, or one of the few that a ring has for files. So
 * everything is opened with O_NONBLOCK, which is cleared afterwards, and what open(2) would wait
 * for is waited for here. To write, there is ENXIO as long as nobody reads. To read, the FIFO is
 * open at once; it is held, as by an open(2) that waits, until there is a writer. No system says
 * when, so it is asked: soon at first, then 20 times a second.
 */
import { CLOSED, type Request } from '../../kernel/driver/contract.js'
import { now } from '../../kernel/protocol/host-functions.js'
import type { Alarm } from '../posix/alarm.js'
import { EAGAIN, EINTR, ENXIO } from '../posix/errno.js'
import type { Libc } from '../posix/libc.js'
import { hostFlags } from './host-work.js'

const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 50
const O_ACCMODE = 3

type Open = Request & Request<'open'>

/** The opens of one driver that wait. */
export class Openings {
  private readonly libc: Libc
  private readonly makeAlarm: () => Alarm | number
  /** Each with the descriptor that it holds, or a negative number. */
  private readonly waiting = new Map<Open, number>()
  private alarm: Alarm | null = null
  private pauseMs = FIRST_PAUSE_MS

  /**
   * @param makeAlarm an alarm at which the driver calls `look`; negative: it cannot.
   */
  constructor(libc: Libc, makeAlarm: () => Alarm | number) {
    this.libc = libc
    this.makeAlarm = makeAlarm
  }

  /**
   * An open with O_NONBLOCK has ended with this. True: the request is complete. False: it waits
   * here.
   */
  opened(request: Open, result: number): boolean {
    if (result >= 0 ? this.isComplete(request, result) : !this.isToBeTried(request, result)) {
      return completed(request, result)
    }
    this.waiting.set(request, result)
    this.pauseMs = FIRST_PAUSE_MS
    const failure = this.setAlarm()
    if (failure >= 0) return false
    this.cancel(request)
    return completed(request, failure)
  }

  /** True if it waited here: it is withdrawn. */
  cancel(request: Open): boolean {
    const fd = this.waiting.get(request)
    if (fd === undefined) return false
    this.waiting.delete(request)
    if (fd >= 0) this.libc.close(fd)
    return true
  }

  /** The alarm went off: the requests that are complete. */
  look(): Open[] {
    this.alarm?.wentOff()
    const complete: Open[] = []
    for (const [request, held] of this.waiting) {
      const result = held >= 0 ? held : this.tryOpen(request)
      if (result >= 0 ? this.isComplete(request, result) : !this.isToBeTried(request, result)) {
        this.waiting.delete(request)
        completed(request, result)
        complete.push(request)
      } else this.waiting.set(request, result)
    }
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS)
    if (this.waiting.size > 0) this.setAlarm()
    return complete
  }

  /** Lets go of everything; those that waited. */
  close(): Open[] {
    const requests = [...this.waiting.keys()]
    for (const request of requests) this.cancel(request)
    this.alarm?.close()
    this.alarm = null
    for (const request of requests) request.result = CLOSED
    return requests
  }

  private tryOpen(request: Open): number {
    const { libc } = this
    const { path, flags, mode } = request.input
    const bytes = new TextEncoder().encode(`${path}\0`)
    let result: number
    do result = libc.open(libc.addressOf(bytes), hostFlags(flags) | libc.constants.O_CLOEXEC, mode)
    while (result === EINTR)
    return result
  }

  /** Would open(2) have returned this descriptor? Then it becomes what open(2) would have given. */
  private isComplete(request: Open, fd: number): boolean {
    const { libc } = this
    const flags = hostFlags(request.input.flags)
    if ((flags & O_ACCMODE) === 0 && libc.isFifo(fd) && !libc.hasWriter(fd)) return false
    libc.setStatusFlags(fd, flags & ~libc.constants.O_NONBLOCK)
    return true
  }

  /** Would open(2) have waited instead of failing? */
  private isToBeTried(request: Open, result: number): boolean {
    return result === EAGAIN || (result === ENXIO && this.libc.isFifo(request.input.path))
  }

  private setAlarm(): number {
    if (this.alarm === null) {
      const alarm = this.makeAlarm()
      if (typeof alarm === 'number') return alarm
      this.alarm = alarm
    }
    this.alarm.set(now() + this.pauseMs)
    return 0
  }
}

function completed(request: Open, result: number): true {
  request.result = result
  request.output = result
  return true
}
