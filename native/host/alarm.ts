/**
 * The alarm of a guest whose driver has none that the host could watch: a timer of the host's.
 *
 * It may go off early by the fraction of a millisecond that the host rounds away; the turn then
 * arms it again.
 */
import { clearTimeout, now, setTimeout } from '../../kernel/protocol/host-functions.js'

/** The longest wait that a host's timer can take, in milliseconds: they count in signed 32 bits. */
const LONGEST_MS = 0x7fffffff

/** One alarm. */
export class HostAlarm {
  private turn: (() => void) | null = null
  private timer: ReturnType<typeof setTimeout> | null = null
  private at = Number.POSITIVE_INFINITY
  private referenced = false

  /** From now on it calls this. */
  start(turn: () => void): void {
    this.turn = turn
  }

  /** Replaces the last time; Infinity: never. */
  set(at: number): void {
    if (this.turn === null || at === this.at) return
    this.clear()
    this.at = at
    if (at === Number.POSITIVE_INFINITY) return
    const ms = Math.min(LONGEST_MS, Math.max(0, Math.ceil(at - now())))
    this.timer = setTimeout(() => this.goOff(), ms)
    if (!this.referenced) this.timer.unref()
  }

  refer(referenced: boolean): void {
    this.referenced = referenced
    if (referenced) this.timer?.ref()
    else this.timer?.unref()
  }

  close(): void {
    this.turn = null
    this.clear()
  }

  private goOff(): void {
    this.timer = null
    this.at = Number.POSITIVE_INFINITY
    this.turn?.()
  }

  private clear(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.at = Number.POSITIVE_INFINITY
  }
}
