/**
 * Positions: where in a file a read or a write goes on that is done beside the task, by a ring or
 * another thread.
 *
 * read(2) and write(2) go on where the last one ended. A request can ask for that, too, with the
 * offset −1, but then Linux takes the position at one moment and moves it at another. Two requests
 * of one file can read the same position in between, by way of a second descriptor or of another
 * process. After a write that was cut short by an error it is not moved at all, and the next one
 * goes over the beginning.
 *
 * So a request gets the offset in figures, and its stretch of the file is claimed before: one lseek
 * moves the position behind it, as write(2) would, so that nobody else begins there. What was not
 * moved in the end is given back, unless others have gone on from there: a gap is better than bytes
 * over bytes.
 *
 * Where there is no position, as in a pipe, or where it says nothing, as in files of the kernel's,
 * Linux is asked as before.
 */
import { type IoOp, READ } from '../../kernel/driver/contract.js'
import { SEEK_CUR, SEEK_END, SEEK_SET } from '../posix/constants.js'
import { O_APPEND } from './constants.js'
import { AT_EMPTY_PATH, STATX_BASIC, STATX_BYTES, statusFrom } from './files.js'
import type { Libc } from './libc.js'

/** Do not ask a server in the network whether it has changed. */
const AT_STATX_DONT_SYNC = 0x4000
const S_IFREG = 8
const S_IFBLK = 6

/** The stretch of a file that an op works on. */
export interface Place {
  /** Where it begins; APPENDS: at the end, wherever that is. */
  readonly at: number
  /** By how many bytes the position was moved when it was claimed. */
  readonly claimed: number
}

/** Instead of an offset: Linux knows better. */
export const APPENDS = -1

/** Claims and gives back. */
export class Positions {
  private readonly libc: Libc
  private readonly status = new Uint8Array(STATX_BYTES)
  private readonly statusAt: number
  private readonly empty = new Uint8Array(8)
  private readonly emptyAt: number

  constructor(libc: Libc) {
    this.libc = libc
    this.statusAt = libc.addressOf(this.status)
    this.emptyAt = libc.addressOf(this.empty)
  }

  /**
   * The place of an op that begins, and will move so many bytes if it can; null if the file has no
   * positions.
   */
  claim({ fd, kind }: IoOp<unknown>, most: number): Place | null {
    const { libc } = this
    const at = libc.lseek(fd, 0, SEEK_CUR)
    // A pipe, a socket, a terminal.
    if (at < 0) return null
    let bytes = most
    if (kind === READ) bytes = this.readable(fd, at, most)
    else if ((libc.statusFlags(fd) & O_APPEND) !== 0) return { at: APPENDS, claimed: 0 }
    // Nothing to claim: the end, a file of the kernel's, whose size says nothing, or something else
    // that is no file.
    if (bytes <= 0) return null
    const end = libc.lseek(fd, bytes, SEEK_CUR)
    // Some files say that they have a position and never move it.
    if (end === at) return null
    // No file is longer, and no device goes on there: nothing is claimed.
    return end < 0 ? { at, claimed: 0 } : { at: end - bytes, claimed: bytes }
  }

  /** A read claims what the file has: whoever writes at its end meanwhile is not to leave a gap. */
  private readable(fd: number, at: number, length: number): number {
    const { libc } = this
    if (libc.statx(fd, this.emptyAt, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC, this.statusAt) < 0) return 0
    const type = (this.status[29] as number) >> 4
    if (type === S_IFREG) return Math.min(length, statusFrom(this.status).bytes - at)
    return type === S_IFBLK ? length : 0
  }

  /** An op has ended; it has moved so many bytes. */
  settle({ fd, length }: IoOp<unknown>, { at, claimed }: Place, moved: number): void {
    const { libc } = this
    if (at === APPENDS) {
      // Here Linux did move the position, unless the write was cut short.
      if (moved > 0 && moved < length) libc.lseek(fd, 0, SEEK_END)
    } else if (moved > claimed) libc.lseek(fd, moved - claimed, SEEK_CUR)
    else if (moved < claimed && libc.lseek(fd, 0, SEEK_CUR) === at + claimed) libc.lseek(fd, at + moved, SEEK_SET)
  }
}
