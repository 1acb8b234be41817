/**
 * What an io_uring driver knows about each file descriptor, and how answers find their way back to
 * it.
 *
 * Each request carries the fd and a key: whose request it is, and the fd's generation. An fd has at
 * most one request of its reader, one of its writer and one multishot receive, so that is enough to
 * find the op, without a table of requests.
 */

import type { ReadBuffer } from '../../memory/read-buffers.js'
import { FdState } from '../../posix/fds.js'
import type { Place } from '../../posix/positions.js'
import { NONE } from './buffers.js'

/**
 * The upper byte of a key: the multishot receive (or poll), the reader's own request, the writer's.
 */
export const RECEIVER = 1 << 24
export const READER = 2 << 24
export const WRITER = 3 << 24
const SIDE = 0x7f << 24
const GENERATION = (1 << 24) - 1

/** The end of the data is not known yet. No result of a request: those are 0 or negative. */
export const NOT_YET = 1

/** What an fd has under way for whatever reader it will have: nothing. */
export const IDLE = 0
/** A multishot receive. */
export const RECEIVING = 1
/** The same, asked to end until its pieces are read. */
export const PAUSING = 2
/** Instead of that, a multishot poll, which says when there is something. */
export const WATCHING = 3

/** How a reader or a writer waits: not at all. */
export const FREE = 0
/** A reader without a request of its own: it waits for the multishot one. */
export const LISTENS = 1
/** Its request does what it asks for. */
export const ASKS = 2
/** The same, and what is sent is a copy of small bytes in the outbox. */
export const ASKS_COPY = 3
/** Its request only asks when to try. */
export const POLLS = 4

/** One fd. */
export class RingFd extends FdState {
  /** SQEs that Linux has. */
  requests = 0
  /** IDLE, RECEIVING, PAUSING or WATCHING. */
  source = IDLE
  /** Nothing is to be received ahead: descriptors may come with it, which would be lost. */
  direct = false
  /** Pieces received and not read: a chain of buffers. */
  first = NONE
  last = NONE
  pieces = 0
  /** What comes after them: 0 for an end, a negative errno, or NOT_YET. */
  end = NOT_YET
  /** FREE, LISTENS, ASKS or POLLS; FREE, ASKS, ASKS_COPY or POLLS. */
  readerWay = FREE
  writerWay = FREE
  /** The op was asked to be withdrawn. */
  readerLeaves = false
  writerLeaves = false
  /** Memory of ours that the op's request reads into, or writes from. */
  readerBounce: ReadBuffer | null = null
  writerBounce: ReadBuffer | null = null
  /** Where in a file the op reads or writes, if it is a file with a position. */
  readerPlace: Place | null = null
  writerPlace: Place | null = null

  /** Is the multishot receive under way? */
  get receives(): boolean {
    return this.source === RECEIVING || this.source === PAUSING
  }

  override detachReader(): void {
    super.detachReader()
    this.readerWay = FREE
    this.readerLeaves = false
    this.readerPlace = null
  }

  override detachWriter(): void {
    super.detachWriter()
    this.writerWay = FREE
    this.writerLeaves = false
    this.writerPlace = null
  }

  override reset(): void {
    super.reset()
    this.requests = this.pieces = 0
    this.source = IDLE
    this.direct = false
    this.readerWay = this.writerWay = FREE
    this.readerLeaves = this.writerLeaves = false
    this.readerPlace = this.writerPlace = this.readerBounce = this.writerBounce = null
    this.first = this.last = NONE
    this.end = NOT_YET
  }

  key(side: number): number {
    return side | (this.generation & GENERATION)
  }

  /** Is this the key of a request for the present use of the number? */
  owns(key: number): boolean {
    return (this.generation & GENERATION) === (key & GENERATION)
  }
}

/** RECEIVER, READER or WRITER. */
export function sideOf(key: number): number {
  return key & SIDE
}
