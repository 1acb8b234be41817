/**
 * File operations on an io_uring.
 *
 * They belong to no side of an fd, and many may be under way at once; so here, and only here,
 * requests are found again by a number of their own. What the system reads and writes (the path,
 * the answer) is held with the op until then.
 */
import { CANCELED, CLOSED, isKind, type Request, type RequestKind } from '../../../kernel/driver/contract.js'
import type { Openings } from '../../host/openings.js'
import * as errno from '../../posix/errno.js'
import { isInterrupted } from '../constants.js'
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  openFlags,
  pathBytes,
  STATX_BASIC,
  STATX_BYTES,
  statusFrom,
} from '../files.js'
import type { Libc } from '../libc.js'
import * as ring from './ring.js'

const NOTHING = new Uint8Array(0)

/** The key of all requests here; their number takes the place of the fd. */
export const FILE = 4 << 24

/** What a ring does itself. */
const KINDS: ReadonlySet<RequestKind> = new Set<RequestKind>([
  'open',
  'stat',
  'lstat',
  'unlink',
  'rmdir',
  'mkdir',
  'symlink',
  'rename',
  'link',
  'sync',
])

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
  private readonly ring: ring.Ring
  private readonly openings: Openings
  private readonly underWay = new Map<number, UnderWay>()
  private last = 0

  constructor(libc: Libc, ring: ring.Ring, openings: Openings) {
    this.libc = libc
    this.ring = ring
    this.openings = openings
  }

  /** Null: not a request for a ring. True: it is complete, since the ring has failed. */
  submit(request: Request): boolean | null {
    if (!KINDS.has(request.kind)) return null
    if (this.ring.failure === 0) return this.add(request)
    request.result = errno.EIO
    return true
  }

  private add(request: Request): false {
    const { sqes } = this.ring
    if (isKind(request, 'open')) {
      const { path, flags, mode } = request.input
      const bytes = pathBytes(path)
      const at = this.begin(ring.OP_OPENAT, AT_FDCWD, request, bytes, NOTHING)
      this.ring.point(at, this.libc.addressOf(bytes), mode)
      sqes[at + 7] = openFlags(flags)
      return false
    }
    if (isKind(request, 'stat')) {
      const { input } = request
      if ('path' in input) this.status(request, AT_FDCWD, input.path, 0)
      else this.status(request, input.fd, '', AT_EMPTY_PATH)
      return false
    }
    if (isKind(request, 'lstat')) {
      this.status(request, AT_FDCWD, request.input.path, AT_SYMLINK_NOFOLLOW)
      return false
    }
    if (isKind(request, 'unlink')) return this.oneName(ring.OP_UNLINKAT, request, 0, 0)
    if (isKind(request, 'rmdir')) return this.oneName(ring.OP_UNLINKAT, request, 0, AT_REMOVEDIR)
    if (isKind(request, 'mkdir')) return this.oneName(ring.OP_MKDIRAT, request, request.input.mode, 0)
    if (isKind(request, 'symlink')) return this.symlink(request)
    if (isKind(request, 'rename')) return this.twoNames(ring.OP_RENAMEAT, request)
    if (isKind(request, 'link')) return this.twoNames(ring.OP_LINKAT, request)
    this.begin(ring.OP_FSYNC, (request as Request<'sync'>).input.fd, request, NOTHING, NOTHING)
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
      const at = this.ring.add(ring.OP_ASYNC_CANCEL, -1, 0)
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
      this.add(request)
      return null
    }
    if (isKind(request, 'open') && !gone) {
      if (closed && result >= 0) this.libc.close(result)
      else if (!closed) return this.opened(request, result, leaves)
    }
    if ((isKind(request, 'stat') || isKind(request, 'lstat')) && result === 0) request.output = statusFrom(entry.answer)
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

  private status(request: Request, fd: number, path: string, flags: number): void {
    const bytes = pathBytes(path)
    const answer = new Uint8Array(STATX_BYTES)
    const at = this.begin(ring.OP_STATX, fd, request, bytes, answer)
    this.ring.point(at, this.libc.addressOf(bytes), STATX_BASIC)
    this.ring.pointSecond(at, this.libc.addressOf(answer))
    this.ring.sqes[at + 7] = flags
  }

  private oneName(code: number, request: Request<'unlink' | 'rmdir' | 'mkdir'>, mode: number, flags: number): false {
    const bytes = pathBytes(request.input.path)
    const at = this.begin(code, AT_FDCWD, request, bytes, NOTHING)
    this.ring.point(at, this.libc.addressOf(bytes), mode)
    this.ring.sqes[at + 7] = flags
    return false
  }

  /** Where it leads comes first, and has no directory. */
  private symlink(request: Request<'symlink'>): false {
    const { path, to } = request.input
    const target = pathBytes(path)
    const bytes = Uint8Array.of(...target, ...pathBytes(to))
    const at = this.begin(ring.OP_SYMLINKAT, AT_FDCWD, request, bytes, NOTHING)
    const address = this.libc.addressOf(bytes)
    this.ring.point(at, address, 0)
    this.ring.pointSecond(at, address + target.length)
    return false
  }

  /** Both paths are in one piece of memory. */
  private twoNames(code: number, request: Request<'rename' | 'link'>): false {
    const { path, to } = request.input
    const from = pathBytes(path)
    const bytes = Uint8Array.of(...from, ...pathBytes(to))
    const at = this.begin(code, AT_FDCWD, request, bytes, NOTHING)
    const address = this.libc.addressOf(bytes)
    // Where a length would be, there is the directory of the second path.
    this.ring.point(at, address, AT_FDCWD)
    this.ring.pointSecond(at, address + from.length)
    return false
  }

  private begin(first: number, fd: number, request: Request, path: Uint8Array, answer: Uint8Array): number {
    const at = this.ring.add(first, fd, FILE)
    this.last = (this.last + 1) & 0x3fffffff
    this.ring.sqes[at + 8] = this.last
    this.underWay.set(this.last, { request, path, answer, leaves: false })
    return at
  }
}
