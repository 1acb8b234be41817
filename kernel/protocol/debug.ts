/**
 * Debug mode: finding the `yield*` that was forgotten.
 *
 * `sleep(10)` on a line of its own does nothing, silently: it makes an operation and drops it. In
 * debug mode the tracker keeps the operations that each task made, and forgets those that some task
 * runs. A task that ends with one left fails. Outside debug mode `tracker` is null, and all this
 * costs one comparison a trap.
 *
 * An operation that is given to another one (`race([sleep(10), …])`) counts as run: whether and
 * when it begins is up to that one. What the tracker cannot see: a program's own generator function
 * that is called without `yield*`, because its body never begins.
 */
import { ForgottenYieldError } from './errors.js'
import { beginOnce } from './once.js'
import type { Operation } from './trap.js'
import type { Unclosed } from './unclosed.js'

export class OperationTracker {
  /** The task whose step is running: operations that are made now belong to it. */
  private owner: object | null = null
  /** The operation that it has begun last, as an error with the stack of the line that made it. */
  private latest: Error | null = null
  private wrapped = false
  /** The same for each task that waits, for messages. */
  private readonly waits = new WeakMap<object, Error>()
  private readonly owners = new Map<object, object>()
  private readonly made = new Map<object, Map<object, ForgottenYieldError>>()

  private readonly remarks = new Set<string>()

  constructor(
    readonly unclosed: Unclosed,
    private readonly warn: (message: string) => void = () => {},
  ) {}

  /** Something to know about this kernel, told once. */
  remark(text: string): void {
    if (this.remarks.has(text)) return
    this.remarks.add(text)
    this.warn(text)
  }

  /** A task's step begins. */
  enter(task: object): void {
    this.owner = task
    this.latest = null
  }

  /**
   * It is over: what the task began last is what it waits in, unless that was made outside of
   * tasks.
   */
  leave(task: object): void {
    if (this.latest !== null) this.waits.set(task, this.latest)
    else this.waits.delete(task)
  }

  /** The stack of the line at which a task waits, if it is known. */
  waitsAt(task: object): string | undefined {
    return this.waits.get(task)?.stack
  }

  /** A thing was made that has to be closed. */
  opened(thing: object): void {
    this.unclosed.opened(thing, String(this.owner))
  }

  created(operation: object, name: string): void {
    if (this.owner === null) return
    let operations = this.made.get(this.owner)
    if (operations === undefined) {
      operations = new Map()
      this.made.set(this.owner, operations)
    }
    operations.set(operation, new ForgottenYieldError(name, this.owner))
    this.owners.set(operation, this.owner)
  }

  /** `wraps`: the trap that comes next is a part of it, and may have been made long ago. */
  started(operation: object, wraps = false): void {
    const owner = this.owners.get(operation)
    const { wrapped } = this
    this.wrapped = wraps
    if (owner === undefined) {
      if (!wrapped) this.latest = null
      return
    }
    this.owners.delete(operation)
    const operations = this.made.get(owner)
    this.latest = operations?.get(operation) ?? null
    operations?.delete(operation)
  }

  /** It was given to another operation, which runs it or has a reason not to. */
  given(operation: object): void {
    const owner = this.owners.get(operation)
    if (owner === undefined) return
    this.owners.delete(operation)
    this.made.get(owner)?.delete(operation)
  }

  /** Outside debug mode a call is not checked: that would cost a tenth of it. */
  called(call: { readonly callee: object | null }): void {
    this.started(call)
    if (call.callee !== null) beginOnce(call.callee)
  }

  /** The stack of the line that made an operation, if that was not run yet. */
  madeAt(operation: unknown): string | undefined {
    const owner = this.owners.get(operation as object)
    return owner === undefined ? undefined : this.made.get(owner)?.get(operation as object)?.stack
  }

  /**
   * Forgets a task that has ended. Returns an error for an operation that it made and that never
   * ran: the last one, since in `timeout(5, sleep(1))` the argument is made first.
   */
  ended(owner: object): ForgottenYieldError | undefined {
    const operations = this.made.get(owner)
    if (operations === undefined) return undefined
    this.made.delete(owner)
    let last: ForgottenYieldError | undefined
    for (const [operation, error] of operations) {
      this.owners.delete(operation)
      last = error
    }
    return last
  }
}

/** The tracker of the debug-mode kernel that is running a step; null otherwise. */
export let tracker: OperationTracker | null = null

export function setTracker(next: OperationTracker | null): void {
  tracker = next
}

/** Tells once, in debug mode, what one may want to know. */
export function remark(text: string): void {
  tracker?.remark(text)
}

/** Notes that a thing has to be closed, in debug mode; `wasClosed` says that it was. */
export function mustBeClosed(thing: object): void {
  tracker?.opened(thing)
}

/**
 * Makes an operation known to the tracker, if it is more than a plain trap. Outside debug mode
 * returns the operation itself, at no cost.
 */
export function tracked<O extends Iterable<unknown>>(name: string, operation: O): O {
  if (tracker === null) return operation
  const wrapper = {
    [Symbol.iterator]() {
      tracker?.started(wrapper, true)
      beginOnce(operation)
      return operation[Symbol.iterator]()
    },
  } as O
  tracker.created(wrapper, name)
  return wrapper
}

/**
 * Makes such an operation of a generator function that is written where it is made, so that what is
 * checked and what is done are read in one piece. V8 gives each of these functions objects of a
 * shape of its own, which costs a microsecond a call. So it is for what opens something or runs for
 * long; elsewhere the generator is a function of its own.
 */
export function operation<T>(name: string, body: () => Operation<T>): Operation<T> {
  return tracked(name, body())
}
