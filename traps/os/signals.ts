/**
 * Signals that other processes send to this one.
 *
 * The host hears of them (`process.on`), because only it can: a handler of our own would run in the
 * middle of anything, and to read them from a descriptor they would have to be blocked in every
 * thread. So they arrive through the host's loop.
 */
import { KernelStateError, UnsupportedError } from '../../kernel/protocol/errors.js'
import { setImmediate } from '../../kernel/protocol/host-functions.js'
import { checkWord } from '../../kernel/protocol/operands.js'
import { SIGNALS, type SignalName } from '../../kernel/protocol/processes.js'
import { type Operation, SUSPEND, SUSPEND_HOST_LOOP, Trap } from '../../kernel/protocol/trap.js'
import type { Source } from '../scope/each.js'
import { shield } from '../scope/scope.js'
import { HostCursor } from './host-cursor.js'

/** Nobody can listen for these. */
export type CatchableSignal = Exclude<SignalName, 'SIGKILL' | 'SIGSTOP'>

/** As much of the host's process as is needed. */
interface HostProcess {
  readonly pid: number
  on(name: string, listener: () => void): unknown
  off(name: string, listener: () => void): unknown
  listeners(name: string): readonly unknown[]
  kill(pid: number, signal: string): unknown
  getBuiltinModule?(name: string): { readonly isMainThread: boolean } | undefined
}

/** The present one may have looked already. */
const ROUNDS = 2

/** The host takes more than ten listeners for a leak, so it has one for each signal. */
interface Heard {
  /** Those of open sources. */
  readonly all: Set<() => void>
  /** What `main` does if no source is open. */
  otherwise: (() => void) | null
  tell(): void
}

const heard = new Map<string, Heard>()

/** Those that can be listened for. */
export const CATCHABLE = SIGNALS.filter((name) => name !== 'SIGKILL' && name !== 'SIGSTOP') as CatchableSignal[]

/**
 * Makes a source of these signals, for `each` and `subscribe`; each item is a name. As long as the
 * source is open they do nothing else to the program, nor to `main`. What they do otherwise comes
 * back when it is closed, and a signal that came and was not taken by then does it (SIGTERM ends
 * the program), unless other code listens for it.
 *
 * None is lost: those that come while the task is busy wait for it. One that comes again before it
 * was taken counts once, as it does for the system. If the task is cancelled while it waits, a
 * signal is left to the next read.
 *
 * Waiting for a signal keeps the host's process. In a blocking run the wait is a KernelStateError,
 * and the signals do what they do otherwise after it.
 *
 * @param names Which signals, at least one.
 * @throws RangeError if one of them is no signal, or cannot be caught.
 * @throws TypeError if there is none.
 * @throws UnsupportedError (when it is opened) in a worker thread, or where the host has none.
 * @example
 * import { each, run, signals } from 'drupe'
 *
 * await run(function* () {
 *   setTimeout(() => process.kill(process.pid, 'SIGHUP'), 5)
 *   yield* each(signals('SIGHUP', 'SIGUSR2'), function* (name) {
 *     console.log(`${name}: reading the configuration again`)
 *     return true
 *   })
 *   // => SIGHUP: reading the configuration again
 * })
 */
export function signals(...names: readonly CatchableSignal[]): Source<CatchableSignal> {
  if (names.length === 0) throw new TypeError('Cannot listen for signals: none is named')
  names.forEach((name, i) => void checkWord('listen for signals', `names[${i}]`, name, CATCHABLE))
  const chosen = [...new Set(names)]
  return { open: () => new SignalCursor(hostProcess('listen for signals'), chosen) }
}

/** Where signals arrive. */
export function hostProcess(action: string): HostProcess {
  const host = (globalThis as { process?: HostProcess }).process
  if (host === undefined || typeof host.on !== 'function' || typeof host.kill !== 'function') {
    throw new UnsupportedError(action, 'this host has none')
  }
  if (host.getBuiltinModule?.('node:worker_threads')?.isMainThread === false) {
    throw new UnsupportedError(action, 'they go to the main thread, and this is a worker')
  }
  return host
}

function heardOf(host: HostProcess, name: string): Heard {
  let known = heard.get(name)
  if (known === undefined) {
    const all = new Set<() => void>()
    const made: Heard = {
      all,
      otherwise: null,
      tell() {
        if (all.size === 0) made.otherwise?.()
        for (const one of [...all]) one()
      },
    }
    heard.set(name, made)
    known = made
  }
  // Other code may have removed all listeners.
  if (!host.listeners(name).includes(known.tell)) host.on(name, known.tell)
  return known
}

/** What a signal does while no source of it is open, from now on. */
export function otherwise(host: HostProcess, name: string, listener: () => void): void {
  heardOf(host, name).otherwise = listener
}

function leave(host: HostProcess, name: string, listener: () => void): void {
  const known = heard.get(name)
  known?.all.delete(listener)
  if (known === undefined || known.all.size > 0 || known.otherwise !== null) return
  heard.delete(name)
  host.off(name, known.tell)
}

/** A signal that nobody took does now what it would have done without a source. */
function giveBack(host: HostProcess, name: string): void {
  const known = heard.get(name)
  if (known === undefined && host.listeners(name).length === 0) host.kill(host.pid, name)
  else if (known?.all.size === 0) known.otherwise?.()
}

class SignalCursor extends HostCursor<CatchableSignal> {
  /** In the order in which they came; each once. */
  private readonly pending = new Set<CatchableSignal>()
  private readonly listeners = new Map<CatchableSignal, () => void>()
  private readonly host: HostProcess
  private closed = false
  /** @internal */
  readonly hostLoop = ['wait for a signal', "it comes through the host's loop"] as const

  constructor(host: HostProcess, names: readonly CatchableSignal[]) {
    super()
    this.host = host
    for (const name of names) {
      const listener = (): void => {
        this.pending.add(name)
        this.wake()
      }
      this.listeners.set(name, listener)
      heardOf(host, name).all.add(listener)
    }
  }

  *close(): Operation<void> {
    if (this.closed) return
    this.closed = true
    this.wakeAll()
    yield* shield(() => this.settle())
    for (const [name, listener] of this.listeners) leave(this.host, name, listener)
    for (const name of this.pending) giveBack(this.host, name)
    this.pending.clear()
  }

  protected get ready(): boolean {
    return this.pending.size > 0 || this.closed
  }

  protected take(): IteratorResult<CatchableSignal, undefined> {
    for (const value of this.pending) {
      this.pending.delete(value)
      return { done: false, value }
    }
    return { done: true, value: undefined }
  }

  /**
   * What has reached the process reaches its listeners with the next round of the host's loop, and
   * none if there are none by then.
   */
  private *settle(): Operation<void> {
    try {
      for (let round = 0; round < ROUNDS; round++) {
        yield* new Trap<void>(SUSPEND, (resolve: () => void) => void setImmediate(resolve), this, SUSPEND_HOST_LOOP)
      }
    } catch (error) {
      // In a blocking run there is no such round.
      if (!(error instanceof KernelStateError)) throw error
    }
  }
}
