/**
 * The other threads of a server, as the task that serves sees them.
 *
 * A thread is a task: it lives as long as the worker does, fails with what the worker dies of, and
 * when it is cancelled asks the worker to leave and waits until it has. Workers end by themselves,
 * so that handlers can clean up (bridge/host-worker.ts). One that does not hear for longer than the
 * grace is stuck in JavaScript that never returns, and is terminated. The other side is
 * server-thread.ts at the root, where a kernel meets its driver.
 */
import { BrokenError, KernelStateError, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { HostWorker } from '../bridge/host-worker.js'
import { ask } from '../raw/call.js'
import { until } from '../raw/promise.js'
import { isLeaving } from '../scope/place.js'
import { moveOn, shield } from '../scope/scope.js'
import type { ServeLimits } from './serve-limits.js'
import type { Listener, ListenOptions } from './tcp.js'
import type { Connection } from './tls-stream.js'

/** What a thread is to do. */
export interface ThreadJob {
  readonly place: ListenOptions
  readonly module: string
  readonly data: unknown
  readonly limits: ServeLimits
  /** Of its kernel, in milliseconds. */
  readonly grace: number
  /** One number: STARTING, UP or LEFT. */
  readonly state: Int32Array
}

/**
 * `close`: no new connections, and end when the others are done. `cancel`: those, too. `exit`: at
 * once.
 */
export type ThreadOrder = 'close' | 'cancel' | 'exit'

/** How much longer than the grace a thread may take to end. */
const PATIENCE_MS = 500

const LATE = Symbol('late')

/** Can other threads listen where this listener does? */
export function* checkSharing(listener: Listener<Connection>, threads: number): Operation<void> {
  const action = `serve in ${threads} threads`
  if (!listener.options.reusePort)
    throw new TypeError(`Cannot ${action}: the listener was opened without reusePort: true`)
  const { can, name } = yield* ask('threads', (driver) => ({ can: driver.can, name: driver.name }))
  if (!can.threads) throw new UnsupportedError(action, `the ${name} driver knows no other threads`)
  if (!can.reusePort) throw new UnsupportedError(action, `the ${name} driver cannot share a port`)
}

/** One thread that serves. */
export class ServerThread {
  readonly name: string
  private worker: HostWorker | null = null
  private asked = false

  constructor(
    number: number,
    private readonly listener: Listener<Connection>,
    private readonly module: URL,
    private readonly data: unknown,
    private readonly limits: ServeLimits,
  ) {
    this.name = `server thread ${number}`
  }

  /** Tells it what to do. */
  order(order: ThreadOrder): void {
    this.asked = true
    this.worker?.post(order)
  }

  /** Its life. */
  *run(grace: number): Operation<void> {
    // Asked to end before it began.
    if (this.asked) return
    const thread = this.start(grace)
    const { ended } = thread
    const hears = new Promise((resolve) => thread.worker.once('message', resolve))
    try {
      const code = yield* until(ended)
      if (!this.asked || code !== 0)
        throw new BrokenError('go on serving', `${this.name} has ended by itself, with exit code ${code}`)
    } catch (error) {
      if (!(yield* isLeaving(error))) throw error
      this.order('cancel')
      yield* shield(this.leave(thread, hears, grace + PATIENCE_MS))
      throw error
    }
  }

  private start(grace: number): HostWorker {
    const { address, options, port } = this.listener
    const place = address.family === 'unix' ? options : { ...options, host: address.host, port }
    const { data, limits, name } = this
    const state = new Int32Array(new SharedArrayBuffer(4))
    const job: ThreadJob = { place, module: String(this.module), data, limits, grace, state }
    this.worker = new HostWorker({ program: 'server-thread', name, data: job, state })
    return this.worker
  }

  private *leave(thread: HostWorker, hears: Promise<unknown>, ms: number): Operation<void> {
    const { ended } = thread
    yield* until(Promise.race([hears, ended]))
    if ((yield* moveOn(ms, until(ended), LATE)) !== LATE) return
    yield* thread.terminate()
    const why = `it did not hear for ${ms} ms and was terminated`
    throw new KernelStateError(`end ${this.name}`, why)
  }
}
