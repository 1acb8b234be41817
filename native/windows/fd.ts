/**
 * What the operations of Windows keep of a descriptor: the two calls that are under way for it.
 *
 * A record says by its kind what its packet means (overlapped.ts).
 */
import { FdState } from '../posix/fds.js'
import type { Overlapped } from './overlapped.js'

/** A receive of no bytes: there is something to read. */
export const READS = 1
/** AFD is asked for room to write. */
export const WRITES = 2
/** AFD is asked for a READABLE or WRITABLE. */
export const LEVEL = 3
export const ACCEPTS = 4
export const CONNECTS = 5

/** One descriptor, and the calls that its reader and its writer wait for. */
export class WinFd extends FdState {
  readerRecord: Overlapped | null = null
  writerRecord: Overlapped | null = null
  /** What the receive of no bytes failed with: Windows tells it once. 0: nothing. */
  failure = 0
  /** A named pipe: it tells by itself when a call may succeed (pipes.ts). */
  isPipe = false

  override reset(): void {
    super.reset()
    this.readerRecord = this.writerRecord = null
    this.failure = 0
    this.isPipe = false
  }
}
