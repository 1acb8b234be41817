/**
 * The main program: `main` runs an operation as the whole of a process, from its start to its exit
 * code.
 *
 * A process is told to end by a signal, has some time for it, and answers with a number. All three
 * are one thing here: the signal cancels the operation, the grace is the kernel's, and the number
 * says how it went. It stands beside the doors because it makes a kernel.
 */
import { Kernel, type KernelOptions } from './doors.js'
import { checkList, checkOperation, checkOptions, checkWord } from './kernel/protocol/operands.js'
import { nameOf } from './kernel/protocol/operation.js'
import { suppress } from './kernel/protocol/suppressed.js'
import type { Op } from './kernel/protocol/trap.js'
import { nameOrigin } from './kernel/watch/traceback.js'
import { CATCHABLE, type CatchableSignal, hostProcess, otherwise } from './traps/os/signals.js'

/** A shell's code for "ended by a signal" is this plus its number. */
const SIGNAL_CODE = 128
const FAILED = 1

/** How `main` works. */
export interface MainOptions extends Omit<KernelOptions, 'beforeExit'> {
  /** Which signals cancel it. Default: SIGINT and SIGTERM. */
  readonly signals?: readonly CatchableSignal[]
}

/**
 * Runs an operation as the main program of this process, and ends the process with it, whatever
 * else is still open. The exit code is 0 (or `process.exitCode`, if the program set it), 1 if the
 * operation failed, and 128 and the number of the signal that cancelled it: 130 for SIGINT, 143 for
 * SIGTERM. An error is printed once, with the task and the line where it began. What was written to
 * the standard outputs has left by then.
 *
 * The first of the signals cancels the operation and all that it has started, which have `grace`
 * milliseconds to clean up. A second one ends the process at once, and its child processes with it.
 * The process is held as long as the operation runs, even if nothing but a signal can end it. While
 * a source of `signals` is open, those do not cancel: they go to it.
 *
 * Signals arrive through the host's loop, so a step that takes the thread for long delays them, and
 * a blocking run (`runSync`) has no `main`: there SIGINT ends the process on the spot, without
 * cleanup, as it does for any program.
 *
 * @param op The operation, or a function that returns one.
 * @param options Those of a kernel, `grace` in milliseconds among them, and `signals`.
 * @throws (rejects with) UnsupportedError in a worker thread, or where the host has no signals.
 * @throws (rejects with) TypeError or RangeError if an argument is wrong.
 * @example
 * import { main, sleep } from 'drupe'
 *
 * await main(function* () {
 *   console.log('at work')
 *   yield* sleep(5)
 *   console.log('done')
 * })
 * // => at work
 * // => done
 */
export async function main<T>(op: Op<T>, options: MainOptions = {}): Promise<never> {
  checkOperation('run the main program', 'op', op)
  checkOptions('run the main program', 'options', options)
  const { signals = ['SIGINT', 'SIGTERM'], ...kernelOptions } = options
  checkList('run the main program', 'signals', signals)
  signals.forEach((name, i) => void checkWord('run the main program', `signals[${i}]`, name, CATCHABLE))
  const kernel = new Kernel(kernelOptions)
  let host: ReturnType<typeof hostProcess>
  try {
    host = hostProcess('run the main program')
  } catch (error) {
    await kernel.close()
    throw error
  }
  const stop = new AbortController()
  let stopped: Stopped | null = null
  for (const name of new Set(signals)) {
    otherwise(host, name, () => {
      if (stopped !== null) process.exit(codeOf(name))
      stopped = new Stopped(name)
      stop.abort(stopped)
    })
  }
  const release = kernel.hold()
  let failure: { readonly error: unknown } | null = null
  try {
    await kernel.run(op, { name: nameOf(op), signal: stop.signal })
  } catch (error) {
    if (error !== stopped) failure = { error }
  }
  release()
  try {
    await kernel.close()
  } catch (error) {
    if (failure === null) failure = { error }
    else suppress(failure.error, error)
  }
  if (failure !== null) {
    nameOrigin(failure.error)
    console.error(failure.error)
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  if (failure !== null) process.exit(FAILED)
  process.exit(stopped === null ? process.exitCode : codeOf((stopped as Stopped).signal))
}

/** Why the operation is cancelled. */
class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly signal: CatchableSignal

  constructor(signal: CatchableSignal) {
    super(`${signal} was sent to the program`)
    this.signal = signal
  }
}

function codeOf(signal: CatchableSignal): number {
  return SIGNAL_CODE + process.getBuiltinModule('node:os').constants.signals[signal]
}

/** When all that was written before has left; a pipe takes its time. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableEnded) return Promise.resolve()
  return new Promise((resolve) => {
    // Its reader may have gone.
    stream.once('error', () => resolve())
    stream.once('close', () => resolve())
    stream.write('', () => resolve())
  })
}
