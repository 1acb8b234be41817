/**
 * The read queue: the fds that can be read.
 *
 * News of an fd only puts it into the queue; a poll of the driver serves the head. So no fd is read
 * twice before all others were read once, however quick its peer, and only so many buffers are lent
 * as can be used soon: thousands of fds may be announced at once, and were all of them read then,
 * each would hold a buffer until its task is done with it.
 *
 * Small pieces are read by the dozen, so that what their tasks answer goes to the OS together. A
 * large piece is read alone: its task sees it while it is in the processor's cache, and the next
 * one comes into the same buffer.
 */
import type { FdState } from './fds.js'

/** For so many small pieces one poll reads. */
const SHARE = 16
/** So many polls in a row may serve the queue alone. */
const MOST_UNASKED = 16

/**
 * Fds whose data has been announced, in that order. It holds numbers, not files: an fd may have
 * been closed when its turn comes.
 */
export class ReadQueue<S extends FdState> {
  private first: S | null = null
  private last: S | null = null
  private unasked = 0
  /** What is left of this poll's share. */
  private share = SHARE
  private readonly read: (state: S) => boolean

  /** @param read reads for the fd's reader, if it still has one; true if that completed its op. */
  constructor(read: (state: S) => boolean) {
    this.read = read
  }

  get isEmpty(): boolean {
    return this.first === null
  }

  add(state: S): void {
    if (state.queued) return
    state.queued = true
    if (this.first === null) this.first = state
    else (this.last as S).nextQueued = state
    this.last = state
  }

  /**
   * Is there enough to do without asking the OS for more? Other fds have news, too, so the answer
   * is no now and then.
   */
  suffices(): boolean {
    if (this.first !== null && this.unasked < MOST_UNASKED) {
      this.unasked++
      return true
    }
    this.unasked = 0
    return false
  }

  /**
   * May an fd with a small piece be served without being here? Yes while the queue is empty; it
   * counts as if it had been.
   */
  passes(): boolean {
    if (this.first !== null || this.share <= 0) return false
    this.share--
    return true
  }

  /** In this poll so many buffers may be lent, and no more. */
  limit(loans: number): void {
    if (loans < this.share) this.share = loans
  }

  /** Reads for the first ones. */
  serve(): void {
    while (this.share > 0 && this.first !== null) {
      const state = this.first
      this.first = state.nextQueued as S | null
      state.nextQueued = null
      state.queued = false
      if (this.read(state)) this.share -= state.large ? SHARE : 1
    }
    this.share = SHARE
  }
}
