/**
 * Pool: things that are costly to open, lent to one user at a time and used again.
 *
 * Each member is a daemon task of the nursery that the pool was made in: it opens the thing, lends
 * it, and closes it when its own scope is cancelled. Time to be idle and age are the deadline of
 * that scope, so no timer runs for a member in use. When the nursery is cancelled, a member in use
 * is closed after its user gave it back, within the grace.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { Nursery, Scope, Task } from '../../kernel/protocol/handles.js'
import {
  checkBody,
  checkCount,
  checkOptions,
  checkTime,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { current } from '../raw/call.js'
import { clock, sleep } from '../raw/time.js'
import { started } from '../scope/nursery.js'
import { innermostNursery, isLeaving } from '../scope/place.js'
import { use } from '../scope/resource.js'
import { scope, within } from '../scope/scope.js'
import { Event } from './event.js'
import { Semaphore } from './semaphore.js'

/** How a pool behaves. */
export interface PoolOptions<T> {
  /** Members at most. Default: 10. */
  readonly size?: number | undefined
  /** Milliseconds after which an unused member is closed. Default: no limit. */
  readonly idleTimeout?: number | undefined
  /** Milliseconds after which a member is not lent any more. Default: no limit. */
  readonly maxAge?: number | undefined
  /** Asked before a member is lent again; false, or an error: it is closed. */
  readonly check?: ((value: T) => Operation<boolean>) | undefined
}

/** The figures of a pool. */
export interface PoolStatistics {
  /** Members that are open. */
  readonly open: number
  /** Members that nobody uses. */
  readonly idle: number
  /** Tasks that wait for a member. */
  readonly waiting: number
  /** Members that were opened. */
  readonly opened: number
  /** Members that failed by themselves, or while they were closed. */
  readonly failed: number
}

interface Member<T> {
  readonly value: T
  readonly task: Task
  readonly scope: Scope
  readonly expires: number
  readonly free: Event
  lent: boolean
  /** It is being closed, by whatever cancelled it: nobody gets it any more. */
  leaving: boolean
}

/**
 * Makes a pool in the innermost nursery of this task; its members are closed with that nursery.
 * Does not wait: members are opened when they are asked for.
 *
 * @param make Returns the operation that opens a member: a resource, or one that returns something
 * that can be disposed of, such as a stream.
 * @param options `size`, `idleTimeout` and `maxAge` in milliseconds, and `check`.
 * @throws TypeError or RangeError if one of them is wrong.
 * @example
 * import { pool, resource } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const connections = yield* pool(() => resource<object>(function* (provide) {
 *     console.log('open')
 *     yield* provide({})
 *   }), { size: 2, idleTimeout: 1000 })
 *   yield* connections.use(function* () {})
 *   yield* connections.use(function* () {})
 * })
 * // => open
 */
export function pool<T>(make: () => Operation<T>, options?: PoolOptions<T>): Operation<Pool<T>> {
  const action = 'make a pool'
  checkBody(action, 'make', make)
  checkOptions(action, 'options', options)
  const { size = 10, idleTimeout = Number.POSITIVE_INFINITY, maxAge = Number.POSITIVE_INFINITY } = options ?? {}
  checkCount(action, 'size', size, 1)
  checkTime(action, 'idleTimeout', idleTimeout)
  checkTime(action, 'maxAge', maxAge)
  if (options?.check !== undefined) checkBody(action, 'check', options.check)
  return tracked('pool', poolOperation(make, { size, idleTimeout, maxAge, check: options?.check }))
}

function* poolOperation<T>(make: () => Operation<T>, rules: Rules<T>): Operation<Pool<T>> {
  return new Pool(yield* innermostNursery(), make, rules)
}

interface Rules<T> {
  readonly size: number
  readonly idleTimeout: number
  readonly maxAge: number
  readonly check: ((value: T) => Operation<boolean>) | undefined
}

/** Lends its members; made by `pool()`. */
export class Pool<T> {
  private readonly permits: Semaphore
  private readonly members = new Set<Member<T>>()
  /** The one used last is at the end and is lent first, so that the others can idle out. */
  private readonly idle: Member<T>[] = []
  private opened = 0
  private failed = 0

  /** @internal */
  constructor(
    private readonly nursery: Nursery,
    private readonly make: () => Operation<T>,
    private readonly rules: Rules<T>,
  ) {
    this.permits = new Semaphore(rules.size)
  }

