/**
 * Task-local context: values that an operation and everything that it starts can see, without
 * passing them on.
 *
 * A value is a link in a chain that the task holds. A child starts with its spawner's chain, so it
 * inherits what was set when it was started, and nothing that is set later; a chain is never
 * changed, which makes inheriting it one assignment.
 *
 * A context is its object: two of one name are two. One that travels to other threads cannot be,
 * since every thread makes its own object; there the name counts, as with `Symbol.for`.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { ContextEntry, Task } from '../../kernel/protocol/handles.js'
import { checkOperation, checkOptions, checkString, checkSwitch } from '../../kernel/protocol/operands.js'
import type { Scheduler } from '../../kernel/protocol/scheduler.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'
import { around } from '../raw/around.js'
import { atomically } from '../raw/call.js'

/** Sets the link that the trap carries, in front of those that the task sees; returns these. */
function push(task: Task, { detail }: Trap<unknown>, scheduler: Scheduler): ContextEntry | null {
  const { key, value } = detail as ContextEntry
  const outer = task.context
  scheduler.setContext(task, { key, value, outer })
  return outer
}

function restore(task: Task, { detail }: Trap<unknown>, scheduler: Scheduler): void {
  scheduler.setContext(task, detail as ContextEntry | null)
}

const setBack = (outer: ContextEntry | null): Trap<void> => atomically(restore, outer)

/** How a context behaves. */
export interface ContextOptions {
  /**
   * Whether its value goes with a call to another thread or process. Contexts of one name are then
   * one, in all of them, and the value is copied as `postMessage` does it. Default false.
   */
  readonly travels?: boolean | undefined
}

/** What an entry of a context that travels is found by, in one thread. */
class TravellingKey {
  constructor(readonly name: string) {}
}

const travelling = new Map<string, TravellingKey>()

function keyOf(name: string): TravellingKey {
  const known = travelling.get(name)
  if (known !== undefined) return known
  const key = new TravellingKey(name)
  travelling.set(name, key)
  return key
}

/** The values that a task sees of contexts that travel, with their names. */
export function travellers(task: Task): [name: string, value: unknown][] {
  const found = new Map<string, unknown>()
  for (let entry = task.context; entry !== null; entry = entry.outer) {
    const { key, value } = entry
    if (key instanceof TravellingKey && !found.has(key.name)) found.set(key.name, value)
  }
  return [...found]
}

/** Runs an operation with values that came from elsewhere. */
export function withTravellers<R>(values: readonly (readonly [string, unknown])[], op: Op<R>): Operation<R> {
  const enter = atomically((task, _trap, scheduler) => {
    const before = task.context
    for (const [name, value] of values) scheduler.setContext(task, { key: keyOf(name), value, outer: task.context })
    return before
  })
  return around(enter, op, setBack)
}

/** A value that depends on the task that asks; made by `context(name, default)`. */
export class Context<T> {
  /** For messages and debuggers; two contexts of the same name are still two. */
  readonly name: string
  private readonly initial: T
  private readonly key: object
  private readonly reading: Trap<T>

  /** @internal */
  constructor(name: string, initial: T, travels = false) {
    this.name = name
    this.initial = initial
    this.key = travels ? keyOf(name) : this
    this.reading = atomically((task) => this.read(task))
  }

  /**
   * Returns the value in the current task: that of the innermost `with` around it, else the
   * default. Does not wait.
   */
  get(): Operation<T> {
    return tracked(`${this.name}.get`, this.reading)
  }

  /**
   * Runs an operation in which, and in whose tasks, the value is another one. Afterwards it is what
   * it was, whatever happens.
   *
   * @param value The value inside.
   * @param op The operation, or a function that returns one.
   * @throws whatever the operation throws.
   */
  with<R>(value: T, op: Op<R>): Operation<R> {
    checkOperation(`run with ${this.name}`, 'op', op)
    const set = atomically(push, { key: this.key, value, outer: null })
    return tracked(`${this.name}.with`, around(set, op, setBack))
  }

  private read(task: Task): T {
    for (let entry = task.context; entry !== null; entry = entry.outer) {
      if (entry.key === this.key) return entry.value as T
    }
    return this.initial
  }
}

/**
 * Makes a context: a value that tasks inherit. Without a default it is `undefined` where it was not
 * set.
 *
 * @param name For messages.
 * @param initial The default.
 * @param options `travels`: the value goes with calls to other threads and processes.
 * @example
 * import { context, run, spawn } from 'drupe'
 *
 * const user = context('user', 'nobody')
 *
 * function* greet() {
 *   return `hello ${yield* user.get()}`
 * }
 * await run(function* () {
 *   console.log(yield* greet()) // => hello nobody
 *   const task = yield* user.with('Ada', () => spawn(greet))
 *   console.log(yield* task.join()) // => hello Ada
 * })
 * @see https://peps.python.org/pep-0567/
 */
export function context<T>(name: string, initial: T, options?: ContextOptions): Context<T>
/**
 * Makes a context without a default.
 *
 * @param name For messages.
 */
export function context<T>(name: string): Context<T | undefined>
export function context<T>(name: string, initial?: T, options?: ContextOptions): Context<T | undefined> {
  checkString('make a context', 'name', name)
  checkOptions('make a context', 'options', options)
  return new Context<T | undefined>(name, initial, checkSwitch('make a context', 'travels', options?.travels))
}
