/**
 * Pools of kernels that work for this one, in threads or in processes.
 *
 * The pool is a resource, and its workers are started when they are needed, are used again, and end
 * with it. A limiter has a token for each call that may be under way, so nothing is sent to a
 * worker that has no time for it: the calls wait here, where a cancel takes them out of the queue,
 * and not in front of one worker while another one is free.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, KernelStateError } from '../../kernel/protocol/errors.js'
import type { Nursery } from '../../kernel/protocol/handles.js'
import { checkCount, checkOptions, checkString, wrong } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { atomically } from '../raw/call.js'
import { all } from '../scope/combinators.js'
import { nursery } from '../scope/nursery.js'
import { namedResource } from '../scope/resource.js'
import { shield } from '../scope/scope.js'
import { CapacityLimiter } from '../sync/limiter.js'
import { Lock } from '../sync/lock.js'
import { MOVED, type RemoteKernel, type Work } from './remote-kernel.js'
import { checkModule } from './thread.js'

const LEAST_HEAP_BYTES = 1024 * 1024

/** How a pool behaves. */
export interface WorkerPoolOptions {
  /** What the functions are exported by: `new URL('./work.js', import.meta.url)`. */
  readonly module: URL
  /** Workers at most. Default: as many as there are processors. */
  readonly size?: number | undefined
  /**
   * Calls at a time in one worker. Default 1, which is right for functions that compute; those that
   * wait leave room for others.
   */
  readonly concurrency?: number | undefined
  /** How large the heap of a worker may become. Default: what the host allows. */
  readonly maxHeapBytes?: number | undefined
}

/** The figures of a pool. */
export interface WorkerPoolStatistics {
  /** Workers at most. */
  readonly size: number
  /** Workers that there are. */
  readonly workers: number
  /** Calls that are under way. */
  readonly running: number
  /** Calls that wait for a worker. */
  readonly waiting: number
  /** Calls that have returned a result. */
  readonly completed: number
  /** Workers that were started. */
  readonly started: number
  /** Workers that ended by themselves, or had to be ended, before the pool did. */
  readonly lost: number
}

/** Starts a worker of a pool. */
export type Starter = (n: Nursery, number: number, options: WorkerPoolOptions) => Operation<RemoteKernel>

const SCHEDULER = atomically<object>((_task, _trap, scheduler) => scheduler)

/** A pool of workers, as a resource. */
export function workerPool(action: string, options: WorkerPoolOptions, start: Starter): Operation<WorkerPool> {
  if (options === undefined) throw wrong(action, 'options', 'an object with options', options, '')
  checkOptions(action, 'options', options)
  const { module, size = processors(), concurrency = 1, maxHeapBytes } = options
  checkModule(action, module)
  checkCount(action, 'size', size, 1)
  checkCount(action, 'concurrency', concurrency, 1)
  if (maxHeapBytes !== undefined) checkCount(action, 'maxHeapBytes', maxHeapBytes, LEAST_HEAP_BYTES)
  return namedResource<WorkerPool>('workers', function* (provide) {
    const owner = yield* SCHEDULER
    yield* nursery(function* (n) {
      const pool = new WorkerPool(n, owner, { module, size, concurrency, maxHeapBytes }, start)
      try {
        yield* provide(pool)
      } finally {
        yield* shield(pool.end())
      }
    })
  })
}

function processors(): number {
  return process.getBuiltinModule('node:os').availableParallelism()
}

interface Rules extends WorkerPoolOptions {
  readonly size: number
  readonly concurrency: number
}

/** Runs functions in its workers; made by `threadPool` or `processPool`. */
export class WorkerPool {
  private readonly limiter: CapacityLimiter
  private readonly workers = new Set<RemoteKernel>()
  private readonly module: string
  private readonly startingOne = new Lock({ name: 'start of a worker' })
  private started = 0
  private lost = 0
  private completed = 0
  private ended = false

