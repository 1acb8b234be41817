/**
 * File operations on an io_uring.
 *
 * They belong to no side of an fd, and many may be under way at once; so here, and only here, requests are found again by a
 * number of their own. What the system reads and writes (the path, the answer) is held with the op until then.
 */
import { CANCELED, CLOSED, type IoOp, OPEN_FILE, STAT } from '../../../kernel/driver/contract.js'
import * as errno from '../../posix/errno.js'
import type { Files } from '../../posix/operations.js'
import { isInterrupted } from '../constants.js'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  isFileOp,
  openFlags,
  pathBytes,
  STATX_BASIC,
  STATX_BYTES,
  statusFrom,
} from '../files.js'
import type { Libc } from '../libc.js'
import type { Openings } from '../openings.js'
import { OP_ASYNC_CANCEL, OP_FSYNC, OP_OPENAT, OP_STATX, type Ring } from './ring.js'

/** The key of all requests here; their number takes the place of the fd. */
export const FILE = 4 << 24

/** A request under way, with its memory. */
interface UnderWay {
  readonly op: IoOp<unknown>
  readonly path: Uint8Array
  readonly answer: Uint8Array
  leaves: boolean
}

/** The file operations of one ring. */
export class FileRequests implements Files {
  private readonly libc: Libc
  private readonly ring: Ring
  private readonly openings: Openings
  private readonly underWay = new Map<number, UnderWay>()
  private last = 0

  constructor(libc: Libc, ring: Ring, openings: Openings) {
    this.libc = libc
    this.ring = ring
    this.openings = openings
  }

  isFileOp(op: IoOp<unknown>): boolean {
    return isFileOp(op)
  }

  submit(op: IoOp<unknown>): false {
    const path = pathBytes(op)
    const answer = new Uint8Array(op.kind === STAT ? STATX_BYTES : 0)
    const { requests } = this.ring
    if (op.kind === OPEN_FILE) {
      const at = this.begin(OP_OPENAT, AT_FDCWD, op, path, answer)
      this.ring.point(at, this.libc.addressOf(path), op.offset)
      requests[at + 7] = openFlags(op)
    } else if (op.kind === STAT) {
      const at = this.begin(OP_STATX, op.path === null ? op.fd : AT_FDCWD, op, path, answer)
      this.ring.point(at, this.libc.addressOf(path), STATX_BASIC)
      this.ring.pointSecond(at, this.libc.addressOf(answer))
      requests[at + 7] = op.path === null ? AT_EMPTY_PATH : 0
    } else this.begin(OP_FSYNC, op.fd, op, path, answer)
    return false
  }

  /** Its completion will come, and what the system has begun to do may win; but what waits for a peer is withdrawn. */
  cancel(op: IoOp<unknown>): boolean {
    if (this.openings.cancel(op)) return true
    for (const [number, entry] of this.underWay) {
      if (entry.op !== op) continue
      entry.leaves = true
      const at = this.ring.add(OP_ASYNC_CANCEL, -1, 0)
      this.ring.requests[at + 4] = number
      this.ring.requests[at + 5] = FILE
    }
    return false
  }

  /** The op that this answer completes; `closed`: nobody wants what it brings. */
  answer(number: number, result: number, closed: boolean): IoOp<unknown> | null {
    const entry = this.underWay.get(number)
    if (entry === undefined) return null
    this.underWay.delete(number)
    const { op, leaves } = entry
    const interrupted = isInterrupted(result)
    const gone = result === errno.ECANCELED || (interrupted && leaves)
    if (interrupted && !leaves && !closed) {
      this.submit(op)
      return null
    }
    if (op.kind === OPEN_FILE && !gone) {
      if (closed && result >= 0) this.libc.close(result)
      else if (!closed) return this.opened(op, result, leaves)
    }
    if (op.kind === STAT && result === 0) op.status = statusFrom(entry.answer)
    op.result = closed ? CLOSED : gone ? CANCELED : result
    return op
  }

  /** The alarm of the openings went off: the ops that are complete. */
  look(): IoOp<unknown>[] {
    return this.openings.look()
  }

  /** Gives up whatever is left; what the system may still use goes to `memory`. */
  close(memory: unknown[] = []): IoOp<unknown>[] {
    const entries = [...this.underWay.values()]
    const ops = entries.map(({ op }) => op)
    memory.push(...entries)
    this.underWay.clear()
    return [...ops, ...this.openings.close()]
  }

  private opened(op: IoOp<unknown>, result: number, leaves: boolean): IoOp<unknown> | null {
    if (this.openings.opened(op, result)) return op
    if (!leaves) return null
    this.openings.cancel(op)
    op.result = CANCELED
    return op
  }

  private begin(first: number, fd: number, op: IoOp<unknown>, path: Uint8Array, answer: Uint8Array): number {
    const at = this.ring.add(first, fd, FILE)
    this.last = (this.last + 1) & 0x3fffffff
    this.ring.requests[at + 8] = this.last
    this.underWay.set(this.last, { op, path, answer, leaves: false })
    return at
  }
}
