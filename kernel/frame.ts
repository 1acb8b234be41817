/**
 * Calls: operations that the kernel resumes itself, instead of through all their callers.
 *
 * `yield* operation` makes a chain of generators, and each switch of the task passes through all of them. `yield* call(operation)`
 * asks the kernel to put the caller aside and to go on with the callee. While it runs, the call is its own frame: it knows its
 * callee and the frame of its caller, so that a task's frames are a list from the innermost outwards, and calling allocates nothing
 * but the call. A call that is run again meanwhile, or by another task, gets a frame of its own.
 *
 * A call is handed out like a trap, but is itself the iterator result in which it travels: a static object would be old,
 * and to write a young one into an old one is the dearest thing that happens in a call.
 */
import { watcher } from './forgotten.js'
import { type Op, type Operation, type Resumed, type TaskIterator, type Trap, toOperation } from './trap.js'

/**
 * The `next` that all generators inherit. Every generator function has objects of a shape of its own, so `iterator.next` is a
 * slow look-up once a program has more than a few, and optimised code that has learnt those shapes is thrown away when one
 * of the functions is collected. Calling this one function on them knows nothing of shapes.
 */
export const generatorNext: TaskIterator['next'] = Object.getPrototypeOf(function* () {}).prototype.next

/** See the head of this file. */
export class Call<out T = unknown> implements Operation<T> {
  private readonly op: Op<T> | null
  /** What is resumed: a generator, except at the bottom. Null while it does not run. */
  callee: TaskIterator | null
  /** Null at the bottom: that frame is the task's own body. */
  caller: Call | null = null

  constructor(op: Op<T> | null, callee: TaskIterator | null) {
    this.op = op
    this.callee = callee
    if (watcher !== null && op !== null) watcher.created(this, 'call')
  }

  /** The iterator result that it is. */
  get done(): false {
    return false
  }

  get value(): this {
    return this
  }

  [Symbol.iterator](): Iterator<Trap, T, unknown> {
    return this as unknown as Iterator<Trap, T, unknown>
  }

  next(task?: Resumed): IteratorResult<unknown, T> {
    if (task === undefined) return this
    return (task.done === true ? task : { done: true, value: task.value }) as IteratorReturnResult<T>
  }

  throw(error: unknown): never {
    throw error
  }

  /** The frame in which it runs. */
  begin(caller: Call): Call {
    const op = typeof this.op === 'function' ? this.op() : this.op
    const iterator = op as unknown as TaskIterator | null
    const callee = iterator?.next === generatorNext ? iterator : (through(op)[Symbol.iterator]() as TaskIterator)
    const frame = this.callee === null ? this : new Call(null, null)
    frame.callee = callee
    frame.caller = caller
    return frame
  }

  /** It is over; its caller's frame. */
  end(): Call {
    const caller = this.caller as Call
    this.callee = null
    this.caller = null
    return caller
  }
}

/** Whatever is no generator is run by one, so that frames are all alike and `yield*` itself judges what it may be. */
function* through(operation: unknown): Operation<unknown> {
  return yield* toOperation(() => operation as Operation<unknown>)
}
