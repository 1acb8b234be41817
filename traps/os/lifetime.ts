/**
 * What is lent to C, and when it is over.
 *
 * A call that runs cannot be interrupted, and it has the addresses that it was given. So what they
 * lead to is freed at its owner's end, or when the last call that has it returns, whichever is
 * later. The last one to let go frees it: no task need wait for that, and none can prevent it.
 */
import { ClosedError, KernelStateError } from '../../kernel/protocol/errors.js'
import { WaiterQueue } from '../../kernel/protocol/fifo.js'
import { type Operation, SUSPEND, SUSPEND_HOST_LOOP, Trap } from '../../kernel/protocol/trap.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'
import { shield } from '../scope/scope.js'

const ENDS: Giver = { undo: null, hostLoop: ['wait for C', "it returns through the host's loop"] }

/** Something that calls into C may have, and that is freed once. */
export class Lifetime {
  /** Calls that have it. */
  private calls = 0
  private over = false
  private freed = false
  private readonly waiting = new WaiterQueue<() => void>()

  /**
   * @param why What messages say of it when it is over.
   * @param free Frees it, and says when that is done.
   */
  constructor(
    private readonly why: string,
    private readonly free: (done: () => void) => void,
  ) {}

  /** Throws if it is over. */
  check(action: string): void {
    if (this.over) throw new ClosedError(action, this.why)
  }

  /** A call has it from now on. */
  acquire(): void {
    this.calls++
  }

  /** A call has it no more. */
  release(): void {
    this.calls--
    this.settle()
  }

  /** Its owner is done with it; waits until it is freed, whatever is cancelled meanwhile. */
  *end(): Operation<void> {
    if (!this.over) {
      this.over = true
      this.settle()
    }
    if (this.freed) return
    try {
      yield* shield(
        // The host may have had its turn since the look above.
        new Trap<void>(
          SUSPEND,
          (resolve: () => void) => (this.freed ? resolve() : this.waiting.join(resolve)),
          ENDS,
          SUSPEND_HOST_LOOP,
        ),
      )
    } catch (error) {
      // In a blocking run it is freed when the host's loop turns again.
      if (!(error instanceof KernelStateError)) throw error
    }
  }

  private settle(): void {
    if (!this.over || this.calls > 0) return
    this.free(() => {
      this.freed = true
      for (let wake = this.waiting.take(); wake !== undefined; wake = this.waiting.take()) wake()
    })
  }
}

/** What `foreign` takes in the place of an address, and holds until C has returned. */
export abstract class ForeignArgument {
  /** @internal */
  readonly lifetime: Lifetime
  /** @internal */
  readonly pointer: unknown

  /** @internal */
  constructor(lifetime: Lifetime, pointer: unknown) {
    this.lifetime = lifetime
    this.pointer = pointer
  }

  /**
   * Where it is, for calls without `foreign` and for pointers in structs. Nothing is held for
   * those: C must be done with it before the end of its scope.
   *
   * @throws ClosedError after its end.
   */
  get address(): bigint {
    this.lifetime.check('give its address to C')
    return this.pointer as bigint
  }
}
