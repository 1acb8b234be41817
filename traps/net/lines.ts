/**
 * A stream as a sequence: of lines, or of chunks as they come.
 *
 * One idea: a sequence is a way of reading, said once. It is a `Source`, so `each` runs a body for
 * every item and `subscribe` gives a cursor. Each item is one reading of the stream and nothing is
 * read before it is asked for. So the limits are per item, a slow body holds up the peer, and what
 * a reading did not return is still in the stream.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { WaitOptions } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { Cursor, Source } from '../scope/each.js'

/** How long an item of a stream may be, and how long it may take. */
export interface ItemOptions extends WaitOptions {
  /** At most so many bytes each. Default 65,536. */
  readonly maxBytes?: number
}

/** What a stream gives one after the other, until it ends. */
export class Items<T> implements Source<T> {
  /** @param read Gives the next one, null at the end. */
  constructor(private readonly read: () => Operation<T | null>) {}

  /** Begins, or goes on, where the stream is now. */
  open(): Cursor<T> {
    return new ItemCursor(this.read)
  }
}

class ItemCursor<T> implements Cursor<T> {
  private over = false

  constructor(private readonly read: () => Operation<T | null>) {}

  next(): Operation<IteratorResult<T, unknown>> {
    return tracked('next', this.step())
  }

  /** The stream stays open: it belongs to what opened it. */
  *close(): Operation<void> {
    this.over = true
  }

  private *step(): Operation<IteratorResult<T, unknown>> {
    const value = this.over ? null : yield* this.read()
    if (value !== null) return { done: false, value }
    this.over = true
    return { done: true, value: undefined }
  }
}
