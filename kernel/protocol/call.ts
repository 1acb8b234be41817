/**
 * Calls: operations that the kernel resumes itself, instead of through all their callers.
 *
 * `yield* operation` makes a chain of generators, and each switch of the task passes through all of them. `yield* call(operation)`
 * asks the kernel to put the caller aside and to go on with the callee. While a generator that was called runs, the call is its own
 * frame: it knows the frame of its caller, so that a task's frames are a list from the innermost outwards, and calling allocates
 * nothing but the call. One of a function gets a frame for each generator that the function makes, so it can be run again and again.
 *
 * A call is handed out like a trap, but is itself the iterator result in which it travels: a static object would be old,
 * and to write a young one into an old one is the dearest thing that happens in a call.
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
 * The `next` that all generators inherit. Every generator function has objects of a shape of its own, so `iterator.next` is a
 * slow look-up once a program has more than a few, and optimised code that has learnt those shapes is thrown away when one
 * of the functions is collected. Calling this one function on them knows nothing of shapes.
 */
export const generatorNext: TaskIterator['next'] = Object.getPrototypeOf(function* () {}).prototype.next

/** See the head of this file. */
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

/** Whatever is no generator is run by one, so that frames are all alike and `yield*` itself judges what it may be. */
function* through(operation: unknown): Operation<unknown> {
  return yield* toOperation(() => operation as Operation<unknown>)
}
