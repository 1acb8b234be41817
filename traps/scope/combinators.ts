/**
 * Several operations at once, and what becomes of them: all of them, one of them, the first that
 * answers.
 *
 * Each combinator is a nursery with a rule for when it is over. So they have the nursery's
 * promises: the first error cancels the rest and leaves unchanged, and nothing returns before the
 * losers are out, their cleanup included.
 */

import { tracked } from '../../kernel/protocol/debug.js'
import { TaskCancelledError } from '../../kernel/protocol/errors.js'
import type { Nursery, NurseryOptions, Task } from '../../kernel/protocol/handles.js'
import { checkOperation, checkOperations } from '../../kernel/protocol/operands.js'
import { nameOf, toOperation } from '../../kernel/protocol/operation.js'
import type { Op, Operation, Trap } from '../../kernel/protocol/trap.js'
import { atomically, checkpoint, current, finishDecided, finishNursery, openNursery } from '../raw/call.js'
import { nursery } from './nursery.js'

/** Operations with these results, one for each. */
export type Ops<T extends readonly unknown[]> = readonly [...{ [K in keyof T]: Op<T[K]> }]

/** Operations with names, with results of these types. */
export type NamedOps<T extends object> = { readonly [K in keyof T]: Op<T[K]> }

/**
 * Runs operations at the same time and returns their results: of an array in the order of the
 * operations, of an object under the same names. The first error cancels the rest and is thrown
 * when they are out, the same object; `suppressed(error)` lists later ones. If the task is
 * cancelled while it waits, all of them are.
 *
 * @param ops A list of operations, or an object of them; each may be a function that returns one.
 * @throws the first error of an operation.
 * @throws TypeError if `ops` is neither a list nor a record of operations.
 * @throws TaskCancelledError if one of the tasks was cancelled.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { all, run, sleep } from 'drupe'
 *
 * function* after<T>(ms: number, value: T) {
 *   yield* sleep(ms)
 *   return value
 * }
 * await run(function* () {
 *   const [n, s] = yield* all([after(4, 1), after(2, 'two')])
 *   console.log(n + 1, s.toUpperCase()) // => 2 TWO
 *   const { size } = yield* all({ name: after(1, 'fig'), size: after(2, 3) })
 *   console.log(size) // => 3
 * })
 */
export function all<T extends readonly unknown[]>(ops: Ops<T>): Operation<T>
/**
 * Runs the operations of an object at the same time, and returns their results under its keys.
 *
 * @param ops Operations, or functions that return one, by name.
 */
export function all<T extends object>(ops: NamedOps<T>): Operation<T>
export function all(ops: readonly Op<unknown>[] | Readonly<Record<string, Op<unknown>>>): Operation<unknown> {
  if (typeof ops !== 'object' || ops === null || Symbol.iterator in ops) {
    const list = checkOperations('run all', 'ops', ops)
    return tracked(
      'all',
      together(list, false, (tasks) => tasks.map(resultOf)),
    )
  }
  for (const [name, op] of Object.entries(ops)) checkOperation('run all', `ops.${name}`, op)
  const names = Object.keys(ops)
  return tracked(
    'all',
    together(Object.values(ops), false, (tasks) =>
      Object.fromEntries(tasks.map((task, i) => [names[i] as string, resultOf(task)])),
    ),
  )
}

/**
 * Runs operations at the same time and returns how each of them ended, in the order of the
 * operations, in the shape of `Promise.allSettled`. An error cancels no other one. A task that was
 * cancelled counts as failed with a TaskCancelledError. If the task is cancelled while it waits,
 * all of them are.
 *
 * @param ops The operations, or functions that return them.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { allSettled, run, sleep } from 'drupe'
 *
 * function* fail() {
 *   throw new Error('no')
 * }
 * await run(function* () {
 *   const ends = yield* allSettled([sleep(1), fail()])
 *   console.log(ends.map((end) => end.status).join(' ')) // => fulfilled rejected
 * })
 */
export function allSettled<T extends readonly unknown[]>(
  ops: Ops<T>,
): Operation<{ -readonly [K in keyof T]: PromiseSettledResult<T[K]> }> {
  const list = checkOperations('run all', 'ops', ops) as readonly Op<unknown>[]
  const settled = together(list, true, (tasks) => tasks.map(endOf))
  return tracked('allSettled', settled) as ReturnType<typeof allSettled<T>>
}

/**
 * Runs operations at the same time; the first to come to its end decides, with its result or its
 * error. The others are cancelled, and awaited. An error in their cleanup is thrown, and not lost
 * behind the result. If the task is cancelled while it waits, all of them are.
 *
 * @param ops The operations, or functions that return them.
 * @throws the error, if that comes first; an error in the cleanup of a loser.
 * @throws RangeError if there are no operations: none could win.
 * @throws TaskCancelledError if every task was cancelled.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { race, run, sleep } from 'drupe'
 *
 * function* after(ms: number, name: string) {
 *   try {
 *     yield* sleep(ms)
 *     return name
 *   } finally {
 *     console.log(`${name} is out`)
 *   }
 * }
 * await run(function* () {
 *   const winner = yield* race([after(60_000, 'tortoise'), after(1, 'hare')])
 *   // => hare is out
 *   // => tortoise is out
 *   console.log(winner) // => hare
 * })
 */
export function race<T extends readonly unknown[]>(ops: Ops<T>): Operation<T[number]> {
  const list = checkOperations('race', 'ops', ops) as readonly Op<T[number]>[]
  if (list.length === 0) {
    throw new RangeError('Cannot race: ops must have at least one operation, or none could win')
  }
  return tracked(
    'race',
    contest(list, false, anything, ({ winner, tasks }) => {
      if (winner === null) throw cancelledError(tasks[0] as Task)
      return winner.value
    }),
  )
}

