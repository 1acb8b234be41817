/**
 * Raw traps: about tasks. Each is one trap, made here and answered by the kernel; everything else
 * is built from them.
 */

import { Call } from '../../kernel/protocol/call.js'
import type { ImmediateCalls } from '../../kernel/protocol/calls.js'
import { tracked, tracker } from '../../kernel/protocol/debug.js'
import type { Nursery, NurseryOptions, Scope, ScopeOptions, SpawnOptions, Task } from '../../kernel/protocol/handles.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import {
  checkBody,
  checkInstance,
  checkLimit,
  checkSpawn,
  checkSpawned,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import type { Scheduler } from '../../kernel/protocol/scheduler.js'
import {
  ASK,
  ATOMIC,
  CHECKPOINT,
  CLOSE,
  CLOSE_CAUGHT,
  CLOSE_LEFT,
  CURRENT,
  CURRENT_TASK,
  FINISH,
  FINISH_DECIDED,
  FINISH_DELIVERED,
  IDLE,
  OPEN,
  OPEN_NURSERY,
  type Op,
  type Operation,
  PARK,
  SLEEP,
  SPAWN,
  SUSPEND,
  SUSPEND_ANYWHERE,
  Trap,
  WAKE,
} from '../../kernel/protocol/trap.js'
import { type Giver, PASS, WaitQueue } from '../../kernel/protocol/wait-queue.js'

const CHECKPOINT_TRAP = new Trap<void>(CHECKPOINT, null, null, 0)
const IDLE_TRAP = new Trap<void>(IDLE, null, null, 0)
const CURRENT_TRAP = new Trap<Task>(CURRENT, null, null, CURRENT_TASK)

/**
 * Lets the other ready tasks run first. It is a cancellation point.
 *
 * @throws Cancelled if a scope around the task was cancelled.
 * @example
 * import { run, checkpoint } from 'drupe'
 *
 * await run(function* () {
 *   for (let i = 0; i < 1_000_000; i++) if (i % 10_000 === 0) yield* checkpoint()
 * })
 */
export function checkpoint(): Trap<void> {
  return CHECKPOINT_TRAP
}

/**
 * Returns the task that asks. Does not wait.
 *
 * @example
 * import { run, current } from 'drupe'
 *
 * await run(function* main() {
 *   console.log((yield* current()).name) // => main
 * })
 */
export function current(): Trap<Task> {
  return CURRENT_TRAP
}

/**
 * Starts a child of the innermost nursery of this task; it runs when this task waits next. Does not
 * wait, and is no cancellation point. A `timeout`, a `moveOn` or a `scope` is no nursery: a task
 * spawned inside one belongs to the nursery around it and goes on when the time is over. Open a
 * `nursery` inside to keep tasks inside.
 *
 * @param op What to run: an operation, or a function that returns one, which then gives the task
 * its name.
 * @param options `name`: for messages; `daemon`: the nursery does not wait for it, but cancels it
 * at its end.
 * @throws TypeError if it is neither.
 * @throws ClosedError if the nursery has ended.
 * @example
 * import { run, spawn, sleep } from 'drupe'
 *
 * await run(function* () {
 *   const task = yield* spawn(function* answer() {
 *     yield* sleep(1)
 *     return 42
 *   })
 *   console.log(task.name, yield* task.join()) // => answer 42
 * })
 */
export function spawn<T>(op: Op<T>, options?: SpawnOptions): Trap<Task<T>> {
  checkSpawned('spawn', 'op', op)
  checkSpawn('spawn', options)
  return new Trap(SPAWN, op, options ?? null, 0)
}

/**
 * Runs an operation as `yield*` alone would, but in a frame of its own: the kernel resumes the
 * innermost callee directly, and its callers only when it is over. Plain `yield*` resumes through
 * all callers, so a switch under fifty of them costs fifty resumes; under fifty calls it costs one.
 * Nor does depth use up the stack: recursion may go as deep as memory allows. A call itself costs
 * more than a plain `yield*`, so it pays where operations wait often under many callers, or
 * recurse.
 *
 * A call is not a wait and no cancellation point, but it counts against the turn of the task, so
 * calls that never wait starve no other task. A cancel is thrown into the innermost frame and
 * leaves through its callers, their cleanup included. The price: the stack trace of an error shows
 * the innermost frame, not the callers.
 *
 * @param op An operation, or a function that returns one. The call can be run more than once if
 * `op` can.
 * @throws whatever the operation throws, unchanged; TypeError if `op` is no operation.
 * @example
 * import { call, runSync, type Operation } from 'drupe'
 *
 * function* sum(n: number): Operation<number> {
 *   return n === 0 ? 0 : n + (yield* call(sum(n - 1)))
 * }
 * console.log(runSync(sum(100_000))) // => 5000050000
 */
export function call<T>(op: Op<T>): Operation<T> {
  const made = new Call(checkSpawned('call', 'op', op))
  if (tracker !== null) tracker.created(made, 'call')
  return made
}

/**
 * Waits in a queue until another task wakes it, and returns the value that it was woken with. If
 * the task is cancelled while it waits, it leaves the queue.
 *
 * @param options `timeout` in milliseconds.
 * @param queue The queue.
 * @throws Cancelled if a scope around the task is cancelled.
 * @throws TimeoutError if it was not woken within `timeout`.
 * @throws RangeError if `timeout` is negative or NaN.
 * @example
 * import { checkpoint, spawn } from 'drupe'
 * import { park, WaitQueue, wake } from 'drupe/lowlevel'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const queue = new WaitQueue('wait for news')
 *   const reader = yield* spawn(() => park<string>(queue))
 *   yield* checkpoint()
 *   yield* wake(queue, 1, 'good news')
 *   console.log(yield* reader.join()) // => good news
 * })
 */
