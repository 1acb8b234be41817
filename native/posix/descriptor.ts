/**
 * A descriptor that a driver has for itself: its alarm, its pipe, what it polls.
 *
 * It is closed once, by its owner, or with its thread if that is ended before. Operations know
 * nothing of it; those that they work on are in fds.ts.
 */
import type { Libc } from './libc.js'

/** One descriptor. */
export class Descriptor {
  /** Negative: a failed call's errno, or −1 when it is closed. */
  fd: number
  protected readonly libc: Libc

  /** @param result of the call that made it. */
  constructor(libc: Libc, result: number) {
    this.libc = libc
    this.fd = result
    libc.environment?.own(result)
  }

  close(): void {
    if (this.fd < 0) return
    this.libc.close(this.fd)
    this.fd = -1
  }
}
