/**
 * A task as an async iterable: the way out to code that reads with `for await`.
 *
 * The promise for a task's result is `kernel.run(op)`; this is the same for results that come one
 * by one. A value goes straight from one side to the other: a task that emits waits until the host
 * has taken the value, so nothing piles up in between.
 */
import { Fifo, WaiterQueue } from '../../kernel/protocol/fifo.js'
import type { Task } from '../../kernel/protocol/handles.js'
import { checkBody, checkMethods } from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { current, suspend } from '../raw/call.js'

/** What is needed of a kernel to run operations for the host; every `Kernel` has it. */
export interface HostKernel {
  /**
   * Runs an operation as a task without a parent.
   *
   * @param op The operation, or a function that returns one.
   */
  run<T>(op: Op<T>): Promise<T>
  /**
   * Cancels a task; returns false if it was over.
   *
   * @param task The task.
   * @param reason What its `Cancelled` says, as `reason`.
   */
  cancel(task: Task, reason?: unknown): boolean
}

/** Gives a value to the host, and waits until it has been taken. */
export type Emit<T> = (value: T) => Operation<void>

/**
 * Runs an operation on a kernel and gives what it emits to a `for await` loop. It is started by the
 * first `next()` and ends the loop with its end; its error is thrown there. When the host leaves
 * the loop, the task is cancelled and awaited, cleanup included. Tasks that the operation starts
 * can emit, too.
 *
 * @param kernel What runs it, in guest mode.
 * @param op Gets `emit`, and returns the operation.
 * @throws (from the loop) what the operation throws; TaskCancelledError if it was cancelled
 * otherwise.
 * @example
 * import { Kernel, sleep, toAsyncIterable } from 'drupe'
 *
 * const kernel = new Kernel()
 * const ticks = toAsyncIterable<number>(kernel, function* (emit) {
 *   try {
 *     for (let n = 1; ; n++) {
 *       yield* sleep(1)
 *       yield* emit(n)
 *     }
 *   } finally {
 *     console.log('stopped')
 *   }
 * })
 * for await (const n of ticks) {
 *   console.log(n)
 *   if (n === 2) break
 * }
 * // => 1
 * // => 2
 * // => stopped
 * await kernel.close()
 */
export function toAsyncIterable<T>(
  kernel: HostKernel,
  op: (emit: Emit<T>) => Operation<unknown>,
): AsyncIterableIterator<T, undefined> {
  checkMethods('make an async iterable', 'kernel', kernel, 'a Kernel', ['run', 'cancel'])
  return new Emission(kernel, checkBody('make an async iterable', 'op', op))
}

interface Asker<T> {
  resolve(step: IteratorResult<T, undefined>): void
  reject(error: unknown): void
}

interface Offer<T> {
  readonly value: T
  readonly taken: () => void
}

const END = { done: true, value: undefined } as const

class Emission<T> implements AsyncIterableIterator<T, undefined> {
  private readonly offers = new WaiterQueue<Offer<T>>()
  private readonly askers = new Fifo<Asker<T>>()
  private task: Task | null = null
  /** Settles when the task is over; null before it is started. */
  private run: Promise<void> | null = null
  private over = false
  private left = false
  private failure: { readonly error: unknown } | null = null

  constructor(
    private readonly kernel: HostKernel,
    private readonly op: (emit: Emit<T>) => Operation<unknown>,
  ) {}

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.askers.add({ resolve, reject })
      if (this.run === null && !this.over) this.run = this.start()
      this.match()
    })
  }

  /** Cancels the task and waits until it is out. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.left = true
    if (this.run === null) this.over = true
    else if (this.task !== null) this.kernel.cancel(this.task, 'the reader has left')
    await this.run
    this.match()
    const failure = this.failure
    this.failure = null
    if (failure !== null) throw failure.error
    return END
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  private async start(): Promise<void> {
    const { kernel, op } = this
    try {
      await kernel.run(() => this.drive(op))
    } catch (error) {
      const asked = this.left && (this.task === null || this.task.state === 'cancelled')
      if (!asked) this.failure = { error }
    }
    this.over = true
    this.match()
  }

  private *drive(op: (emit: Emit<T>) => Operation<unknown>): Operation<void> {
    this.task = yield* current()
    if (!this.left) yield* asOperation(op((value) => this.emit(value)))
  }

  private emit(value: T): Operation<void> {
    return suspend((resolve) => {
      const leave = this.offers.join({ value, taken: resolve })
      this.match()
      return leave
    })
  }

  /** Matches offers with calls of `next`. */
  private match(): void {
    while (this.askers.size > 0) {
      const offer = this.offers.take()
      if (offer === undefined) break
      offer.taken()
      this.askers.take().resolve({ done: false, value: offer.value })
    }
    if (!this.over) return
    while (this.askers.size > 0) {
      const asker = this.askers.take()
      const failure = this.failure
      this.failure = null
      if (failure !== null) asker.reject(failure.error)
      else asker.resolve(END)
    }
  }
}
