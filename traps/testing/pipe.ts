/**
 * One direction of a pair of streams in memory: a writer, a reader, and a number of bytes between
 * them.
 *
 * With a capacity of 0 nothing is in between: a write returns when a reader has taken all of it
 * (lockstep). Every call gives other tasks a turn, because on a real network something always comes
 * in between.
 */
import { BrokenError, BusyError, ClosedError, TimeoutError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { checkpoint, park, pass, wake } from '../raw/call.js'
import { clock } from '../raw/time.js'

export class Pipe {
  private readonly chunks = new Fifo<Uint8Array>()
  private length = 0
  /** How many bytes were read, ever. */
  private taken = 0
  private writerClosed = false
  private readerClosed = false
  private ended = false
  /** Whether a task is reading. */
  reading = false
  private writing = false
  // A task that is cancelled when it has been woken has not taken or put anything yet.
  private readonly readers = new WaitQueue('read from the stream in memory', null, () => true)
  private readonly writers: WaitQueue

  constructor(
    private readonly capacity: number,
    private readonly most: number,
  ) {
    // In lockstep it has: a reader took it.
    this.writers = new WaitQueue('write to the stream in memory', null, capacity === 0 ? null : () => true)
  }

  /** How many bytes were read into `buffer`; 0 at the end. */
  *read(buffer: Uint8Array, timeout: number): Operation<number> {
    if (this.readerClosed) throw new ClosedError('read from the stream')
    if (this.reading) throw new BusyError('read from the stream', 'another task is reading')
    this.reading = true
    try {
      yield* checkpoint()
      yield* pass()
      if (buffer.length === 0) return 0
      const wait = yield* deadline(timeout)
      while (this.length === 0 && !this.ended && !this.readerClosed) yield* wait(this.readers)
      if (this.readerClosed) throw new ClosedError('read from the stream', 'it was closed while this task waited')
      const count = this.take(buffer)
      if (count > 0) yield* wake(this.writers)
      return count
    } finally {
      this.reading = false
    }
  }

  /** Writes bytes, all of them or as many as fit; how many. */
  *write(bytes: Uint8Array, all: boolean, timeout: number): Operation<number> {
    if (this.writerClosed) throw new ClosedError('write to the stream')
    if (this.writing) throw new BusyError('write to the stream', 'another task is writing')
    this.writing = true
    try {
      yield* checkpoint()
      yield* pass()
      this.assertWritable(bytes.length)
      const wait = yield* deadline(timeout)
      let at = 0
      while (at < bytes.length && (all || at === 0)) {
        this.assertWritable(bytes.length)
        if (this.capacity === 0) at += yield* this.pass(bytes.slice(at), wait)
        else if (this.capacity > this.length) at += yield* this.put(bytes.slice(at, at + this.capacity - this.length))
        else yield* wait(this.writers)
      }
      return at
    } finally {
      this.writing = false
    }
  }

  /** The writer says that nothing more comes. */
  *end(): Operation<void> {
    if (this.writing) throw new BusyError('end the stream', 'another task is writing')
    this.ended = true
    yield* this.wakeAll()
  }

  *closeWriter(): Operation<void> {
    this.writerClosed = this.ended = true
    yield* this.wakeAll()
  }

  *closeReader(): Operation<void> {
    this.readerClosed = true
    this.clear()
    yield* this.wakeAll()
  }

  private *put(chunk: Uint8Array): Operation<number> {
    this.chunks.add(chunk)
    this.length += chunk.length
    yield* wake(this.readers)
    return chunk.length
  }

  /**
   * Lockstep: offers bytes until a reader has taken some, and withdraws the rest; how many were
   * taken.
   */
  private *pass(bytes: Uint8Array, wait: (queue: WaitQueue) => Operation<unknown>): Operation<number> {
    const before = this.taken
    try {
      yield* this.put(bytes)
      while (this.taken === before) {
        this.assertWritable(bytes.length)
        yield* wait(this.writers)
      }
      return this.taken - before
    } finally {
      this.clear()
    }
  }

  private take(buffer: Uint8Array): number {
    const most = Math.min(buffer.length, this.most)
    let count = 0
    while (count < most && this.length > 0) {
      const chunk = this.chunks.first as Uint8Array
      const part = chunk.subarray(0, most - count)
      buffer.set(part, count)
      count += part.length
      this.length -= part.length
      this.taken += part.length
      if (part.length === chunk.length) this.chunks.take()
      else this.chunks.first = chunk.subarray(part.length)
    }
    return count
  }

  private clear(): void {
    this.chunks.clear()
    this.length = 0
  }

  private assertWritable(bytes: number): void {
    if (this.writerClosed) throw new ClosedError('write to the stream', 'it was closed while this task waited')
    if (bytes > 0 && this.readerClosed) throw new BrokenError('write to the stream', 'the other side has closed it')
    if (this.ended) throw new BrokenError('write to the stream', 'its writing side was ended')
  }

  private *wakeAll(): Operation<void> {
    yield* wake(this.readers, Number.POSITIVE_INFINITY)
    yield* wake(this.writers, Number.POSITIVE_INFINITY)
  }
}

/** A way to wait several times, with one time limit for all of them. */
function* deadline(timeout: number): Operation<(queue: WaitQueue) => Operation<unknown>> {
  if (timeout === Number.POSITIVE_INFINITY) return (queue) => park(queue)
  const end = (yield* clock()) + timeout
  return (queue) => parkUntil(queue, end, timeout)
}

function* parkUntil(queue: WaitQueue, end: number, timeout: number): Operation<void> {
  try {
    yield* park(queue, { timeout: Math.max(0, end - (yield* clock())) })
  } catch (error) {
    throw error instanceof TimeoutError ? new TimeoutError(queue.name, timeout) : error
  }
}