  /**
   * Runs an operation with a member and gives it back whatever happens. One whose user failed or
   * was cancelled is closed, unless the pool has a `check`, which decides when it is lent again.
   *
   * @param body Gets the member, and returns an operation.
   * @param options `timeout` in milliseconds, until there is a member.
   * @throws TimeoutError if there was none within `timeout`; what opening it throws, or the body.
   * @throws ClosedError once the nursery of the pool has ended.
   * @throws Cancelled if a scope around the task is cancelled.
   */
  use<R>(body: (value: T) => Operation<R>, options?: WaitOptions): Operation<R> {
    checkBody('use a member', 'body', body)
    return tracked('use', this.useOperation(body, timeoutOf('use a member', options)))
  }

  /** Returns the current figures. */
  statistics(): PoolStatistics {
    const { opened, failed } = this
    const { waiting } = this.permits.statistics()
    return { open: this.members.size, idle: this.idle.length, waiting, opened, failed }
  }

  private *useOperation<R>(body: (value: T) => Operation<R>, ms: number): Operation<R> {
    const member = yield* within('use a member', ms, this.acquire())
    let well = false
    try {
      const result = yield* asOperation(body(member.value))
      well = true
      return result
    } finally {
      yield* this.release(member, well || this.rules.check !== undefined)
    }
  }

  private *acquire(): Operation<Member<T>> {
    yield* this.permits.acquire()
    let lent = false
    try {
      for (let member = this.idle.pop(); member !== undefined; member = this.idle.pop()) {
        if (member.scope.cancelled || member.leaving || member.task.ended) continue
        member.lent = true
        member.free.clear()
        yield* member.scope.setDeadline(Number.POSITIVE_INFINITY)
        lent = yield* this.isWell(member)
        if (lent) return member
      }
      const member = yield* this.nursery.start<Member<T>>(() => this.life(), { daemon: true, name: 'member' })
      lent = true
      return member
    } finally {
      if (!lent) yield* this.permits.release()
    }
  }

  private *isWell(member: Member<T>): Operation<boolean> {
    let well = false
    try {
      const { check } = this.rules
      // Its time may have been over before its deadline was taken away.
      well =
        !member.scope.cancelled &&
        (yield* clock()) < member.expires &&
        (check === undefined || (yield* asOperation(check(member.value))) === true) &&
        !member.leaving
    } catch (error) {
      if (yield* isLeaving(error)) throw error
    } finally {
      if (!well) yield* this.discard(member)
    }
    return well
  }

  private *release(member: Member<T>, keep: boolean): Operation<void> {
    try {
      const now = yield* clock()
      if (keep && !member.leaving && !member.task.ended && now < member.expires) {
        member.lent = false
        yield* member.free.set()
        yield* member.scope.setDeadline(Math.min(member.expires, now + this.rules.idleTimeout))
        if (!member.scope.cancelled && !member.leaving) this.idle.push(member)
      } else {
        yield* this.discard(member)
      }
    } finally {
      yield* this.permits.release()
    }
  }

  private *discard(member: Member<T>): Operation<void> {
    member.lent = false
    yield* member.free.set()
    yield* member.scope.cancel()
    yield* member.task.wait()
  }

  private *life(): Operation<void> {
    let ready = false
    const hold = (value: T): Operation<void> => this.hold(value, () => (ready = true))
    try {
      yield* use(() => this.make(), hold)
    } catch (error) {
      // Before it is ready its errors are those of the task that asked for it.
      if (!ready || (yield* isLeaving(error))) throw error
      this.failed++
    }
  }

  private *hold(value: T, ready: () => void): Operation<void> {
    const task = yield* current()
    const expires = (yield* clock()) + this.rules.maxAge
    yield* scope((own) =>
      this.lend({ value, task, scope: own, expires, free: new Event(), lent: true, leaving: false }, ready),
    )
  }

  private *lend(member: Member<T>, ready: () => void): Operation<void> {
    this.members.add(member)
    this.opened++
    try {
      yield* started(member)
      ready()
      yield* sleep(Number.POSITIVE_INFINITY)
    } finally {
      member.leaving = true
      const place = this.idle.indexOf(member)
      if (place !== -1) this.idle.splice(place, 1)
      try {
        if (member.lent) yield* member.free.wait()
      } finally {
        this.members.delete(member)
      }
    }
  }
}
