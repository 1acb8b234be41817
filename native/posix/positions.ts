/**
 * Positions: where in a file a read or a write goes on that is done beside the task, by a ring or
 * another thread.
 *
 * read(2) and write(2) go on where the last one ended. Work on another thread can ask for that,
 * too, as can a ring, with the offset −1, but then the position is taken at one moment and moved at
 * another. Two of one file can read the same position in between, by way of a second descriptor or
 * of another process. After a write that was cut short by an error a ring does not move it at all,
 * and the next one goes over the beginning.
 *
 * So a request gets the offset in figures, and its stretch of the file is claimed before: one lseek
 * moves the position behind it, as write(2) would, so that nobody else begins there. What was not
 * moved in the end is given back, unless others have gone on from there: a gap is better than bytes
 * over bytes.
 *
 * Where there is no position, as in a pipe, or where it says nothing, as in files of the kernel's,
 * the OS is asked as before.
 */
import { type IoOp, READ } from '../../kernel/driver/contract.js'
import { SEEK_CUR, SEEK_END, SEEK_SET } from './constants.js'
import type { Libc } from './libc.js'

/** The stretch of a file that an op works on. */
export interface Place {
  /** Where it begins; APPENDS: at the end, wherever that is. */
  readonly at: number
  /** By how many bytes the position was moved when it was claimed. */
  readonly claimed: number
}

/** Instead of an offset: the OS knows better. */
export const APPENDS = -1

/** Claims and gives back. */
export class Positions {
  constructor(private readonly libc: Libc) {}

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
    // A read claims what the file has: whoever writes at its end meanwhile is not to leave a gap.
    if (kind === READ) bytes = Math.min(most, libc.fileBytes(fd) - at)
    else if ((libc.statusFlags(fd) & libc.constants.O_APPEND) !== 0) return { at: APPENDS, claimed: 0 }
    // Nothing to claim: the end, a file of the kernel's, whose size says nothing, or something else
    // that is no file.
    if (bytes <= 0) return null
    const end = libc.lseek(fd, bytes, SEEK_CUR)
    // Some files say that they have a position and never move it.
    if (end === at) return null
    // No file is longer, and no device goes on there: nothing is claimed.
    return end < 0 ? { at, claimed: 0 } : { at: end - bytes, claimed: bytes }
  }

  /** An op has ended; it has moved so many bytes. */
  settle({ fd, length }: IoOp<unknown>, { at, claimed }: Place, moved: number): void {
    const { libc } = this
    if (at === APPENDS) {
      // Here the OS did move the position, unless the write was cut short.
      if (moved > 0 && moved < length) libc.lseek(fd, 0, SEEK_END)
    } else if (moved > claimed) libc.lseek(fd, moved - claimed, SEEK_CUR)
    else if (moved < claimed && libc.lseek(fd, 0, SEEK_CUR) === at + claimed) libc.lseek(fd, at + moved, SEEK_SET)
  }
}