export function park<T = unknown>(queue: WaitQueue, options?: WaitOptions): Trap<T> {
  checkInstance('park', 'queue', queue, WaitQueue)
  if (options === undefined) return queue.trap as Trap<T>
  return new Trap(PARK, queue, null, timeoutOf('park', options))
}

/**
 * Wakes the tasks that have waited in a queue for longest; returns how many there were. Does not
 * wait.
 *
 * @param count How many at most.
 * @param value What their `park` returns.
 * @param queue The queue.
 * @throws RangeError if `count` is neither a whole number from 0 on nor Infinity.
 * @example
 * import { checkpoint, spawn } from 'drupe'
 * import { park, WaitQueue, wake } from 'drupe/lowlevel'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const queue = new WaitQueue('wait for news')
 *   for (let i = 0; i < 3; i++) yield* spawn(() => park(queue))
 *   yield* checkpoint()
 *   console.log(yield* wake(queue)) // => 1
 *   console.log(yield* wake(queue, Infinity)) // => 2
 * })
 */
export function wake(queue: WaitQueue, count = 1, value?: unknown): Trap<number> {
  checkInstance('wake', 'queue', queue, WaitQueue)
  return new Trap(WAKE, queue, value, checkLimit('wake', 'count', count, 0))
}

/** No callback ends it. */
const FOREVER = new Trap<never>(SLEEP, null, null, Number.POSITIVE_INFINITY)

/**
 * Waits until host code calls back: the bridge to everything that is not a task.
 *
 * @param begin Starts whatever is to call back, with the two ways to do so; the first call counts.
 * It may return a function that calls it off when the task is cancelled; if that function returns
 * false, the callback will still come and the task waits for it.
 * @throws what `begin` throws, or what was given to `reject`.
 * @throws TypeError if `begin` is no function, or an async one.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, suspend } from 'drupe'
 *
 * await run(function* () {
 *   const text = yield* suspend<string>((resolve) => {
 *     const timer = setTimeout(resolve, 5, 'ready')
 *     return () => clearTimeout(timer)
 *   })
 *   console.log(text) // => ready
 * })
 */
export function suspend<T = void>(
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => (() => boolean | void) | void,
): Trap<T>
/**
 * Waits until the task is cancelled, which is a reason for the host's process to live: see
 * `Kernel.hold`.
 */
export function suspend(): Trap<never>
export function suspend(begin?: unknown): Trap<unknown> {
  if (begin === undefined) return tracked('suspend', FOREVER)
  const kind = 'a function that sees to it that resolve is called'
  return new Trap(SUSPEND, checkBody('suspend', 'begin', begin, kind), null, SUSPEND_ANYWHERE)
}

/**
 * Waits until every other task waits and nothing is ready: in a test, until everything that could
 * happen has happened. On virtual time this is before the clock moves.
 *
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { nursery, sleep } from 'drupe'
 * import { virtual, waitAllBlocked } from 'drupe/testing'
 *
 * virtual({}, () => nursery(function* (n) {
 *   let asleep = false
 *   yield* n.spawn(function* () {
 *     asleep = true
 *     yield* sleep(1000)
 *   })
 *   yield* waitAllBlocked()
 *   console.log(asleep) // => true
 * }))
 */
export function waitAllBlocked(): Trap<void> {
  return IDLE_TRAP
}

/** Opens a scope of the given kind around what follows; `ms` from now is its deadline. */
export function openScope(options: ScopeOptions | null, ms: number): Trap<Scope> {
  return new Trap(OPEN, options, null, ms)
}

export function openNursery(options: NurseryOptions | null): Trap<Nursery> {
  return new Trap(OPEN, options, OPEN_NURSERY, Number.POSITIVE_INFINITY)
}

/** Leaves the innermost scope; `caught`: by its own `Cancelled`, which goes no further. */
export function closeScope(scope: Scope, caught = false): Trap<void> {
  return new Trap(CLOSE, scope, null, caught ? CLOSE_CAUGHT : CLOSE_LEFT)
}

/** Before something is taken that is there: no wait, but a cancellation point. */
export function pass(): Trap<void> {
  return PASS.trap as Trap<void>
}

/** Waits for the children of the innermost scope, a nursery, and leaves it. */
export function finishNursery(nursery: Nursery, failure: { readonly error: unknown } | null): Trap<void> {
  return new Trap(FINISH, nursery, failure, FINISH_DELIVERED)
}

/**
 * The same, but a cancel that comes meanwhile is left to the next wait: what the nursery is for may
 * be done.
 */
export function finishDecided(nursery: Nursery, failure: { readonly error: unknown } | null): Trap<void> {
  return new Trap(FINISH, nursery, failure, FINISH_DECIDED)
}

/**
 * `suspend`, with what becomes of an answer that the task was given and, being cancelled, does not
 * see.
 */
export function suspendFor<T>(
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => (() => boolean | void) | void,
  giver: Giver,
): Trap<T> {
  return new Trap(SUSPEND, begin, giver, SUSPEND_ANYWHERE)
}

/**
 * Does something inside a trap: nothing comes between its steps, and it never waits. The step
 * finds `detail` in the trap, so that one without operands can be made once.
 */
export function atomically<T>(
  step: (task: Task, trap: Trap<unknown>, scheduler: Scheduler) => T,
  detail: unknown = null,
): Trap<T> {
  return new Trap<T>(ATOMIC, step, detail, 0)
}

/**
 * Asks the driver for something that it can do at once; a negative number is thrown as a
 * SystemError.
 */
export function ask<T>(name: string, question: (calls: ImmediateCalls) => T, address: Address | null = null): Trap<T> {
  return new Trap(ASK, question, { name, address }, 0)
}
