/**
 * Agents: they run operations for code that is not a task, and stop them when asked to.
 *
 * Host code cannot yield traps, so it leaves a message for a task that can. `KernelAgent` asks a
 * kernel, whose tasks then have no parent. `NurseryAgent` asks a task that serves as long as it is
 * needed: what it starts are its children, with its context, and leave with it. Either way a job
 * gives exactly one reply, after all that it started is out.
 */
import { type Cancelled, ClosedError, TaskCancelledError } from '../../kernel/protocol/errors.js'
import { Fifo } from '../../kernel/protocol/fifo.js'
import type { Nursery, Task } from '../../kernel/protocol/handles.js'
import { queueMicrotask } from '../../kernel/protocol/host-functions.js'
import { toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { current, suspend } from '../raw/call.js'
import { nursery } from '../scope/nursery.js'
import { isLeaving } from '../scope/place.js'
import type { HostKernel } from './async-iterable.js'

/** How a job ended. */
export type Reply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown; readonly cancelled?: boolean }

/** Runs operations for host code. */
export interface Agent {
  /** Starts one; `reply` is called once, and not if the job was stopped before. */
  start(op: Op<unknown>, name: string, reply: (reply: Reply) => void): Job
}

/** One operation that runs for host code. */
export class Job {
  /** Stops it; called when it is asked to stop and not over. */
  cancel: () => void = () => {}
  private outcome: Reply | null = null
  private stopped: ((reply: Reply) => void) | null = null

  constructor(private readonly reply: (reply: Reply) => void) {}

  /** Whether it was asked to stop, or is over. Then it need not begin. */
  get idle(): boolean {
    return this.stopped !== null || this.outcome !== null
  }

  /**
   * Asks it to stop; `done` is called when it is out, at once if it is over. A failing cleanup is
   * the only error then.
   */
  stop(done: (reply: Reply) => void): void {
    if (this.outcome !== null) {
      done({ ok: true, value: undefined })
      return
    }
    this.stopped = done
    this.cancel()
  }

  /** It is over. */
  finish(outcome: Reply): void {
    if (this.outcome !== null) return
    this.outcome = outcome
    if (this.stopped === null) this.reply(outcome)
    else if (outcome.ok || outcome.cancelled) this.stopped({ ok: true, value: undefined })
    else this.stopped(outcome)
  }
}

/** Starts tasks from outside. */
export class KernelAgent implements Agent {
  constructor(private readonly kernel: HostKernel) {}

  start(op: Op<unknown>, _name: string, reply: (reply: Reply) => void): Job {
    const { kernel } = this
    const job = new Job(reply)
    let task: Task | null = null
    const running = kernel.run(function* (): Operation<unknown> {
      const self = yield* current()
      task = self
      job.cancel = () => void kernel.cancel(self, 'it is not needed any more')
      return job.idle ? undefined : yield* toOperation(op)
    })
    running.then(
      (value) => job.finish({ ok: true, value }),
      (error: unknown) => job.finish({ ok: false, error, cancelled: task === null || task.state === 'cancelled' }),
    )
    return job
  }
}

/** Starts children of a nursery whose body serves; see `take`. */
export class NurseryAgent implements Agent {
  private readonly requests = new Fifo<() => Operation<void>>()
  private readonly jobs = new Set<Job>()
  private arrived: (() => void) | null = null
  private closed = false
  private leaving = false

  constructor(private readonly nursery: Nursery) {}

  start(op: Op<unknown>, name: string, reply: (reply: Reply) => void): Job {
    const job = new Job((outcome) => {
      this.jobs.delete(job)
      reply(outcome)
    })
    if (this.closed) {
      // Not at once: the caller does not have the job yet.
      queueMicrotask(() =>
        job.finish({ ok: false, error: new ClosedError('start the operation', 'its task has ended') }),
      )
      return job
    }
    this.jobs.add(job)
    this.post(() => this.begin(job, op, name))
    return job
  }

  /** From host code: something for the body to do. It must not wait. */
  post(request: () => Operation<void>): void {
    this.requests.add(request)
    this.arrived?.()
  }

  /** The body: waits for the next thing to do, and does it. */
  *serve(): Operation<void> {
    while (this.requests.size === 0) {
      yield* suspend((resolve) => {
        this.arrived = resolve
        return () => {
          this.arrived = null
        }
      })
      this.arrived = null
    }
    yield* this.requests.take()()
  }

  /**
   * The body is cancelled and will stop its jobs in an order of its own; their own cancels change
   * nothing.
   */
  leave(): void {
    this.leaving = true
  }

  /** The body serves no more: what was not begun is answered, and so is all that comes later. */
  close(): void {
    this.closed = true
    for (const job of this.jobs)
      job.finish({ ok: false, error: new ClosedError('run the operation', 'its task has ended') })
  }

  private *begin(job: Job, op: Op<unknown>, name: string): Operation<void> {
    if (job.idle) {
      job.finish({ ok: true, value: undefined })
      return
    }
    const task: Task = yield* this.nursery.spawn(() => this.work(job, op), { name })
    job.cancel = () => this.post(() => cancel(task))
  }

  private *work(job: Job, op: Op<unknown>): Operation<void> {
    try {
      // In a nursery of its own: it is not over before what it started is.
      const value = yield* nursery(() => toOperation(op))
      job.finish({ ok: true, value })
    } catch (error) {
      if (!(yield* isLeaving(error))) {
        job.finish({ ok: false, error })
        return
      }
      this.post(() => this.cancelled(job, error as Cancelled))
      throw error
    }
  }

  private *cancelled(job: Job, cause: Cancelled): Operation<void> {
    const error = new TaskCancelledError('the operation', { cause })
    const finish = (): void => job.finish({ ok: false, error, cancelled: true })
    if (this.leaving && !job.idle) job.cancel = finish
    else finish()
  }
}

function* cancel(task: Task): Operation<void> {
  // A task whose cancel was delivered is cleaning up; a second one would only cut that short.
  if (!task.cancelDelivered) yield* task.cancel('it is not needed any more', { wait: false })
}
