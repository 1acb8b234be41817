/**
 * Where the kernel meets the driver of this platform: what `drupe` exports as `Kernel`, `run` and
 * `runSync`.
 *
 * The kernel takes any driver and knows none; native/ knows the drivers and no kernel. This file
 * puts one into the other.
 */
import type { Driver } from './kernel/driver/contract.js'
import { HostDriver } from './kernel/driver/host.js'
import { KernelBase } from './kernel/kernel.js'
import type { KernelOptions as BareOptions } from './kernel/options.js'
import type { SpawnOptions } from './kernel/protocol/handles.js'
import { checkOperation, checkOptions } from './kernel/protocol/operands.js'
import { nameOf, toOperation } from './kernel/protocol/operation.js'
import { suppress } from './kernel/protocol/suppressed.js'
import { provideTls } from './kernel/protocol/tls.js'
import type { Op, Operation } from './kernel/protocol/trap.js'
import { hostContexts } from './native/host/async-context.js'
import { chooseDriver } from './native/select.js'
import { openTls } from './native/tls.js'
import { type AbortSignalLike, withSignal } from './traps/bridge/abort-signal.js'
import { nursery } from './traps/scope/nursery.js'

const CONTEXTS = hostContexts()
provideTls(openTls)

/** `DRUPE_DEBUG=1` puts every kernel that does not say otherwise into debug mode. */
function debugAsked(): boolean {
  const asked = typeof process === 'object' ? process.env['DRUPE_DEBUG'] : undefined
  return asked !== undefined && asked !== '' && asked !== '0'
}

/** The callbacks for when the process has nothing left to do; one listener for all. */
const callBacks = new Set<() => void>()

function beforeExit(callBack: () => void): () => void {
  // A bundler may make up a process for a browser, with nothing but an environment.
  if (typeof process !== 'object' || typeof process.on !== 'function') return () => {}
  if (callBacks.size === 0) process.on('beforeExit', callAll)
  callBacks.add(callBack)
  return () => {
    if (callBacks.delete(callBack) && callBacks.size === 0) process.off('beforeExit', callAll)
  }
}

function callAll(): void {
  for (const callBack of [...callBacks]) callBack()
}

/** The best that there is here, or the host's timers, with a note that says why. */
function ownDriver(): Driver {
  let note: string | undefined
  const explain = (why: string): void => {
    note = why
  }
  return chooseDriver(undefined, explain) ?? new HostDriver(note)
}

/** How a kernel works. */
export interface KernelOptions extends Omit<BareOptions, 'driver'> {
  /**
   * What waits underneath. Default: the best that this platform has; `DRUPE_DRIVER` forces one by
   * name.
   */
  readonly driver?: Driver
}

/** How the host runs an operation. */
export interface RunOptions extends SpawnOptions {
  /**
   * Native or from the `abort-controller` package. When it is aborted, the operation and all that
   * it started are cancelled, may clean up within the grace, and then `run` rejects with the
   * signal's reason.
   */
  readonly signal?: AbortSignalLike | undefined
}

/**
 * Runs tasks. {@linkcode run} and {@linkcode runSync} make one for a single operation; make your
 * own to embed Drupe in another program, to start tasks from host code, or to watch them.
 *
 * @example
 * import { Kernel, sleep } from 'drupe'
 *
 * const kernel = new Kernel()
 * const results = await Promise.all([1, 2, 3].map((n) => kernel.run(function* () {
 *   yield* sleep(n)
 *   return n * n
 * })))
 * console.log(results) // => [ 1, 4, 9 ]
 * await kernel.close()
 */
export class Kernel extends KernelBase {
  /**
   * Makes a kernel; close it when done.
   *
   * @param options What it runs on, and how.
   * @throws SystemError if there are no descriptors left for its driver (`EMFILE`).
   * @throws Error if `DRUPE_DRIVER` names a driver that does not work here.
   */
  constructor(options: KernelOptions = {}) {
    checkOptions('make a kernel', 'options', options)
    super({ contexts: CONTEXTS, beforeExit, debug: debugAsked(), ...options, driver: options.driver ?? ownDriver() })
  }

