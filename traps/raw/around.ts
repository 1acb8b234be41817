/**
 * Around an operation: one trap before it and one after it, whatever happens in between.
 *
 * Locks, stores, contexts and shields are this and nothing else. The generator is written once here
 * because a generator function that is made anew for each call costs a microsecond: V8 gives each
 * its own shape. What differs is in traps and in plain functions, which cost next to nothing.
 */
import { toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'

/** Runs an operation between two traps; the second is made of the answer of the first. */
export function* around<S, T>(enter: Trap<S>, op: Op<T>, leave: (entered: S) => Trap<unknown>): Operation<T> {
  const entered = yield* enter
  try {
    return yield* toOperation(op)
  } finally {
    yield* leave(entered)
  }
}

/** Runs an operation, and a trap after it. */
export function* before<T>(op: Op<T>, leave: () => Trap<unknown>): Operation<T> {
  try {
    return yield* toOperation(op)
  } finally {
    yield* leave()
  }
}
