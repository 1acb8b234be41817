/**
 * Off the loop: what would take the thread is done by the host's own threads, and its completion
 * waits here for a poll.
 *
 * Node's file system and its resolver have such threads, with call-backs that are safe in workers
 * too; so there is nothing to start and nothing to bind (docs/decisions: measured beside koffi's
 * own). At most MOST_UNDER_WAY are with the host at a time. The rest waits in a queue here, from
 * which it can be withdrawn. What is with the host is disowned instead: it ends for nobody, and
 * what it brings is given back. Nothing of a task's is lent to another thread: bytes are copied
 * both ways (host-work.ts).
 *
 * A blocking run has the thread, and no call-back comes. There all is done at once, and a poll that
 * waits does at once what an attached driver had under way. The other thread may do the same again
 * afterwards, so what must not be done twice never comes here (`once`), or is not done here when
 * another thread has begun it (`alone`).
 */
import { Fifo } from '../../kernel/protocol/fifo.js'
import { EBUSY } from '../posix/errno.js'

/** As many threads as the host has for this by default. */
const MOST_UNDER_WAY = 4

/** A result, and what belongs to it. */
export type Outcome = readonly [result: number, output: unknown]

/** One piece of work. */
export type Work = WorkBeside | WorkOnce

/**
 * Work that a second time would spoil: bytes at the end of a file, a name, what somebody has
 * written meanwhile. A blocking run could neither wait for it on another thread nor do it again, so
 * it is done on this one.
 */
export interface WorkOnce {
  readonly once: true
  now(): Outcome
}

/** Work for another thread. */
export interface WorkBeside {
  readonly once?: undefined
  /** Has the host do it on another thread. */
  begin(done: (outcome: Outcome) => void): void
  /** Does it on this one. */
  now(): Outcome
  /**
   * A second time would spoil it, and it takes too long to be done on this thread. If it has begun,
   * a blocking run says EBUSY, and it goes on for nobody.
   */
  readonly alone?: boolean
  /**
   * It changes something, so it cannot be taken back when it has begun: it ends soon, and says how
   * far it came.
   */
  stop?(): void
  /** It was never begun, and will not be. */
  abandon?(): void
  /** Nobody wants what it brought. */
  discard?(outcome: Outcome): void
}

interface Entry {
  readonly owner: object
  readonly work: WorkBeside
  /** Null once it is disowned. */
  finish: ((outcome: Outcome) => void) | null
  outcome: Outcome | null
  begun: boolean
  /** It was done on this thread meanwhile. */
  taken: boolean
}

/** The work of one driver; each piece is known by the op or the request that it is for. */
export class OffLoop {
  private readonly entries = new Map<object, Entry>()
  private readonly queue = new Fifo<Entry>()
  private readonly done: Entry[] = []
  private underWay = 0
  private readonly onNews: () => void

  /** @param onNews called when there is something for the next poll. */
  constructor(onNews: () => void) {
    this.onNews = onNews
  }

  /** Does it on another thread; `finish` is called from a later poll. */
  add(owner: object, work: WorkBeside, finish: (outcome: Outcome) => void): void {
    const entry: Entry = { owner, work, finish, outcome: null, begun: false, taken: false }
    this.entries.set(owner, entry)
    this.queue.add(entry)
    this.next()
  }

  has(owner: object): boolean {
    return this.entries.has(owner)
  }

  /** True if it was here: it will not finish, and what it brings is given back. */
  withdraw(owner: object): boolean {
    const entry = this.entries.get(owner)
    if (entry === undefined) return false
    if (entry.begun && entry.work.stop !== undefined) {
      entry.work.stop()
      return false
    }
    this.disown(owner)
    return true
  }

  /** It ends for nobody. */
  disown(owner: object): void {
    const entry = this.entries.get(owner)
    if (entry === undefined) return
    this.entries.delete(owner)
    entry.finish = null
    if (entry.begun) entry.work.stop?.()
    if (entry.outcome !== null) entry.work.discard?.(entry.outcome)
  }

  /** Hands over what is done; with `wait` all that there is. True if there was any. */
  poll(wait: boolean): boolean {
    let any = this.done.length > 0
    if (wait) for (const entry of [...this.entries.values()]) any = this.finishNow(entry) || any
    for (const entry of this.done.splice(0)) this.hand(entry)
    return any
  }

  /** Withdraws everything; whose it was. */
  close(): object[] {
    const owners = [...this.entries.keys()]
    for (const owner of owners) this.disown(owner)
    return owners
  }

  private next(): void {
    while (this.underWay < MOST_UNDER_WAY && this.queue.size > 0) {
      const entry = this.queue.take()
      if (entry.finish === null) {
        if (!entry.taken) entry.work.abandon?.()
        continue
      }
      this.underWay++
      entry.begun = true
      entry.work.begin((outcome) => this.ended(entry, outcome))
    }
  }

  private ended(entry: Entry, outcome: Outcome): void {
    this.underWay--
    if (entry.finish === null) {
      entry.work.discard?.(outcome)
    } else {
      entry.outcome = outcome
      this.done.push(entry)
      this.onNews()
    }
    this.next()
  }

  /** The other thread may be at it, too; what it brings is given back. */
  private finishNow(entry: Entry): boolean {
    const { finish, outcome, owner } = entry
    if (finish === null || outcome !== null) return false
    this.entries.delete(owner)
    entry.finish = null
    entry.taken = true
    if (entry.begun) entry.work.stop?.()
    finish(entry.begun && entry.work.alone ? [EBUSY, null] : entry.work.now())
    return true
  }

  private hand(entry: Entry): void {
    const { finish, outcome } = entry
    if (finish === null || outcome === null) return
    this.entries.delete(entry.owner)
    finish(outcome)
  }
}
