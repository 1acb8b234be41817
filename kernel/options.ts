/**
 * The options of a kernel, how they are checked, and the counts that a kernel gives of itself.
 */
import type { Driver } from './driver/contract.js'
import { OperationTracker } from './protocol/debug.js'
import type { HostContexts } from './protocol/host-context.js'
import { checkMethods, checkSeed, checkSwitch, checkTime } from './protocol/operands.js'
import { Unclosed } from './protocol/unclosed.js'
import { seededRandom } from './random.js'
import type { StateOptions } from './schedule/state.js'
import { unclosedText } from './schedule/warnings.js'
import { checkInstruments, type Instrument, Instruments } from './watch/instruments.js'
import { withPage } from './watch/pages.js'

/** What a kernel is made with: its driver, grace and seed, and what watches it. */
export interface KernelOptions {
  /** What waits underneath. */
  readonly driver: Driver
  /**
   * Milliseconds that a cancelled scope's cleanup may take; default 5000. 0 is Trio's rule,
   * Infinity is curio's.
   */
  readonly grace?: number
  /**
   * Shuffles the ready tasks of each pass, always in the same way for the same seed, and gives
   * tasks that ask for random numbers always the same ones. For tests.
   */
  readonly seed?: number
  /** What watches it. */
  readonly instruments?: readonly Instrument[]
  /**
   * At a price: finds forgotten `yield*`, and warns of swallowed cancels, of cleanup that the grace
   * cut short, of steps that hold the thread for 50 ms or more, and of streams, listeners and
   * sockets that were never closed. Default: as the environment
   * variable `DRUPE_DEBUG` says, `1` for on.
   */
  readonly debug?: boolean
  /**
   * Calls back each time that the host is about to end for want of work, until the function that it
   * returns is called. Tasks that still wait then are told, and pending runs are rejected. Default:
   * that of Node's process, where there is one.
   */
  readonly beforeExit?: (callBack: () => void) => () => void
  /** How tasks carry the host's ambient context; null: they do not. */
  readonly contexts?: HostContexts | null
}

/** How much a kernel has in hand; all zero after everything is over. */
export interface KernelStatistics {
  /** Tasks that are not over. */
  readonly tasks: number
  /** Tasks that can run now. */
  readonly ready: number
  /** Sleeps, timeouts and deadlines that have not come. */
  readonly timers: number
  /** I/O operations that the driver has. */
  readonly operations: number
  /** Tasks that wait for host code. */
  readonly suspended: number
  /** Sockets that are open: of streams, listeners and datagrams. */
  readonly sockets: number
}

/**
 * The options as the loop takes them.
 *
 * @throws TypeError or RangeError if one of them is wrong.
 */
export function stateOptionsOf(options: KernelOptions): StateOptions {
  // A rejected promise that nothing handles is the one way to report an error that every host has.
  const report = (error: unknown): void => void Promise.reject(withPage(error, options.debug))
  checkMethods('make a kernel', 'driver', options.driver, 'a driver', ['submit', 'poll', 'attach', 'close'])
  checkSwitch('make a kernel', 'debug', options.debug)
  const warn = (message: string): void => console.warn(`drupe: ${message}`)
  const instruments = checkInstruments(options.instruments ?? [])
  return {
    driver: options.driver,
    grace: checkTime('make a kernel', 'grace', options.grace ?? 5000),
    random: options.seed === undefined ? null : seededRandom(checkSeed('make a kernel', options.seed)),
    // Numbers of their own: a task that asks for one more must not change the order of turns.
    draw: options.seed === undefined ? Math.random : seededRandom(options.seed ^ 0x5bd1e995),
    instruments: instruments.length > 0 ? new Instruments(instruments, report) : null,
    tracker: options.debug ? new OperationTracker(new Unclosed((...what) => warn(unclosedText(...what))), warn) : null,
    contexts: options.contexts ?? null,
    report,
    warn,
  }
}
