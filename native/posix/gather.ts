/**
 * Scattered reads and gathered writes: many pieces of memory, one system call.
 *
 * The OS takes a list of addresses and lengths (struct iovec). To ask for an address costs as much
 * as to copy a few kilobytes, so small pieces to be written are copied into one stretch of memory
 * whose address is known, and only large ones are listed where they are. A header and a body become
 * two entries, a hundred small replies one, and then it is a plain write.
 *
 * The list is made anew for each call, from where the last one stopped; so nothing has to be kept
 * while an op waits, and all of a driver's calls share the same memory.
 */
import type { FdCalls } from './libc.js'
import { setWord } from './words.js'

/** IOV_MAX. */
const MOST_ENTRIES = 1024
/** Pieces up to this size are copied. */
export const SMALL_BYTES = 4096
/** Room for the copies of one call. */
const COPIED_BYTES = 64 * 1024
const WORDS = 4

/** Makes the list, and the call. */
export class Gather {
  private readonly libc: FdCalls
  /** struct iovec: address and length, 64 bits each, in the order of the platform. */
  private readonly entries = new Uint32Array(MOST_ENTRIES * WORDS)
  private readonly entriesAt: number
  private readonly copies = new Uint8Array(COPIED_BYTES)
  private readonly copiesAt: number
  private readonly lengthAt: number
  private count = 0
  /** Address and length of the entry that is last on the list. */
  private lastAt = 0
  private lastBytes = 0

  constructor(libc: FdCalls) {
    this.libc = libc
    this.entriesAt = libc.addressOf(this.entries)
    this.copiesAt = libc.addressOf(this.copies)
    this.lengthAt = libc.constants.LENGTH_FIRST ? 0 : 2
  }

  /**
   * Lists the pieces without the first `skip` bytes, at most `most` bytes of them; how many bytes
   * that is. Those of up to `small` bytes are copied.
   */
  collect(pieces: readonly Uint8Array[], skip: number, most: number, small = SMALL_BYTES): number {
    this.count = 0
    let copied = 0
    let listed = 0
    for (const piece of pieces) {
      if (skip >= piece.byteLength) {
        skip -= piece.byteLength
        continue
      }
      const bytes = Math.min(piece.byteLength - skip, most - listed)
      if (!(bytes > 0)) break
      let at: number
      if (bytes > small) at = this.libc.addressOf(piece) + skip
      else if (copied + bytes > COPIED_BYTES) break
      else {
        this.copies.set(bytes === piece.length ? piece : piece.subarray(skip, skip + bytes), copied)
        at = this.copiesAt + copied
        copied += bytes
      }
      if (!this.add(at, bytes)) break
      listed += bytes
      skip = 0
    }
    return listed
  }

  /** Copies a small piece to where the address is known; that address. */
  copy(piece: Uint8Array, from: number, bytes: number): number {
    this.copies.set(bytes === piece.length ? piece : piece.subarray(from, from + bytes))
    return this.copiesAt
  }

  /** Writes what is listed, to a socket or to anything else; as send(2) and write(2) do. */
  write(fd: number, isSocket: boolean): number {
    const { libc, count } = this
    if (count === 1)
      return isSocket ? libc.send(fd, this.lastAt, this.lastBytes) : libc.write(fd, this.lastAt, this.lastBytes)
    return isSocket ? libc.sendv(fd, this.entriesAt, count) : libc.writev(fd, this.entriesAt, count)
  }

  /** Reads into what is listed; as read(2) does. */
  read(fd: number): number {
    return this.libc.readv(fd, this.entriesAt, this.count)
  }

  /** False if the list is full. What is right behind the last entry becomes part of it. */
  private add(at: number, bytes: number): boolean {
    if (this.count > 0 && at === this.lastAt + this.lastBytes) this.lastBytes += bytes
    else if (this.count === MOST_ENTRIES) return false
    else {
      this.count++
      this.lastAt = at
      this.lastBytes = bytes
      setWord(this.entries, (this.count - 1) * WORDS + 2 - this.lengthAt, at)
    }
    setWord(this.entries, (this.count - 1) * WORDS + this.lengthAt, this.lastBytes)
    return true
  }
}
