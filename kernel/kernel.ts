/**
 * The kernel as the host program sees it: a loop, a driver, and a way in from outside.
 *
 * Tasks talk to the kernel through traps (protocol/trap.ts). The host program, which is no task,
 * talks to this class: it starts tasks, cancels them, waits for them as promises (as a guest) or by
 * taking the thread, and shuts everything down.
 *
 * The rooms, each built on those before it: protocol/ is what traps and programs share with the
 * kernel. driver/ is the contract with what waits underneath, and two drivers without I/O. time/ is
 * the timers. task/ is the records of tasks, scopes and nurseries. watch/ shows what happens:
 * instruments, tracebacks. schedule/ is the kernel at work: it answers traps, delivers cancels,
 * ends tasks, and runs the loop. sim/, built on this file, is a simulated world for tests.
 */

import { Closing } from './closing.js'
import { dump, summary } from './dump.js'
import { type KernelOptions, type KernelStatistics, stateOptionsOf } from './options.js'
import { KernelStateError, UnsupportedError } from './protocol/errors.js'
import type { SpawnOptions, Task } from './protocol/handles.js'
import { INSPECT } from './protocol/inspect.js'
import { checkOperation, checkSpawn } from './protocol/operands.js'
import type { Op } from './protocol/trap.js'
import { cancelTask } from './schedule/cancel.js'
import { Loop } from './schedule/loop.js'
import { Guest, runBlocking } from './schedule/runners.js'
import { start } from './schedule/spawn.js'
import { checkTask } from './task/owner.js'
import { outcomeOf } from './task/phase.js'
import type { TaskRecord } from './task/task.js'
import { Waker } from './waker.js'
import { withPage } from './watch/pages.js'

/** Everything that a task tree needs to run. One kernel lives on one thread. */
export class KernelBase {
  private readonly loop: Loop
  private guest: Guest | null = null
  private readonly closing: Closing
  private readonly beforeExit: (callBack: () => void) => () => void

  constructor(options: KernelOptions) {
    this.loop = new Loop(stateOptionsOf(options))
    this.beforeExit = options.beforeExit ?? (() => () => {})
    this.closing = new Closing(
      this.loop,
      () => this.guest,
      () => this.attach(),
    )
    if (options.debug && options.driver.note !== undefined) this.loop.warn(options.driver.note)
  }

  /**
   * Which driver waits underneath: `io_uring`, `epoll`, `host`, … Debug mode says why if it is not
   * the best one.
   */
  get driver(): string {
    return this.loop.driver.name
  }

  /** The current figures. */
  get statistics(): KernelStatistics {
    const { live, ready, timers, inFlight, suspended, driver } = this.loop
    const sockets = driver.openSockets()
    return { tasks: live, ready: ready.length, timers: timers.size, operations: inFlight, suspended, sockets }
  }

  /**
   * Runs an operation in guest mode, on the host's event loop, and gives its result. The promise
   * rejects with what the operation threw, with a TaskCancelledError, or, when the process has
   * nothing left to do and the operation still waits, with a DeadlockError.
   */
  async run<T>(op: Op<T>, options?: SpawnOptions): Promise<T> {
    const task = this.spawn(op, options) as TaskRecord<T>
    try {
      await this.ended(task)
      return outcomeOf(task, true) as T
    } catch (error) {
      throw withPage(error, this.loop.tracker !== null)
    }
  }

  /**
   * Runs an operation by taking the thread until it is done, other tasks of the kernel beside it.
   * The host's timers, promises and callbacks stand still meanwhile.
   *
   * @param op The operation, or a function that returns one.
   * @param options `name`: for messages.
   * @throws what the operation threw, or TaskCancelledError.
   * @throws DeadlockError if nothing could ever wake a task again.
   */
  runSync<T>(op: Op<T>, options?: SpawnOptions): T {
    const { loop } = this
    checkOperation('run', 'op', op)
    checkSpawn('run', options)
    this.assertOpen('run')
    if (loop.turning) throw new KernelStateError('run', 'this kernel is already running; use traps inside its tasks')
    const task = this.begin(op, options)
    // Time alone would not end the turn: on a virtual clock none passes while a task is busy.
    loop.endCallbacks.set(task, () => {
      loop.enough = true
    })
    try {
      runBlocking(loop, () => task.ended)
      return outcomeOf(task, true) as T
    } catch (error) {
      throw withPage(error, this.loop.tracker !== null)
    }
  }

