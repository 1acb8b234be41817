/**
 * Keyed tasks: at most one task for each key, and a rule for when another one is asked for.
 *
 * The table belongs to the innermost nursery of the task that made it. Its tasks are children of
 * that nursery like all others: they end with it, and their failures are its failures. The table
 * itself only knows which of them are alive.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { KernelStateError } from '../../kernel/protocol/errors.js'
import type { Nursery, Task } from '../../kernel/protocol/handles.js'
import { checkFunction, checkOptions, checkWord } from '../../kernel/protocol/operands.js'
import { asOperation } from '../../kernel/protocol/operation.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { current } from '../raw/call.js'
import { nursery } from '../scope/nursery.js'
import { innermostNursery } from '../scope/place.js'
import { Event } from './event.js'

/**
 * What happens when a key has a task. `'replace'`: it is cancelled and awaited, then the new one
 * begins. `'join'`: the caller gets that one. `'ignore'`: the caller gets null.
 */
export type KeyPolicy = 'replace' | 'join' | 'ignore'

/** How a table of tasks behaves. */
export interface KeyedOptions {
  /** What happens when a key has a task. Default: `'replace'`. */
  readonly existing?: KeyPolicy | undefined
}

/** The figures of a table of tasks. */
export interface KeyedStatistics {
  /** Tasks that are alive. */
  readonly alive: number
  /** Tasks that were started. */
  readonly started: number
  /** Tasks that were cancelled for a newer one. */
  readonly replaced: number
  /** How often a caller got the task that there was. */
  readonly joined: number
  /** How often a caller got null. */
  readonly ignored: number
}

/**
 * Makes a table of tasks by key; they are children of the innermost nursery of this task. Does not
 * wait.
 *
 * @param options `existing`: what happens when a key has a task.
 * @throws TypeError or RangeError if `existing` is none of the words.
 * @example
 * import { keyed, nursery, sleep } from 'drupe'
 * import { virtual } from 'drupe/testing'
 *
 * virtual({}, () => nursery(function* () {
 *   const searches = yield* keyed<string>()
 *   for (const text of ['d', 'dr', 'dru']) {
 *     yield* searches.spawn('search box', function* () {
 *       yield* sleep(10)
 *       console.log(text)
 *     })
 *     yield* sleep(1)
 *   }
 * }))
 * // => dru
 */
export function keyed<K = string, T = unknown>(options?: KeyedOptions): Operation<KeyedTasks<K, T>> {
  checkOptions('make keyed tasks', 'options', options)
  const existing = checkWord('make keyed tasks', 'existing', options?.existing ?? 'replace', [
    'replace',
    'join',
    'ignore',
  ])
  return tracked('keyed', keyedOperation<K, T>(existing))
}

function* keyedOperation<K, T>(existing: KeyPolicy): Operation<KeyedTasks<K, T>> {
  return new KeyedTasks<K, T>(yield* innermostNursery(), existing)
}

/** Tasks by key; made by `keyed()`. */
export class KeyedTasks<K, T> {
  private readonly tasks = new Map<K, Task<T>>()
  /** Keys whose task is being started: other tasks may run before the spawn has its answer. */
  private readonly starting = new Map<K, Event>()
  /** Several callers can wait until the same one is out. */
  private readonly leaving = new WeakSet<Task<T>>()
  private started = 0
  private replaced = 0
  private joined = 0
  private ignored = 0

  /** @internal */
  constructor(
    private readonly nursery: Nursery,
    private readonly existing: KeyPolicy,
  ) {}

  /**
   * Starts a task for a key, and returns it; else what the table's rule says. With `'replace'` it
   * waits until the old one is out. If the task is cancelled while it waits, the old one stays
   * cancelled, and no new one begins.
   *
   * @param key The key, compared as by a Map.
   * @param op A function that returns the operation.
   * @throws KernelStateError if a task would replace itself.
   * @throws ClosedError once the nursery has ended.
   * @throws Cancelled if a scope around the task is cancelled while it waits.
   */
  spawn(key: K, op: () => Operation<T>): Operation<Task<T> | null> {
    checkFunction('spawn', 'op', op)
    return tracked('spawn', this.spawnOperation(key, op))
  }

  /**
   * Returns the task of a key that is alive; undefined if there is none. It is a plain call and no
   * trap.
   *
   * @param key The key.
   */
  get(key: K): Task<T> | undefined {
    const task = this.tasks.get(key)
    return task?.ended ? undefined : task
  }

  /** Returns the current figures. */
  statistics(): KeyedStatistics {
    const { started, replaced, joined, ignored } = this
    let alive = 0
    for (const task of this.tasks.values()) if (!task.ended) alive++
    return { alive, started, replaced, joined, ignored }
  }

  private *spawnOperation(key: K, op: () => Operation<T>): Operation<Task<T> | null> {
    const me = yield* current()
    // Another caller may have put one in its place while this one waited.
    for (;;) {
      const pending = this.starting.get(key)
      if (pending !== undefined) {
        yield* pending.wait()
        continue
      }
      const old = this.get(key)
      if (old === undefined) break
      if (this.existing === 'join') {
        this.joined++
        return old
      }
      if (this.existing === 'ignore') {
        this.ignored++
        return null
      }
      if (old === me) throw new KernelStateError('spawn', 'a task cannot replace itself')
      if (!this.leaving.has(old)) this.replaced++
      this.leaving.add(old)
      yield* old.cancel('replaced')
    }
    return yield* this.start(key, op)
  }

  private *start(key: K, op: () => Operation<T>): Operation<Task<T>> {
    const begun = new Event()
    this.starting.set(key, begun)
    try {
      const name = op.name === '' ? 'anonymous' : op.name
      const task = yield* this.nursery.spawn(() => this.life(key, op), { name })
      this.started++
      if (!task.ended) this.tasks.set(key, task)
      return task
    } finally {
      this.starting.delete(key)
      yield* begun.set()
    }
  }

  /** In a nursery of its own, so that the key is free when its children are out, too. */
  private *life(key: K, op: () => Operation<T>): Operation<T> {
    const me = yield* current()
    try {
      return yield* nursery(() => asOperation(op()))
    } finally {
      if (this.tasks.get(key) === me) this.tasks.delete(key)
    }
  }
}
