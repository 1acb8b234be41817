/**
 * What has happened at an end of the host's, and whether more is to come.
 *
 * node:tls does not say that it has nothing more to do. It works on the thread of the loop, so it
 * is given some turns: when none of them brought anything, it waits for bytes. Only two things
 * depend on that: what leaves by itself, as tickets do, and whether an end without a close_notify
 * is a cut.
 */
import { setImmediate } from '../../kernel/protocol/host-functions.js'

/** Turns of the loop without any event after which it has done what it could. */
const QUIET_TURNS = 3

export class News {
  private readonly wakes = new Set<() => void>()
  /** Counts what has happened, and what had when somebody looked. */
  private events = 0
  private seen = -1
  private quietTurns = QUIET_TURNS

  /** More may come without being asked for. */
  get isTurning(): boolean {
    return this.quietTurns < QUIET_TURNS
  }

  get isNew(): boolean {
    return this.seen !== this.events
  }

  /** Somebody looks now. */
  look(): void {
    this.seen = this.events
  }

  /** Calls back once; returns what takes that back. */
  next(wake: () => void): () => void {
    this.wakes.add(wake)
    return () => void this.wakes.delete(wake)
  }

  happened(): void {
    this.events++
    if (this.isTurning) this.quietTurns = 0
    for (const wake of [...this.wakes]) {
      this.wakes.delete(wake)
      wake()
    }
  }

  /** The end was given something to do. */
  settle(): void {
    const { isTurning } = this
    this.quietTurns = 0
    if (!isTurning) setImmediate(() => this.turn())
  }

  private turn(): void {
    if (++this.quietTurns < QUIET_TURNS) setImmediate(() => this.turn())
    else this.happened()
  }
}
