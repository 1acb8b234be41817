/**
 * Task-local context: values that an operation and everything that it starts can see, without passing them on.
 *
 * A value is a link in a chain that the task holds. A child starts with its spawner's chain, so it inherits what was set
 * when it was started, and nothing that is set later; a chain is never changed, which makes inheriting it one assignment.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import type { ContextEntry } from '../../kernel/protocol/handles.js'
import { checkOperation, checkString } from '../../kernel/protocol/operands.js'
import { toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'
import { atomically, current } from '../raw/call.js'

const setContext = (context: ContextEntry | null): Trap<void> =>
  atomically((task, _trap, scheduler) => scheduler.setContext(task, context))

/** A value that depends on who asks; made by `context(name, default)`. */
export class Context<T> {
  /** For messages and debuggers; two contexts of the same name are still two. */
  readonly name: string
  private readonly initial: T

  /** @internal */
  constructor(name: string, initial: T) {
    this.name = name
    this.initial = initial
  }

  /** The value in the current task: that of the innermost `with` around it, else the default. Does not wait. */
  get(): Operation<T> {
    return tracked(`${this.name}.get`, this.read())
  }

  /**
   * Runs an operation in which, and in whose tasks, the value is another one. Afterwards it is what it was, whatever happens.
   *
   * @throws whatever the operation throws.
   */
  with<R>(value: T, op: Op<R>): Operation<R> {
    return tracked(`${this.name}.with`, this.set(value, checkOperation(`run with ${this.name}`, 'op', op)))
  }

  private *read(): Operation<T> {
    for (let entry = (yield* current()).context; entry !== null; entry = entry.outer) {
      if (entry.key === this) return entry.value as T
    }
    return this.initial
  }

  private *set<R>(value: T, op: Op<R>): Operation<R> {
    const { context: outer } = yield* current()
    yield* setContext({ key: this, value, outer })
    try {
      return yield* toOperation(op)
    } finally {
      yield* setContext(outer)
    }
  }
}

/**
 * Makes a context: a value that tasks inherit. Without a default it is `undefined` where nobody has set it.
 *
 * @param name For messages.
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
export function context<T>(name: string): Context<T | undefined>
export function context<T>(name: string, initial: T): Context<T>
export function context<T>(name: string, initial?: T): Context<T | undefined> {
  checkString('make a context', 'name', name)
  return new Context<T | undefined>(name, initial)
}