  /** @internal */
  constructor(
    private readonly nursery: Nursery,
    private readonly owner: object,
    private readonly rules: Rules,
    private readonly start: Starter,
  ) {
    this.module = String(rules.module)
    this.limiter = new CapacityLimiter(rules.size * rules.concurrency, { name: 'pool' })
  }

  /**
   * Runs a function of the pool's module in the first worker that is free, and returns its result;
   * all that `thread` says of functions, arguments, errors and cancels holds.
   *
   * A worker that ends by itself, or has to be ended because a cancelled call in it does not hear,
   * is replaced when the next one is needed. Other calls that had begun in it fail with a
   * BrokenError; those that had not are made in another one.
   *
   * @param name What the module exports.
   * @param args What the function is given.
   * @throws what the function throws.
   * @throws BrokenError if the worker ends by itself.
   * @throws TypeError if there is no such function, or if an argument, or the result, cannot be
   * copied.
   * @throws ClosedError if the pool has ended, or ends meanwhile.
   * @throws KernelStateError in a task of another kernel; in a blocking run, if the workers are
   * threads.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  run<T = unknown>(name: string, ...args: readonly unknown[]): Operation<T> {
    const work: Work = { module: this.module, name: checkString('run in a pool', 'name', name), args }
    return tracked('run', this.runOperation<T>(work))
  }

  /** Returns the current figures. */
  statistics(): WorkerPoolStatistics {
    const { limiter, workers, started, lost, completed } = this
    const { borrowed, waiting } = limiter.statistics()
    return { size: this.rules.size, workers: workers.size, running: borrowed, waiting, completed, started, lost }
  }

  /** @internal Ends its workers, and waits for that. */
  *end(): Operation<void> {
    this.ended = true
    yield* all([...this.workers].map((one) => one.leave(this.nursery.grace)))
  }

  private *runOperation<T>(work: Work): Operation<T> {
    const action = `run ${work.name}`
    // biome-ignore format: one line says it
    if ((yield* SCHEDULER) !== this.owner) throw new KernelStateError(action, 'the pool belongs to another kernel')
    if (this.ended) throw this.closedError(action)
    const token = { onBehalfOf: {} }
    yield* this.limiter.acquire(token)
    try {
      for (;;) {
        if (this.ended) throw this.closedError(action)
        const result = yield* this.perform(work)
        if (result === MOVED) continue
        this.completed++
        return result as T
      }
    } finally {
      yield* this.limiter.release(token)
    }
  }

  private *perform(work: Work): Operation<unknown> {
    const worker = this.leastBusy() ?? (yield* this.startingOne.with(() => this.startWorker()))
    try {
      return yield* worker.perform(work)
    } finally {
      worker.reserved--
      this.discard(worker)
    }
  }

  /** One that has time, with a place in it reserved. No trap comes between the two. */
  private leastBusy(): RemoteKernel | null {
    let best: RemoteKernel | null = null
    for (const one of this.workers) {
      this.discard(one)
      if (one.alive && (best === null || one.reserved < best.reserved)) best = one
    }
    const more = this.workers.size < this.rules.size
    if (best === null || (more && best.reserved > 0) || best.reserved >= this.rules.concurrency) return null
    best.reserved++
    return best
  }

  /** Unless the task that was here before has started one that has time. */
  private *startWorker(): Operation<RemoteKernel> {
    const other = this.leastBusy()
    if (other !== null) return other
    if (this.ended) throw this.closedError('start a worker')
    const worker = yield* this.start(this.nursery, ++this.started, this.rules)
    if (this.ended) {
      // It was not there when the others were told.
      yield* shield(worker.leave(this.nursery.grace))
      throw this.closedError('start a worker')
    }
    worker.reserved++
    this.workers.add(worker)
    return worker
  }

  /** It is of no use any more. */
  private discard(worker: RemoteKernel): void {
    if (!worker.alive && !this.ended && this.workers.delete(worker)) this.lost++
  }

  private closedError(action: string): ClosedError {
    return new ClosedError(action, 'the pool has ended')
  }
}