  /**
   * Runs an operation in guest mode, on the host's event loop, and gives its result.
   *
   * @param op The operation, or a function that returns one.
   * @param options With a `signal` that is aborted already the operation is not begun.
   * @throws (rejects with) what the operation throws; TaskCancelledError if it was cancelled; the
   * reason of the signal if that was aborted (a DOMException named `AbortError` if it has none).
   * @throws (rejects with) DeadlockError if the process has nothing left to do and the operation
   * still waits; see `hold`.
   * @throws (rejects with) KernelStateError if the kernel is closed, or is being closed and the
   * operation would not leave.
   * @example
   * import { Kernel, sleep } from 'drupe'
   *
   * const kernel = new Kernel()
   * const controller = new AbortController()
   * setTimeout(() => controller.abort(new Error('the client has left')), 5)
   * try {
   *   await kernel.run(sleep(60_000), { signal: controller.signal })
   * } catch (error) {
   *   console.log((error as Error).message) // => the client has left
   * }
   * await kernel.close()
   */
  override run<T>(op: Op<T>, options?: RunOptions): Promise<T> {
    checkOptions('run', 'options', options)
    const signal = options?.signal
    if (signal === undefined) return super.run(op, options)
    // In a nursery, so that the signal reaches what the operation spawns, too.
    const whole = (): Operation<T> => withSignal(signal, () => nursery(() => toOperation(op)))
    return super.run(whole, { name: nameOf(op), ...options })
  }
}

/**
 * Runs an operation on the host's event loop, in a kernel of its own that is closed afterwards, and
 * gives its result.
 *
 * @param op The operation, or a function that returns one.
 * @param options Those of the kernel, and a `signal` that cancels the operation; see `Kernel.run`.
 * @throws (rejects with) what the operation throws; TaskCancelledError if it was cancelled; the
 * reason of the signal if that was aborted.
 * @throws (rejects with) DeadlockError if the process has nothing left to do and the operation
 * still waits; `suspend()` waits on purpose, and keeps the process.
 * @example
 * import { run, sleep } from 'drupe'
 *
 * const answer = await run(function* () {
 *   yield* sleep(5)
 *   return 42
 * })
 * console.log(answer) // => 42
 */
export async function run<T>(op: Op<T>, options?: KernelOptions & RunOptions): Promise<T> {
  checkOperation('run', 'op', op)
  const kernel = new Kernel(options)
  let result: T
  try {
    result = await kernel.run(op, options)
  } catch (error) {
    // The first error counts; what goes wrong in closing after it is kept with it.
    await kernel.close().catch((later: unknown) => suppress(error, later))
    throw error
  }
  await kernel.close()
  return result
}

/**
 * Runs an operation by taking the thread until it is done; the host's own timers and promises stand
 * still meanwhile.
 *
 * @param op The operation, or a function that returns one.
 * @param options Those of the kernel.
 * @throws what the operation throws; TaskCancelledError if it was cancelled.
 * @throws DeadlockError if nothing could ever wake a task again.
 * @example
 * import { runSync, sleep } from 'drupe'
 *
 * console.log(runSync(function* () {
 *   yield* sleep(5)
 *   return 'done'
 * })) // => done
 */
export function runSync<T>(op: Op<T>, options?: KernelOptions): T {
  checkOperation('run', 'op', op)
  const kernel = new Kernel(options)
  return thenClose(kernel, () => kernel.runSync(op))
}

/** Does something with a kernel and closes it, whatever happens. */
export function thenClose<T>(kernel: Kernel, use: () => T): T {
  let result: T
  try {
    result = use()
  } catch (error) {
    try {
      kernel.closeSync()
    } catch (later) {
      suppress(error, later)
    }
    throw error
  }
  kernel.closeSync()
  return result
}
