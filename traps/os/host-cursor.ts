/**
 * A subscription to what comes through the host's loop: signals, calls from C.
 *
 * It keeps what comes until it is taken. Waiting for it keeps the host's process, which such a
 * listener alone does not. In a blocking run, where the loop stands still, waiting is an error and
 * not a wait without an end.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { WaiterQueue } from '../../kernel/protocol/fifo.js'
import { clearInterval, setInterval } from '../../kernel/protocol/host-functions.js'
import type { Undo } from '../../kernel/protocol/scheduler.js'
import { type Operation, SUSPEND, SUSPEND_HOST_LOOP, Trap } from '../../kernel/protocol/trap.js'
import { pass } from '../raw/call.js'
import type { Cursor } from '../scope/each.js'

/** The longest that a host's timer can take. */
const LONGEST_MS = 0x7fffffff

export abstract class HostCursor<T> implements Cursor<T> {
  private readonly waiting = new WaiterQueue<() => void>()

  /** @internal Why it cannot wait in a blocking run. */
  abstract readonly hostLoop: readonly [action: string, why: string]

  /** Is there something to take? The end counts. */
  protected abstract get ready(): boolean
  /** Takes it. */
  protected abstract take(): IteratorResult<T, undefined>
  abstract close(): Operation<void>

  next(): Operation<IteratorResult<T, undefined>> {
    return tracked('next', this.step())
  }

  /** @internal A task that was woken is cancelled before it took what it was woken for. */
  readonly undo: Undo = () => {
    if (this.ready) this.wake()
    return true
  }

  /** Something has come. */
  protected wake(): void {
    this.waiting.take()?.()
  }

  /** Nothing comes any more. */
  protected wakeAll(): void {
    for (let wake = this.waiting.take(); wake !== undefined; wake = this.waiting.take()) wake()
  }

  private *step(): Operation<IteratorResult<T, undefined>> {
    // A task that was cancelled must not take what it will not use.
    yield* pass()
    while (!this.ready) {
      yield* new Trap<void>(SUSPEND, (resolve: () => void) => this.join(resolve), this, SUSPEND_HOST_LOOP)
    }
    return this.take()
  }

  /** What listens does not keep the host's process, but whoever waits for it wants it to be. */
  private join(resolve: () => void): () => void {
    const hold = setInterval(() => {}, LONGEST_MS)
    const leave = this.waiting.join(() => {
      clearInterval(hold)
      resolve()
    })
    return () => {
      clearInterval(hold)
      leave()
    }
  }
}
