/**
 * File operations on an io_uring.
 *
 * They belong to no side of an fd, and many may be under way at once; so here, and only here,
 * requests are found again by a number of their own. What the system reads and writes (the path,
 * the answer) is held with the op until then.
 */
import { CANCELED, CLOSED, isKind, type Request } from '../../../kernel/driver/contract.js'
import type { Openings } from '../../host/openings.js'
import * as errno from '../../posix/errno.js'
import { isInterrupted } from '../constants.js'
import { AT_EMPTY_PATH, AT_FDCWD, openFlags, pathBytes, STATX_BASIC, STATX_BYTES, statusFrom } from '../files.js'
import type { Libc } from '../libc.js'
import { OP_ASYNC_CANCEL, OP_FSYNC, OP_OPENAT, OP_STATX, type Ring } from './ring.js'

const NOTHING = new Uint8Array(0)

/** The key of all requests here; their number takes the place of the fd. */
export const FILE = 4 << 24

/** A request under way, with its memory. */
interface UnderWay {
  readonly request: Request
  readonly path: Uint8Array
  readonly answer: Uint8Array
  leaves: boolean
}

/** The file operations of one ring. */
export class FileRequests {
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

  /** Null: not a request for a ring. */
  submit(request: Request): false | null {
    const { sqes } = this.ring
    if (isKind(request, 'open')) {
      const { path, flags, mode } = request.input
      const bytes = pathBytes(path)
      const at = this.begin(OP_OPENAT, AT_FDCWD, request, bytes, NOTHING)
      this.ring.point(at, this.libc.addressOf(bytes), mode)
      sqes[at + 7] = openFlags(flags)
      return false
    }
    if (isKind(request, 'stat')) {
      const { input } = request
      const bytes = pathBytes('path' in input ? input.path : '')
      const answer = new Uint8Array(STATX_BYTES)
      const at = this.begin(OP_STATX, 'path' in input ? AT_FDCWD : input.fd, request, bytes, answer)
      this.ring.point(at, this.libc.addressOf(bytes), STATX_BASIC)
      this.ring.pointSecond(at, this.libc.addressOf(answer))
      sqes[at + 7] = 'path' in input ? 0 : AT_EMPTY_PATH
      return false
    }
    if (!isKind(request, 'sync')) return null
    this.begin(OP_FSYNC, request.input.fd, request, NOTHING, NOTHING)
    return false
  }

  /**
   * Its completion will come, and what the system has begun to do may win; but what waits for a
   * peer is withdrawn.
   */
  cancel(request: Request): boolean {
    if (isKind(request, 'open') && this.openings.cancel(request)) return true
    for (const [number, entry] of this.underWay) {
      if (entry.request !== request) continue
      entry.leaves = true
      const at = this.ring.add(OP_ASYNC_CANCEL, -1, 0)
      this.ring.sqes[at + 4] = number
      this.ring.sqes[at + 5] = FILE
    }
    return false
  }

  /** The request that this answer completes; `closed`: nobody wants what it brings. */
  answer(number: number, result: number, closed: boolean): Request | null {
    const entry = this.underWay.get(number)
    if (entry === undefined) return null
    this.underWay.delete(number)
    const { request, leaves } = entry
    const interrupted = isInterrupted(result)
    const gone = result === errno.ECANCELED || (interrupted && leaves)
    if (interrupted && !leaves && !closed) {
      this.submit(request)
      return null
    }
    if (isKind(request, 'open') && !gone) {
      if (closed && result >= 0) this.libc.close(result)
      else if (!closed) return this.opened(request, result, leaves)
    }
    if (isKind(request, 'stat') && result === 0) request.output = statusFrom(entry.answer)
    request.result = closed ? CLOSED : gone ? CANCELED : result
    return request
  }

  /** Gives up whatever is left; what the OS may still use goes to `memory`. */
  close(memory: unknown[] = []): Request[] {
    const entries = [...this.underWay.values()]
    memory.push(...entries)
    this.underWay.clear()
    return entries.map(({ request }) => request)
  }

  private opened(request: Request & Request<'open'>, result: number, leaves: boolean): Request | null {
    if (this.openings.opened(request, result)) return request
    if (!leaves) return null
    this.openings.cancel(request)
    request.result = CANCELED
    return request
  }

  private begin(first: number, fd: number, request: Request, path: Uint8Array, answer: Uint8Array): number {
    const at = this.ring.add(first, fd, FILE)
    this.last = (this.last + 1) & 0x3fffffff
    this.ring.sqes[at + 8] = this.last
    this.underWay.set(this.last, { request, path, answer, leaves: false })
    return at
  }
}
