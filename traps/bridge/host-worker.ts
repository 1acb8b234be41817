/**
 * A thread of the host's: one worker, from its start to its exit.
 *
 * A worker ends by itself, asked by a message, because terminating one that is in a native call
 * takes the process down. It says in shared memory whether it hears and whether it has let go of
 * everything; so a process that exits, when no message comes through any more, can ask its workers
 * first and wait for them. Only one that is stuck in JavaScript that never returns is terminated.
 *
 * This is one of the few files of traps/ that know a host: Node's workers.
 */
import type { Transferable, Worker } from 'node:worker_threads'
import { UnsupportedError } from '../../kernel/protocol/errors.js'
import { now } from '../../kernel/protocol/host-functions.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { until } from '../raw/promise.js'
import { sleep } from '../raw/time.js'

/** It does not hear yet, and is loading native code: not a moment to end it. */
const STARTING = 0
/** It hears. */
export const UP = 1
/** It has let go of everything. */
export const LEFT = 2

/** What every program of a worker understands: to exit at once. */
export const EXIT = 'exit'

/**
 * How long a process that exits waits for workers that are starting, which on a busy machine takes
 * its time and must not be cut short, and for those that hear.
 */
const START_MS = 30_000
const EXIT_MS = 1000

/** The system lets go of the files of a ring a moment later, in the background. */
const LETTING_GO_MS = 100

const MIB = 1024 * 1024

const running = new Set<HostWorker>()

/** The process exits: no worker may be in a native call when it is terminated. */
function exitAll(): void {
  for (const one of running) one.post(EXIT)
  const up = now() + START_MS
  for (const one of running) one.waitWhile(STARTING, up)
  const left = now() + EXIT_MS
  for (const one of running) one.waitWhile(UP, left)
}

/** How a worker is started. */
export interface HostWorkerOptions {
  /** The door of this package that it runs: `server-thread`. */
  readonly program: string
  /** What it is called. */
  readonly name: string
  /** What it finds as `workerData`. */
  readonly data: object
  /** One number, the worker's to write: STARTING, UP or LEFT. */
  readonly state: Int32Array
  /** How large its heap may become. Default: what the host allows. */
  readonly maxHeapBytes?: number | undefined
}

/** A worker that has been started. */
export class HostWorker {
  readonly worker: Worker
  /** Its exit code when it has ended; it rejects with what it died of. Handled if nobody waits. */
  readonly ended: Promise<number>
  private readonly state: Int32Array

  /** Starts it. */
  constructor({ program, name, data, state, maxHeapBytes }: HostWorkerOptions) {
    const { Worker } = workerThreads(`start ${name}`)
    const resourceLimits = maxHeapBytes === undefined ? {} : { maxOldGenerationSizeMb: maxHeapBytes / MIB }
    this.state = state
    this.worker = new Worker(fileOf(program), { name, workerData: data, resourceLimits, ...flags() })
    if (running.size === 0) process.on('exit', exitAll)
    running.add(this)
    this.ended = this.end()
    // It may die when nobody waits for it any more.
    this.ended.catch(() => {})
  }

  /** `transfer`: what the host lets go; it refuses what it does not. */
  post(message: unknown, transfer: readonly object[] = []): void {
    this.worker.postMessage(message, transfer as readonly Transferable[])
  }

  /** Takes this thread while the other one is in that state, at most until that time. */
  waitWhile(state: number, at: number): void {
    Atomics.wait(this.state, 0, state, Math.max(at - now(), 0))
  }

  /** Ends it whatever it does. Only for one that does not hear. */
  *terminate(): Operation<void> {
    yield* until(this.worker.terminate())
    yield* sleep(LETTING_GO_MS)
  }

  private end(): Promise<number> {
    return new Promise((resolve, reject) => {
      let failure: { readonly error: unknown } | null = null
      this.worker.on('error', (error) => {
        failure = { error }
      })
      this.worker.on('exit', (code) => {
        running.delete(this)
        if (running.size === 0) process.off('exit', exitAll)
        if (failure === null) resolve(code)
        else reject(failure.error)
      })
    })
  }
}

/**
 * A worker has the flags of the process. One of them is about a program that came as text, and
 * Node refuses it for a file.
 */
function flags(): { readonly execArgv?: string[] } {
  return process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {}
}

/** Node's module of threads. */
function workerThreads(action: string): typeof import('node:worker_threads') {
  const found = typeof process === 'object' ? process.getBuiltinModule?.('node:worker_threads') : undefined
  if (found === undefined) throw new UnsupportedError(action, 'this host has no node:worker_threads')
  return found
}

/**
 * The file of a door. It is found by the package's name, as a bundled program needs it: what is
 * bundled is somewhere else, and the package is still there, for the sake of koffi.
 */
export function fileOf(program: string): string {
  const { createRequire } = process.getBuiltinModule('node:module')
  return createRequire(import.meta.url ?? __filename).resolve(`drupe/${program}`)
}
