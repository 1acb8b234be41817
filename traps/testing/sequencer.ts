/**
 * Sequencer: forces the steps of several tasks into one order, so that a race in a test is always
 * won by the same task.
 */
import { DrupeError, KernelStateError } from '../../kernel/protocol/errors.js'
import { checkCount, checkOperation } from '../../kernel/protocol/operands.js'
import { toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { WaitQueue } from '../../kernel/protocol/wait-queue.js'
import { park, wake } from '../raw/call.js'

/**
 * Gives out turns 0, 1, 2, … Each turn is taken once; it begins when the turn before it is over.
 *
 * @see https://trio.readthedocs.io/en/stable/reference-testing.html#trio.testing.Sequencer
 * @example
 * import { nursery } from 'drupe'
 * import { Sequencer, virtual } from 'drupe/testing'
 *
 * virtual({}, () => nursery(function* (n) {
 *   const order = new Sequencer()
 *   const log: string[] = []
 *   yield* n.spawn(function* () {
 *     yield* order.at(1)
 *     log.push('second')
 *     yield* order.at(2)
 *   })
 *   yield* n.spawn(function* () {
 *     yield* order.at(0)
 *     log.push('first')
 *   })
 *   yield* order.at(3)
 *   console.log(log.join(' ')) // => first second
 * }))
 */
export class Sequencer {
  private readonly taken = new Set<number>()
  private readonly over = new Set<number>()
  private readonly queues = new Map<number, WaitQueue>()
  private broken = false

  /**
   * Waits for this turn, and ends it: at once, or when the operation is over, however it ends.
   * Returns its result.
   *
   * If the task is cancelled while it waits, its turn will never come, and neither will those after
   * it: all tasks that wait get an error.
   *
   * @param turn Its number, from 0.
   * @param op The operation, or a function that returns one.
   * @throws KernelStateError if the turn was taken before.
   * @throws RangeError if the number is none that can be waited for.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  at<T>(turn: number, op: Op<T>): Operation<T>
  /**
   * Waits for this turn, and ends it at once.
   *
   * @param turn Its number, from 0.
   */
  at(turn: number): Operation<void>
  at<T>(turn: number, op?: Op<T>): Operation<T | undefined> {
    checkCount('wait for the turn', 'turn', turn, 0)
    return this.atOperation(turn, op === undefined ? op : checkOperation('wait for the turn', 'op', op))
  }

  private *atOperation<T>(turn: number, op: Op<T> | undefined): Operation<T | undefined> {
    if (this.taken.has(turn)) throw new KernelStateError(`take turn ${turn}`, 'it was taken before')
    this.taken.add(turn)
    yield* this.wait(turn)
    try {
      return op === undefined ? undefined : yield* toOperation(op)
    } finally {
      this.over.add(turn)
      yield* wake(this.queueOf(turn + 1), Number.POSITIVE_INFINITY)
    }
  }

  private *wait(turn: number): Operation<void> {
    try {
      if (turn > 0 && !this.over.has(turn - 1) && !this.broken) yield* park(this.queueOf(turn))
    } catch (error) {
      this.broken = true
      for (const queue of this.queues.values()) yield* wake(queue, Number.POSITIVE_INFINITY)
      throw error
    }
    if (this.broken) throw new SequenceBrokenError(turn)
  }

  private queueOf(turn: number): WaitQueue {
    let queue = this.queues.get(turn)
    if (queue === undefined) {
      queue = new WaitQueue(`wait for turn ${turn}`)
      this.queues.set(turn, queue)
    }
    return queue
  }
}

/** A turn of a Sequencer was cancelled before it came, so this one will not come either. */
class SequenceBrokenError extends DrupeError {
  constructor(turn: number) {
    super('DRUPE_SEQUENCE_BROKEN', `Cannot take turn ${turn}: an earlier turn was cancelled`)
  }
}