/**
 * Runs operations at the same time; the first result that is not `undefined` is returned, and the
 * others are cancelled and awaited. `undefined` if that is what all of them return. An error
 * cancels the rest and is thrown, one in the cleanup of a loser, too. If the task is cancelled
 * while it waits, all of them are.
 *
 * @param ops The operations, or functions that return them.
 * @throws the first error of an operation.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { first, run, sleep } from 'drupe'
 *
 * function* look(ms: number, found?: string) {
 *   yield* sleep(ms)
 *   return found
 * }
 * await run(function* () {
 *   console.log(yield* first([look(1), look(5, 'key'), look(60_000, 'coin')])) // => key
 * })
 * @see https://curio.readthedocs.io/en/latest/reference.html#task-groups (`wait=object`)
 */
export function first<T extends readonly unknown[]>(ops: Ops<T>): Operation<Exclude<T[number], undefined> | undefined> {
  const list = checkOperations('get the first result', 'ops', ops) as readonly Op<T[number]>[]
  const isDefined = (value: unknown): boolean => value !== undefined
  return tracked(
    'first',
    contest(list, false, isDefined, ({ winner }) => winner?.value as Exclude<T[number], undefined> | undefined),
  )
}

/**
 * Runs operations at the same time and returns the first result. Errors are tolerated as long as
 * one operation succeeds, also those of losers on their way out. The others are cancelled and
 * awaited. If the task is cancelled while it waits, all of them are.
 *
 * @param ops The operations, or functions that return them.
 * @throws AggregateError of all errors, in the order of the operations, if all fail or if there are
 * none.
 * @throws Cancelled if an outer scope is cancelled.
 * @example
 * import { any, run, sleep } from 'drupe'
 *
 * function* mirror(ms: number, up: boolean) {
 *   yield* sleep(ms)
 *   if (!up) throw new Error('down')
 *   return `answer after ${ms}`
 * }
 * await run(function* () {
 *   console.log(yield* any([mirror(1, false), mirror(4, true), mirror(60_000, true)])) // => answer after 4
 * })
 */
export function any<T extends readonly unknown[]>(ops: Ops<T>): Operation<T[number]> {
  const list = checkOperations('get any result', 'ops', ops) as readonly Op<T[number]>[]
  return tracked(
    'any',
    contest(list, true, anything, ({ winner, tasks }) => {
      if (winner !== null) return winner.value
      const errors = tasks.map(errorOf)
      throw new AggregateError(errors, `Cannot get any result: all of ${tasks.length} operation(s) failed`)
    }),
  )
}

/** Runs operations until all are over; what comes out is made of their tasks. */
function* together<R>(
  ops: readonly Op<unknown>[],
  collect: boolean,
  outcome: (tasks: readonly Task[]) => R,
): Operation<R> {
  const tasks: Task[] = []
  const n = yield* openNursery(collect ? COLLECT : null)
  let failure: { readonly error: unknown } | null = null
  try {
    for (const op of ops) {
      const task = yield* n.spawn(op)
      if (collect) yield* observe(task)
      tasks.push(task)
    }
  } catch (error) {
    failure = { error }
  }
  yield* finishNursery(n, failure)
  return outcome(tasks)
}

const COLLECT: NurseryOptions = { onError: 'collect' }

interface Outcome<T> {
  readonly winner: { readonly value: T } | null
  readonly tasks: readonly Task[]
}

/**
 * Runs operations until one of them returns a value that `wins`; what comes out is made of the
 * outcome.
 */
function* contest<T, R>(
  ops: readonly Op<T>[],
  collect: boolean,
  wins: (value: T) => boolean,
  decide: (outcome: Outcome<T>) => R,
): Operation<R> {
  let winner: { readonly value: T } | null = null
  const tasks: Task[] = []

  function* contestant(n: Nursery, op: Op<T>): Operation<void> {
    if (n.cancelled) return // decided before it began
    try {
      // In a nursery of its own: an operation is not over before what it started is.
      const value = yield* nursery(() => toOperation(op))
      if (winner !== null || !wins(value)) return
      winner = { value }
      yield* n.cancel('another one was first')
    } catch (error) {
      // It failed when another one had won, before its cancel was delivered: that is no error of
      // the race. What fails after that is one.
      if (winner === null || (yield* current()).wasDelivered(n)) throw error
    }
  }

  const n = yield* openNursery(collect ? COLLECT : null)
  let failure: { readonly error: unknown } | null = null
  try {
    for (const op of ops) {
      const task = yield* n.spawn(() => contestant(n, op), { name: nameOf(op) })
      if (collect) yield* observe(task)
      tasks.push(task)
    }
  } catch (error) {
    failure = { error }
  }
  // The winner is decided: a cancel that comes while the losers leave must not lose its value.
  yield* finishDecided(n, failure)
  if (winner === null) yield* checkpoint()
  return decide({ winner, tasks })
}

const anything = (): boolean => true

/** Every end is looked at here, so no failure is to be reported as unobserved. */
const observe = (task: Task): Trap<void> => atomically((_task, _trap, scheduler) => scheduler.observe(task))

function resultOf(task: Task): unknown {
  if (task.state === 'cancelled') throw cancelledError(task)
  return task.result
}

function endOf(task: Task): PromiseSettledResult<unknown> {
  if (task.state === 'done') return { status: 'fulfilled', value: task.result }
  return { status: 'rejected', reason: errorOf(task) }
}

function errorOf(task: Task): unknown {
  return task.state === 'cancelled' ? cancelledError(task) : task.error
}

function cancelledError(task: Task): TaskCancelledError {
  return new TaskCancelledError(String(task), { cause: task.error })
}
