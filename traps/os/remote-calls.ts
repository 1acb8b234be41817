/**
 * Calls that come from a kernel elsewhere, as the kernel that works for it sees them.
 *
 * A function that returns at once is called at once. All others are tasks, each in a scope with the
 * caller's deadline and with the values that travelled. A cancel that arrives is a cancel of that
 * scope and nothing else, so the neighbours go on. Around it is one without a grace, which is
 * cancelled when the caller says that the grace is over. Whatever the function did, there is one
 * answer: a result that cannot be copied is an error as well.
 */
import type { Scope, ScopeOptions } from '../../kernel/protocol/handles.js'
import type { Op, Operation } from '../../kernel/protocol/trap.js'
import { describe, isPromise } from '../../kernel/protocol/value.js'
import { until } from '../raw/promise.js'
import { clock } from '../raw/time.js'
import { withTravellers } from '../scope/context.js'
import { nursery } from '../scope/nursery.js'
import { isLeaving } from '../scope/place.js'
import { scope } from '../scope/scope.js'
import { UniversalEvent } from '../sync/universal-event.js'
import { type Carried, carry } from './carried.js'
import type { Answer, CallRequest, Request } from './remote-messages.js'
import { type Transferable, unwrap } from './transfer.js'

/** What is needed of the kernel and of the line to the caller. */
export interface Station {
  spawn(op: Op<unknown>, options?: { readonly name?: string }): unknown
  /** @throws if the answer cannot be copied. */
  post(answer: Answer, transfer: readonly Transferable[]): void
  /**
   * What would arrive of a value.
   *
   * @throws if nothing would.
   */
  copy(value: unknown): unknown
  /** A call begins. */
  begin(id: number): void
  /** The kernel is to end. */
  end(): void
}

/** A call that is under way. */
interface Job {
  readonly grace: number
  cancelled: boolean
  scope: Scope | null
  /** Around the other one; when it is cancelled, no cleanup waits any longer. */
  limit: Scope | null
}

const LIMIT: ScopeOptions = { grace: 0, name: 'grace' }

type Exports = Readonly<Record<string, unknown>>

/** Works for a kernel elsewhere. */
export class RemoteCalls {
  private readonly jobs = new Map<number, Job>()
  private readonly idle = new UniversalEvent()
  private readonly modules = new Map<string, Exports>()

  constructor(private readonly station: Station) {}

  /** From the caller. */
  receive(request: Request): void {
    const { station } = this
    if ('id' in request) {
      station.begin(request.id)
      this.begin(request)
    } else if ('cancel' in request) {
      const job = this.jobs.get(request.cancel)
      if (job !== undefined) this.cancel(job)
    } else if ('force' in request) {
      const limit = this.jobs.get(request.force)?.limit
      if (limit) station.spawn(() => limit.cancel('the grace of its caller is over'))
    } else if ('ping' in request) {
      station.post({ pong: request.ping }, [])
    } else {
      station.end()
    }
  }

  /** A call has come that cannot be read. */
  receiveUnread(id: number, { message }: Error): void {
    const unread = `its arguments, or a context that travels with it, cannot be copied: ${message}`
    this.station.post({ id, unread }, [])
  }

  /** What returns at once needs no task. */
  private begin(request: CallRequest): void {
    const { id, module, name } = request
    const found = this.modules.get(module)
    let op: () => Operation<unknown> = () => this.loadAndRun(request)
    if (found !== undefined) {
      try {
        const result = applied(found, request)
        if (!isPromise(result) && !isWork(result)) {
          this.reply({ id, value: result }, name)
          return
        }
        op = settling(result)
      } catch (error) {
        this.reply({ id, error: this.carry(error) }, name)
        return
      }
    }
    const job: Job = { grace: request.grace, cancelled: false, scope: null, limit: null }
    this.jobs.set(id, job)
    this.station.spawn(() => this.work(request, op, job), { name })
  }

  /** Cancels all, and waits until they are out. */
  *leave(): Operation<void> {
    this.idle.clear()
    const now = yield* clock()
    for (const job of this.jobs.values()) {
      this.cancel(job)
      if (job.limit !== null) yield* job.limit.setDeadline(now + job.grace)
    }
    if (this.jobs.size > 0) yield* this.idle.wait()
  }

  private cancel(job: Job): void {
    job.cancelled = true
    // The scope may be over, and the task not: it is about to answer.
    if (job.scope !== null) this.station.spawn(() => (job.scope as Scope).cancel('its caller was cancelled'))
  }

  private *work(request: CallRequest, op: () => Operation<unknown>, job: Job): Operation<void> {
    const { id, name, left, context } = request
    let answer: Answer = { id, cancelled: true }
    try {
      if (!job.cancelled) {
        const deadline = left === Number.POSITIVE_INFINITY ? left : (yield* clock()) + left
        // Undefined if it is the scope's own cancel that ends it.
        const done = yield* scope(LIMIT, (limit) => {
          job.limit = limit
          return scope({ deadline, grace: Number.POSITIVE_INFINITY, name }, (own) => {
            job.scope = own
            return result(context.length === 0 ? op() : withTravellers(context, op))
          })
        })
        if (done !== undefined) answer = { id, value: done.value }
      }
    } catch (error) {
      if (yield* isLeaving(error)) throw error
      answer = { id, error: this.carry(error) }
    } finally {
      this.reply(answer, name)
      this.jobs.delete(id)
      if (this.jobs.size === 0) this.idle.set()
    }
  }

  private reply(answer: Answer, name: string): void {
    const transfer: Transferable[] = []
    try {
      this.station.post('value' in answer ? { ...answer, value: unwrap(answer.value, transfer) } : answer, transfer)
    } catch (error) {
      const id = 'id' in answer ? answer.id : 0
      const why = new TypeError(`Cannot return the result of ${name}: ${(error as Error).message}`)
      this.station.post({ id, error: this.carry(why) }, [])
    }
  }

  private carry(error: unknown): Carried {
    return carry(error, (value) => this.station.copy(value))
  }

  private *loadAndRun(request: CallRequest): Operation<unknown> {
    const { module } = request
    const loaded: Exports = yield* until(import(module))
    this.modules.set(module, loaded)
    return yield* settling(applied(loaded, request))()
  }
}

/** Calls the function; a generator function has not begun then. */
function applied(found: Exports, { module, name, args }: CallRequest): unknown {
  const fn = Object.hasOwn(found, name) ? found[name] : undefined
  if (typeof fn === 'function') return fn(...args)
  const what = fn === undefined ? 'has no such export' : `exports ${describe(fn)} as that`
  throw new TypeError(`Cannot run ${name}: ${module} ${what}`)
}

/** What is to be waited for. A promise is looked after from now on. */
function settling(result: unknown): () => Operation<unknown> {
  if (isPromise(result)) {
    const settled = until(result)
    return () => settled
  }
  // What it starts ends with it.
  return isWork(result) ? () => nursery(() => result) : () => immediate(result)
}

function* immediate(result: unknown): Operation<unknown> {
  return result
}

function* result(op: Operation<unknown>): Operation<{ readonly value: unknown }> {
  return { value: yield* op }
}

/**
 * An operation; not a collection, which is a result though it can be iterated as well. What runs
 * can be thrown into; iterators of collections cannot.
 */
function isWork(result: unknown): result is Operation<unknown> {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return false
  const iterate = (result as Partial<Operation<unknown>>)[Symbol.iterator]
  return typeof iterate === 'function' && typeof iterate.call(result as never)?.throw === 'function'
}
