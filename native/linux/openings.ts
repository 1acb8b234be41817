/**
 * Opening what keeps its opener waiting: a FIFO without a peer, a file that another process has
 * leased.
 *
 * open(2) waits there, and takes the thread along, or one of the few that a ring has for files. So
 * everything is opened with O_NONBLOCK, which is cleared afterwards, and what open(2) would wait
 * for is waited for here. To write, there is ENXIO as long as nobody reads. To read, the FIFO is
 * open at once; it is held, as by an open(2) that waits, until there is a writer. Linux does not
 * say when, so it is asked: soon at first, then 20 times a second.
 */
import { CLOSED, type Request } from '../../kernel/driver/contract.js'
import { now } from '../../kernel/protocol/host-functions.js'
import { POLLIN } from '../posix/constants.js'
import { EAGAIN, EINTR, ENXIO } from '../posix/errno.js'
import { Alarm } from './alarm.js'
import { O_NONBLOCK } from './constants.js'
import { AT_EMPTY_PATH, AT_FDCWD, openFlags, pathBytes, STATX_BASIC, STATX_BYTES, statusFrom } from './files.js'
import type { Libc } from './libc.js'

const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 50
const SPLICE_NONBLOCK = 2
const O_ACCMODE = 3

type Open = Request & Request<'open'>

/** The opens of one driver that wait. */
export class Openings {
  private readonly libc: Libc
  private readonly anyPipe: number
  private readonly watch: (fd: number) => number
  /** Each with the descriptor that it holds, or a negative number. */
  private readonly waiting = new Map<Open, number>()
  private alarm: Alarm | null = null
  private pauseMs = FIRST_PAUSE_MS
  private readonly pollfd = new Int32Array(2)
  private readonly pollfdAt: number

  /**
   * @param anyPipe where a byte more does no harm: the driver's own pipe, which wakes it.
   * @param watch has the driver call `look` whenever this alarm's fd becomes readable; negative: it
   * cannot.
   */
  constructor(libc: Libc, anyPipe: number, watch: (fd: number) => number) {
    this.libc = libc
    this.anyPipe = anyPipe
    this.watch = watch
    this.pollfdAt = libc.addressOf(this.pollfd)
  }

  get alarmFd(): number {
    return this.alarm?.fd ?? -1
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
    const path = pathBytes(request.input.path)
    let result: number
    do
      result = this.libc.openat(AT_FDCWD, this.libc.addressOf(path), openFlags(request.input.flags), request.input.mode)
    while (result === EINTR)
    return result
  }

  /** Would open(2) have returned this descriptor? Then it becomes what open(2) would have given. */
  private isComplete(request: Open, fd: number): boolean {
    const reads = (openFlags(request.input.flags) & O_ACCMODE) === 0
    if (reads && this.isFifo(fd, new Uint8Array(1), AT_EMPTY_PATH) && !this.hasWriter(fd)) return false
    this.libc.setStatusFlags(fd, openFlags(request.input.flags) & ~O_NONBLOCK)
    return true
  }

  /** Would open(2) have waited instead of failing? */
  private isToBeTried(request: Open, result: number): boolean {
    return result === EAGAIN || (result === ENXIO && this.isFifo(AT_FDCWD, pathBytes(request.input.path), 0))
  }

  /** One that came, wrote and went counts, too. */
  private hasWriter(fd: number): boolean {
    this.pollfd[0] = fd
    this.pollfd[1] = POLLIN
    if (this.libc.poll(this.pollfdAt, 1, 0) > 0) return true
    // Of an empty FIFO nothing can be copied; only with a writer is that for the moment.
    return this.libc.tee(fd, this.anyPipe, 1, SPLICE_NONBLOCK) !== 0
  }

  private isFifo(fd: number, path: Uint8Array, flags: number): boolean {
    const { libc } = this
    const answer = new Uint8Array(STATX_BYTES)
    const result = libc.statx(fd, libc.addressOf(path), flags, STATX_BASIC, libc.addressOf(answer))
    return result === 0 && statusFrom(answer).kind === 'pipe'
  }

  private setAlarm(): number {
    if (this.alarm === null) {
      const alarm = new Alarm(this.libc)
      const result = alarm.fd < 0 ? alarm.fd : this.watch(alarm.fd)
      if (result < 0) {
        alarm.close()
        return result
      }
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
