/**
 * Calls: operations that the kernel resumes itself, instead of through all their callers.
 *
 * `yield* operation` makes a chain of generators, and each switch of the task passes through all of
 * them. `yield* call(operation)` asks the kernel to put the caller aside and to go on with the
 * callee. While the callee runs, the call is its frame. Each frame knows that of its caller, so a
 * task's frames are a list from the innermost outwards, and a call allocates nothing but itself. A
 * call of a function gets a new frame for each generator that the function makes, so it can be run
 * again.
 *
 * A call is yielded like a trap, but it is itself the iterator result in which it travels. With a
 * static result each call would write a young object into an old one, which is the most expensive
 * part of a call.
 */
import { toOperation } from './operation.js'
import {
  COPIES,
  HANDOVER,
  type Op,
  type Operation,
  type Resumed,
  type TaskIterator,
  type Trap,
  type Yielded,
} from './trap.js'

/**
 * The `next` that all generators inherit. Every generator function has objects of a shape of its
 * own, so `iterator.next` is a slow look-up once a program has more than a few, and optimised code
 * that has learnt those shapes is thrown away when one of the functions is collected. Calling this
 * one function on all of them needs no look-up.
 */
export const generatorNext: TaskIterator['next'] = Object.getPrototypeOf(function* () {}).prototype.next

/** An operation that the kernel resumes itself, and the frame in which it runs. */
export class Call<out T = unknown> implements Operation<T> {
  private readonly op: Op<T> | TaskIterator
  /** Null while it does not run, and always at the bottom: that frame is the task's own body. */
  caller: Call | null = null

  constructor(op: Op<T> | TaskIterator) {
    this.op = op
  }

  /** What is resumed while it runs: a generator, except at the bottom. */
  get callee(): TaskIterator {
    return this.op as TaskIterator
  }

  /** The iterator result that it is. */
  get done(): false {
    return false
  }

  get value(): this {
    return this
  }

  [Symbol.iterator](): Iterator<Yielded, T, unknown> {
    return this as unknown as Iterator<Yielded, T, unknown>
  }

  next(task?: Resumed): IteratorResult<unknown, T> {
    if (task === undefined) {
      if (!COPIES) return this
      HANDOVER.value = this as unknown as Trap
      return HANDOVER
    }
    return (task.done === true ? task : { done: true, value: task.value }) as IteratorReturnResult<T>
  }

  throw(error: unknown): never {
    throw error
  }

  /** The frame in which it runs. */
  begin(caller: Call): Call {
    const isFrame = this.caller === null && this.callee?.next === generatorNext
    const frame = isFrame ? this : new Call(generatorOf(this.op as Op<T>))
    frame.caller = caller
    return frame
  }

  /** It is over; its caller's frame. */
  end(): Call {
    const caller = this.caller as Call
    this.caller = null
    return caller
  }
}

function generatorOf(op: Op<unknown>): TaskIterator {
  const operation = (typeof op === 'function' ? op() : op) as unknown as TaskIterator | null
  return operation?.next === generatorNext ? operation : (through(operation)[Symbol.iterator]() as TaskIterator)
}

/**
 * What is no generator is run by one, so that all frames are alike and `yield*` itself decides what
 * it accepts.
 */
function* through(operation: unknown): Operation<unknown> {
  return yield* toOperation(() => operation as Operation<unknown>)
}
