/**
 * What an io_uring driver knows about each file descriptor, and how answers find their way back to it.
 *
 * Each request carries the fd and a key: whose request it is, and the fd's generation. An fd has at most one request of its
 * reader, one of its writer and one multishot receive, so that is enough to find the op, without a table of requests.
 */

import type { ReadBuffer } from '../../memory/read-buffers.js'
import { FdState } from '../../posix/fds.js'
import { NONE } from './buffers.js'
import type { Place } from './positions.js'

/** The upper byte of a key: the multishot receive (or poll), the reader's own request, the writer's. */
export const RECEIVER = 1 << 24
export const READER = 2 << 24
export const WRITER = 3 << 24
const WHO = 0x7f << 24
const GENERATION = (1 << 24) - 1

/** The end of the data is not known yet. No result of a request: those are 0 or negative. */
export const NOT_YET = 1

/** One fd. */
export class RingFd extends FdState {
  /** Requests that the system has. */
  requests = 0
  /** The multishot receive is under way; was asked to end. */
  receiving = false
  pausing = false
  /** Instead of that, a multishot poll says when there is something. */
  watching = false
  /** Pieces received and not read: a chain of buffers. */
  first = NONE
  last = NONE
  pieces = 0
  /** What comes after them: 0 for an end, a negative errno, or NOT_YET. */
  end = NOT_YET
  /** The reader has no request of its own: it waits for the multishot one. */
  readerListens = false
  /** The op's request only asks when to try. */
  readerPolls = false
  writerPolls = false
  /** Memory of ours that the op's request reads into, or writes from; or a copy of small bytes in the outbox. */
  readerBounce: ReadBuffer | null = null
  writerBounce: ReadBuffer | null = null
  writerCopied = false
  /** Where in a file the op reads or writes, if it is a file with a position. */
  readerPlace: Place | null = null
  writerPlace: Place | null = null
  /** The op was asked to be withdrawn. */
  readerLeaves = false
  writerLeaves = false

  override reset(): void {
    super.reset()
    this.requests = this.pieces = 0
    this.receiving = this.pausing = this.watching = this.readerListens = false
    this.readerPolls = this.writerPolls = this.readerLeaves = this.writerLeaves = false
    this.readerPlace = this.writerPlace = this.readerBounce = this.writerBounce = null
    this.writerCopied = false
    this.first = this.last = NONE
    this.end = NOT_YET
  }

  key(who: number): number {
    return who | (this.generation & GENERATION)
  }

  /** Is this the key of a request for the present use of the number? */
  owns(key: number): boolean {
    return (this.generation & GENERATION) === (key & GENERATION)
  }
}

export function whoseKey(key: number): number {
  return key & WHO
}