  /**
   * Starts a task from outside, in guest mode. Its failure is reported as an unhandled rejection
   * unless a task joins it first; use `run` to get the result as a promise.
   *
   * @param op The operation, or a function that returns one.
   * @param options `name`: for messages.
   */
  spawn<T>(op: Op<T>, options?: SpawnOptions): Task<T> {
    checkOperation('spawn', 'op', op)
    checkSpawn('spawn', options)
    this.assertOpen('spawn')
    this.attach()
    const task = this.begin(op, options)
    this.loop.changed()
    return task
  }

  /**
   * Cancels a task from outside; false if it was over. Does not wait.
   *
   * @param task The task.
   * @param reason What its `Cancelled` says, as `reason`.
   * @throws KernelStateError if it is a task of another kernel.
   */
  cancel(task: Task, reason?: unknown): boolean {
    checkTask(this.loop.root, 'cancel', task as TaskRecord)
    return cancelTask(this.loop, task as TaskRecord, reason)
  }

  /**
   * A picture as text, for a log or a debugger: all tasks as a tree, with their states, what each
   * waits for and until when. In debug mode with the lines at which they wait. Looks, and touches
   * nothing.
   *
   * @example
   * import { Kernel, Queue, spawn } from 'drupe'
   *
   * const kernel = new Kernel()
   * const jobs = new Queue<string>(1, { name: 'jobs' })
   * void kernel.run(function* main() {
   *   yield* spawn(function* worker() {
   *     yield* jobs.get()
   *   })
   * }).catch(() => {})
   * setTimeout(() => {
   *   console.log(kernel.dump().split('\n')[2]) // =>     task 2 (worker): waiting, get from the queue jobs
   *   void kernel.close()
   * }, 5)
   */
  dump(): string {
    return dump(this.loop)
  }

  /** `console.log(kernel)` is one line. */
  [INSPECT](): string {
    return summary(this.loop)
  }

  /** A place where a task can wait for other threads. */
  waker(): Waker {
    const { can, wakeToken } = this.loop.driver
    if (!can.threads || wakeToken === null)
      throw new UnsupportedError('make a waker', `the ${this.driver} driver has no other threads`)
    return new Waker(this.loop, wakeToken)
  }

  /**
   * Keeps the host's process alive until the function that it returns is called, or the kernel is
   * closed. Work under way does so by itself: operations, timers, and a `suspend()` or a sleep
   * without end while a `run` is pending. Tasks that wait for each other or for host code do not.
   *
   * @throws KernelStateError if the kernel is closed.
   * @example
   * import { Kernel, Queue } from 'drupe'
   *
   * const kernel = new Kernel()
   * const jobs = new Queue<string>()
   * const job = kernel.run(() => jobs.get())
   * const release = kernel.hold()
   * await kernel.run(() => jobs.put('write'))
   * console.log(await job) // => write
   * release()
   * await kernel.close()
   */
  hold(): () => void {
    this.assertOpen('hold the process')
    return this.attach().hold()
  }

  /** The tasks that the host started and that are not over, the oldest first. */
  tasks(): Task[] {
    const list: Task[] = []
    for (let task = this.loop.root.oldest; task !== null; task = task.nextSibling) list.push(task)
    return list
  }

  /**
   * Shuts down: cancels every task, the newest first, waits until they are out, closes the driver.
   * Tasks that are still there a second after their grace are named in the error and abandoned;
   * promises of `run` that wait for them are rejected with it.
   *
   * @throws KernelStateError if tasks would not leave.
   */
  close(): Promise<void> {
    return this.closing.close()
  }

  /**
   * Like `close`, by taking the thread. A `close` that is under way is brought to its end, and its
   * promise with it.
   *
   * @throws KernelStateError if tasks would not leave, or from inside one of the kernel's tasks.
   * @throws UnsupportedError if a `close` is under way and the driver cannot take the thread; it
   * goes on then.
   */
  closeSync(): void {
    this.closing.closeSync()
  }

  /** `await using kernel = new Kernel()` closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private begin<T>(op: Op<T>, options?: SpawnOptions): TaskRecord<T> {
    const { loop } = this
    const task = start(loop, loop.root, op, options?.name ?? op, options?.daemon ?? false) as TaskRecord<T>
    const context = loop.contexts === null ? null : loop.contexts.capture()
    if (context !== null) {
      task.ensuredExtras.hostContext = context
      loop.contextual = true
    }
    return task
  }

  private ended(task: TaskRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.loop.endCallbacks.set(task, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  private attach(): Guest {
    this.guest ??= new Guest(this.loop, this.beforeExit)
    return this.guest
  }

  private assertOpen(action: string): void {
    const { state } = this.closing
    if (state !== 'open') throw new KernelStateError(action, `this kernel is ${state}`)
  }
}
