/**
 * The base of drivers that are told "try again now": epoll, kqueue, poll(2).
 *
 * What a try is, and what waits for one, is in posix/readiness.ts. This is the life around it: the
 * order of a poll, the turn of a guest, the end. A mechanism says how a descriptor is watched, how
 * news are taken in, and how the host's loop hears of them.
 */
import type { Attachment, IoOp } from '../../kernel/driver/contract.js'
import type { FdState } from '../posix/fds.js'
import type { Libc } from '../posix/libc.js'
import { Readiness, type Watcher } from '../posix/readiness.js'
import { attachToHost, type News, type Watch } from './guest.js'
import { PosixDriver } from './posix-driver.js'

/** A driver of readiness. */
export abstract class ReadinessDriver<L extends Libc = Libc> extends PosixDriver<L> implements Watcher {
  protected readonly readiness: Readiness

  constructor(libc: L, note?: string) {
    super(libc, note)
    this.readiness = new Readiness(libc, this, this.positioned)
  }

  abstract watch(fd: number, generation: number, again: boolean): number
  abstract unwatch(fd: number): void
  /** Takes in what has happened; `wait`: as soon as anything has. */
  protected abstract takeIn(wait: boolean): void
  /** How the host's loop hears that there is something. */
  protected abstract hear(news: News): Watch

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
    if (this.closed) return
    const handed = this.offLoop.poll(wait)
    const flushed = this.readiness.flush() || handed
    const { readQueue } = this.readiness
    readQueue.limit(loans)
    if (!readQueue.suffices()) {
      const idle = wait && !flushed && readQueue.isEmpty && !this.woken
      if (idle) this.beforeWait()
      this.takeIn(idle)
    }
    if (wait) this.woken = false
    readQueue.serve()
  }

  attach(turn: () => void): Attachment {
    const guest = { turn: () => this.turn(turn), exit: () => this.exit() }
    this.attachment = attachToHost(guest, (news) => this.hear(news))
    return this.attachment
  }

  closeFd(fd: number): number {
    return this.readiness.closeFd(fd)
  }

  openSockets(): number {
    return this.readiness.fds.own().length
  }

  close(): void {
    if (this.closed) return
    this.attachment?.close()
    this.readiness.close()
    this.closeRequests()
    this.release()
  }

  protected stateOf(fd: number): FdState | undefined {
    return this.readiness.fds.at(fd)
  }

  protected adopt(fd: number, datagrams: boolean): void {
    this.readiness.adopt(fd, datagrams)
  }

  /** Those in the queue have had their event, so the host will not hear of them again. */
  protected turn(turn: () => void): void {
    try {
      turn()
    } finally {
      if (!this.readiness.readQueue.isEmpty) this.attachment?.schedule()
    }
  }

  /**
   * The thread exits with its kernel open: its sockets must not outlive it, as those of a process
   * would not.
   */
  private exit(): void {
    for (const fd of this.readiness.fds.own()) this.libc.close(fd)
    this.close()
  }
}
