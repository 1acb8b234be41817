/**
 * The other threads of a server, as the task that serves sees them.
 *
 * A thread is a task: it lives as long as the worker does, fails with what the worker dies of, and
 * when it is cancelled asks the worker to leave and waits until it has. Workers end by themselves,
 * so that handlers can clean up, and because terminating one that loads koffi takes the process
 * down. One that does not hear for longer than the grace is stuck in JavaScript that never returns,
 * and is terminated. A process that exits terminates its workers, so it asks them first, too.
 *
 * This is one of the few files of traps/ that know a host: Node's workers. The other side is
 * server-thread.ts at the root, where a kernel meets its driver.
 */
import type { Worker } from 'node:worker_threads'
import { BrokenError, KernelStateError, UnsupportedError } from '../../kernel/protocol/errors.js'
import { now } from '../../kernel/protocol/host-functions.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ask } from '../raw/call.js'
import { until } from '../raw/promise.js'
import { sleep } from '../raw/time.js'
import { isLeaving } from '../scope/place.js'
import { moveOn, shield } from '../scope/scope.js'
import type { ServeLimits } from './serve-limits.js'
import type { Listener, ListenOptions } from './tcp.js'

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

/** It does not hear yet, and is loading native code: not a moment to end it. */
const STARTING = 0
/** It hears. */
export const UP = 1
/** It has let go of everything. */
export const LEFT = 2

/** How much longer than the grace a thread may take to end. */
const PATIENCE_MS = 500

/**
 * How long a process that exits waits for threads that are starting, which on a busy machine takes
 * its time and must not be cut short, and for those that hear.
 */
const START_MS = 30_000
const EXIT_MS = 1000

/** The system lets go of the files of a ring a moment later, in the background. */
const LETTING_GO_MS = 100

const LATE = Symbol('late')

const running = new Set<ServerThread>()

/** The process exits: no worker may be in a native call when it is terminated. */
function exitAll(): void {
  for (const thread of running) thread.order('exit')
  const up = now() + START_MS
  for (const thread of running) thread.waitWhile(STARTING, up)
  const left = now() + EXIT_MS
  for (const thread of running) thread.waitWhile(UP, left)
}

/** Can other threads listen where this listener does? */
export function* checkSharing(listener: Listener, threads: number): Operation<void> {
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
  private worker: Worker | null = null
  private asked = false
  private readonly state = new Int32Array(new SharedArrayBuffer(4))

  constructor(
    number: number,
    private readonly listener: Listener,
    private readonly module: URL,
    private readonly data: unknown,
    private readonly limits: ServeLimits,
  ) {
    this.name = `server thread ${number}`
  }

  /** Tells it what to do. */
  order(order: ThreadOrder): void {
    this.asked = true
    this.worker?.postMessage(order)
  }

  /** Takes this thread while the other one is in that state, at most until that time. */
  waitWhile(state: number, at: number): void {
    Atomics.wait(this.state, 0, state, Math.max(at - now(), 0))
  }

  /** Its life. */
  *run(grace: number): Operation<void> {
    // Asked to end before it began.
    if (this.asked) return
    const worker = this.start(grace)
    const hears = new Promise((resolve) => worker.once('message', resolve))
    const ended = this.end(worker)
    // It may die when nobody waits for it any more.
    ended.catch(() => {})
    try {
      const code = yield* until(ended)
      if (!this.asked || code !== 0)
        throw new BrokenError('go on serving', `${this.name} has ended by itself, with exit code ${code}`)
    } catch (error) {
      if (!(yield* isLeaving(error))) throw error
      this.order('cancel')
      yield* shield(this.leave(worker, hears, ended, grace + PATIENCE_MS))
      throw error
    }
  }

  private start(grace: number): Worker {
    const { Worker } = process.getBuiltinModule('node:worker_threads')
    const { address, options, port } = this.listener
    const place = address.family === 'unix' ? options : { ...options, host: address.host, port }
    const { data, limits, state } = this
    const job: ThreadJob = { place, module: String(this.module), data, limits, grace, state }
    const worker = new Worker(program(), { name: this.name, workerData: job })
    if (running.size === 0) process.on('exit', exitAll)
    running.add(this)
    this.worker = worker
    return worker
  }

  /** Its exit code when it has ended, or what it died of. */
  private end(worker: Worker): Promise<number> {
    return new Promise((resolve, reject) => {
      let failure: { readonly error: unknown } | null = null
      worker.on('error', (error) => {
        failure = { error }
      })
      worker.on('exit', (code) => {
        running.delete(this)
        if (running.size === 0) process.off('exit', exitAll)
        if (failure === null) resolve(code)
        else reject(failure.error)
      })
    })
  }

  private *leave(worker: Worker, hears: Promise<unknown>, ended: Promise<number>, ms: number): Operation<void> {
    yield* until(Promise.race([hears, ended]))
    if ((yield* moveOn(ms, until(ended), LATE)) !== LATE) return
    yield* until(worker.terminate())
    yield* sleep(LETTING_GO_MS)
    const why = `it did not hear for ${ms} ms and was terminated`
    throw new KernelStateError(`end ${this.name}`, why)
  }
}

/**
 * The file of server-thread.ts. It is found by the package's name, as a bundled program needs it:
 * what is bundled lies somewhere else, and the package is still there, for the sake of koffi.
 */
function program(): string {
  const { createRequire } = process.getBuiltinModule('node:module')
  return createRequire(import.meta.url ?? __filename).resolve('drupe/server-thread')
}
