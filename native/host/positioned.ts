/**
 * Reads and writes of files, where the disk would take the thread: off the loop, at a position. One
 * that goes on where the last one ended claims its stretch of the file first, so that it is one at
 * a position, too, and can be taken back.
 */
import { type IoOp, isIntact, READ } from '../../kernel/driver/contract.js'
import { EFAULT } from '../posix/errno.js'
import { deliverRead, MOST_BYTES, readWork, writeWork } from './byte-work.js'
import type { OffLoop, Outcome, Work } from './off-loop.js'

/** The stretch of a file that an op works on. */
interface Place {
  /** Negative: at the end, wherever that is. */
  readonly at: number
}

/** What a platform knows about positions. */
export interface Files<P extends Place> {
  /** The place of an op that goes on where the last one ended; null if its file has none. */
  claim(op: IoOp, most: number): P | null
  /** Such an op has moved so many bytes. */
  settle(op: IoOp, place: P, moved: number): void
  /** Another descriptor of the same file, or a negative errno. */
  duplicate(fd: number): number
  close(fd: number): void
}

/** The ops on files of one driver. */
export class Positioned<P extends Place = Place> {
  private readonly places = new Map<IoOp, P>()

  /** @param attached Is a host's loop under the driver? */
  constructor(
    private readonly offLoop: OffLoop,
    private readonly attached: () => boolean,
    private readonly files: Files<P>,
  ) {}

  /**
   * True if it is complete. False: `finish` is called from a later poll, when it is. Null: it is
   * not for here, its file has no positions, or the thread may as well be taken.
   */
  submit(op: IoOp, finish: () => void): boolean | null {
    let at = op.position
    if (at < 0) {
      const place = this.attached() ? this.files.claim(op, op.kind === READ || !op.all ? MOST_BYTES : op.length) : null
      if (place === null) return null
      this.places.set(op, place)
      at = place.at
    }
    if (!op.lend && !isIntact(op)) return this.completed(op, EFAULT)
    if (op.kind === READ) {
      return this.run(op, readWork(op, at), (outcome) => this.completed(op, deliverRead(op, outcome)), finish)
    }
    const settle = ([result, written]: Outcome): true => {
      op.moved = written as number
      return this.completed(op, result)
    }
    const fd = this.files.duplicate(op.fd)
    // There is no descriptor left, and an open file can be written all the same: on this thread.
    if (fd < 0) return settle(writeWork(op, at, op.fd, () => {}).now())
    return this.run(
      op,
      writeWork(op, at, fd, (own) => this.files.close(own)),
      settle,
      finish,
    )
  }

  has(op: IoOp): boolean {
    return this.offLoop.has(op)
  }

  /**
   * True if it will not finish, and has done nothing. A write that has begun finishes, and says how
   * far it came.
   */
  withdraw(op: IoOp): boolean {
    if (!this.offLoop.withdraw(op)) return false
    this.settle(op, 0)
    return true
  }

  /** It will not finish, whatever becomes of it. */
  disown(op: IoOp): void {
    this.offLoop.disown(op)
    this.places.delete(op)
  }

  private run(op: IoOp, work: Work, settle: (outcome: Outcome) => void, finish: () => void): boolean {
    if (!this.attached() || work.once) {
      settle(work.now())
      return true
    }
    this.offLoop.add(op, work, (outcome) => {
      settle(outcome)
      finish()
    })
    return false
  }

  private completed(op: IoOp, result: number): true {
    op.result = result
    this.settle(op, op.kind === READ ? Math.max(result, 0) : op.moved)
    return true
  }

  private settle(op: IoOp, moved: number): void {
    const place = this.places.get(op)
    if (place === undefined) return
    this.places.delete(op)
    this.files.settle(op, place, moved)
  }
}
