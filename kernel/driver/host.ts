/**
 * The host driver: timers from the host's `setTimeout` and nothing else.
 *
 * It is for browsers and for platforms without a native driver. It cannot block the thread, so it
 * serves guests only.
 */

import type { Capabilities } from '../protocol/capabilities.js'
import { Fifo } from '../protocol/fifo.js'
import {
  canWatchFiles,
  clearTimeout,
  MessageChannel,
  now,
  setImmediate,
  setTimeout,
} from '../protocol/host-functions.js'
import type { Attachment, Driver } from './contract.js'
import { TIMERS_ONLY, TimersOnlyDriver } from './timers-only.js'

/** The longest wait that a host's timer can take, in milliseconds: they count in signed 32 bits. */
const LONGEST_MS = 0x7fffffff

interface HostTimer {
  ref?(): void
  unref?(): void
}

/**
 * A driver for places without native I/O.
 *
 * @example
 * import { run, sleep } from 'drupe'
 * import { HostDriver } from 'drupe/lowlevel'
 *
 * await run(() => sleep(1), { driver: new HostDriver() }) // as in a browser
 */
export class HostDriver extends TimersOnlyDriver implements Driver {
  readonly name = 'host'
  override readonly can: Capabilities = { ...TIMERS_ONLY, blocking: false, watch: canWatchFiles }
  readonly note: string | undefined
  private turn: (() => void) | null = null
  private timer: ReturnType<typeof setTimeout> | null = null
  private timerAt = Number.POSITIVE_INFINITY
  private scheduled = false
  private held = false

  /** @param note Why it is this driver and not a better one, for debug mode. */
  constructor(note?: string) {
    super()
    this.note = note
  }

  now(): number {
    return now()
  }

  /** What there is, the host brings by itself. */
  poll(_wait: boolean): void {}

  override arm(at: number): void {
    super.arm(at)
    if (at !== this.timerAt) this.set(at)
  }

  /** Without an alarm there is no timer, except while it is to keep the host alive. */
  private set(at: number): void {
    this.disarm()
    if (this.turn === null || (at === Number.POSITIVE_INFINITY && !this.held)) return
    // A host's timer may fire early by the fraction of a millisecond that it rounds away; the turn
    // then arms it again.
    const ms = Math.min(LONGEST_MS, Math.max(0, Math.ceil(at - this.now())))
    this.timerAt = at
    this.timer = setTimeout(() => {
      this.timer = null
      this.timerAt = Number.POSITIVE_INFINITY
      this.turn?.()
    }, ms)
    if (!this.held) (this.timer as HostTimer).unref?.()
  }

  attach(turn: () => void): Attachment {
    this.turn = turn
    return {
      schedule: () => this.schedule(),
      ref: () => this.hold(true),
      unref: () => this.hold(false),
      close: () => this.close(),
    }
  }

  close(): void {
    this.turn = null
    this.disarm()
  }

  private hold(held: boolean): void {
    this.held = held
    const timer = this.timer as HostTimer | null
    if (timer === null) this.set(this.alarm)
    else if (held) timer.ref?.()
    else timer.unref?.()
  }

  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    soon(() => {
      this.scheduled = false
      this.turn?.()
    })
  }

  private disarm(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.timerAt = Number.POSITIVE_INFINITY
  }
}

/**
 * The host's next turn. Browsers slow nested zero timeouts down to 4 ms, but not a message channel.
 */
const soon: (callback: () => void) => void = (() => {
  if (setImmediate !== undefined) return setImmediate
  if (MessageChannel === undefined) return (callback) => void setTimeout(callback, 0)
  const { port1, port2 } = new MessageChannel()
  const queue = new Fifo<() => void>()
  // Node's own types leave out what its ports and those of browsers have in common.
  ;(port1 as unknown as { onmessage: () => void }).onmessage = () => queue.take()()
  return (callback) => {
    queue.add(callback)
    port2.postMessage(null)
  }
})()
