/**
 * foreign: a C function that blocks, called on another thread.
 *
 * The function is one of koffi's, and koffi calls it on a thread of libuv's. C cannot be
 * interrupted, so a call that has begun is not withdrawn: what a scope has started ends before the
 * scope does, and what was lent to C is nobody else's until then. koffi has room for so many calls
 * and refuses the next, so the others wait their turn here.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { WaiterQueue } from '../../kernel/protocol/fifo.js'
import { wrong } from '../../kernel/protocol/operands.js'
import { type Operation, SUSPEND, SUSPEND_HOST_LOOP, Trap } from '../../kernel/protocol/trap.js'
import type { Giver } from '../../kernel/protocol/wait-queue.js'
import { checkpoint } from '../raw/call.js'
import { foreignError } from './koffi.js'
import { ForeignArgument } from './lifetime.js'

/**
 * Of the 256 that koffi has room for, callbacks included: each of these calls can have one under
 * way, and the drivers a few calls of their own.
 */
const CALLS_AT_ONCE = 120

/** A function of koffi's, as `library.func` returns it. */
export interface ForeignFunction {
  /**
   * Calls it on another thread.
   *
   * @param args What it is called with; the last is called with the error or the result.
   */
  // koffi says no more about its functions: the types are those of the C declaration.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  async(...args: any[]): unknown
  /** What koffi knows about it. */
  readonly info: { readonly name: string }
}

/**
 * Calls a C function on another thread and returns its result; other tasks go on. The threads are
 * libuv's (4, or UV_THREADPOOL_SIZE), which Node's files and names use as well: put it into
 * `limiter.with` of a CapacityLimiter to leave some for them. koffi has room for so many calls; the
 * others wait their turn, in the order in which they came.
 *
 * C cannot be interrupted. If the task is cancelled before the call has begun, there is none. If it
 * is cancelled while the call runs, the call is waited for and its result returned, and the task is
 * cancelled at its next wait; no deadline is shorter than the call. Until then the arguments are
 * held, so that memory of theirs is not freed: bytes of the caller's, memory of an `arena`, a
 * `foreignCallback`. Do not write to bytes meanwhile, and do not transfer them.
 *
 * Needs the host's event loop, so in a blocking run nothing is called: call the function itself
 * there. A worker that is terminated while a call runs may abort the process.
 *
 * @param fn A function that koffi has made, of a library or from a pointer.
 * @param args What it is called with. Memory of an arena, or a callback, stands for its address.
 * @throws TypeError if `fn` is no such function, or koffi refuses an argument.
 * @throws Error what koffi says of a call that it cannot make, with the function's name.
 * @throws ClosedError if an argument is memory of an arena, or a callback, that is closed.
 * @throws KernelStateError in a blocking run; nothing is called then.
 * @throws Cancelled if a scope around the task is cancelled before the call.
 * @example
 * import { foreign, run } from 'drupe'
 * import koffi from 'koffi'
 *
 * const cos = koffi.load('libm.so.6').func('double cos(double x)')
 *
 * await run(function* () {
 *   console.log(yield* foreign<number>(cos, 0)) // => 1
 * })
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#trio.to_thread.run_sync
 */
export function foreign<T = unknown>(fn: ForeignFunction, ...args: readonly unknown[]): Operation<T> {
  const { async, info } = Object(fn) as Partial<ForeignFunction>
  if (typeof fn !== 'function' || typeof async !== 'function' || typeof info?.name !== 'string') {
    throw wrong('call into C', 'fn', 'a function made by koffi', fn, '')
  }
  return tracked('foreign', calling<T>(fn, info.name, args))
}

function* calling<T>(fn: ForeignFunction, name: string, args: readonly unknown[]): Operation<T> {
  // A call that has begun is not withdrawn: a cancel that has come already must be seen before.
  yield* checkpoint()
  const begin = (resolve: (value: T) => void, reject: (error: unknown) => void): (() => boolean) => {
    const call = new Call<T>(fn, name, args, resolve, reject)
    const leave = waiting.join(call)
    serve()
    return () => {
      if (running.has(call)) return false
      leave()
      call.release()
      return true
    }
  }
  const giver: Giver = { undo: null, hostLoop: [`call ${name}`, "its answer comes through the host's loop"] }
  return yield* new Trap<T>(SUSPEND, begin, giver, SUSPEND_HOST_LOOP)
}

/**
 * A call, from the moment it waits for its turn. It holds its arguments: a kernel that is closed
 * meanwhile no longer holds its tasks.
 */
class Call<T> {
  private readonly lent: readonly ForeignArgument[]

  constructor(
    private readonly fn: ForeignFunction,
    private readonly name: string,
    private readonly args: readonly unknown[],
    private readonly resolve: (value: T) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    this.lent = args.filter((arg) => arg instanceof ForeignArgument)
    for (const { lifetime } of this.lent) lifetime.check(`call ${name}`)
    for (const { lifetime } of this.lent) lifetime.acquire()
  }

  begin(): void {
    try {
      const values = this.args.map((arg) => (arg instanceof ForeignArgument ? arg.pointer : arg))
      this.fn.async(...values, (error: unknown, result: T) => this.end(error, result))
    } catch (error) {
      this.end(error)
    }
  }

  release(): void {
    for (const { lifetime } of this.lent) lifetime.release()
  }

  private end(error: unknown, result?: T): void {
    if (!running.delete(this)) return
    if (error) this.reject(foreignError(`call ${this.name}`, error))
    else this.resolve(result as T)
    this.release()
    serve()
  }
}

/** The calls that koffi has, and those that wait for that: of all kernels of the thread. */
const running = new Set<Call<never>>()
const waiting = new WaiterQueue<Call<never>>()
let serving = false

/** Begins those whose turn it is. One that fails at once ends in here, and begins no others. */
function serve(): void {
  if (serving) return
  serving = true
  while (running.size < CALLS_AT_ONCE) {
    const call = waiting.take()
    if (call === undefined) break
    running.add(call)
    call.begin()
  }
  serving = false
}
