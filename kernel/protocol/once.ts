/**
 * A generator object runs once.
 *
 * Given to a second `spawn`, `all` or `timeout` it would end at once with `undefined`, or, if it
 * still runs, go on in the middle of another task's wait. Nothing about a generator tells whether
 * it has begun, so each that is given as an operation gets a mark: a property, since a WeakSet
 * costs ten times as much.
 */
import type { TaskIterator } from './trap.js'

const generatorNext: TaskIterator['next'] = Object.getPrototypeOf(function* () {}).prototype.next

const BEGUN = Symbol('begun')

/**
 * Notes that an operation begins. Only generators are concerned: all else that can be iterated may
 * begin as often as it likes.
 *
 * @throws TypeError if it has begun already.
 */
export function beginOnce<O extends object>(operation: O): O {
  const generator = operation as Partial<TaskIterator> & { [BEGUN]?: true }
  if (generator.next !== generatorNext) return operation
  if (generator[BEGUN]) {
    throw new TypeError(
      'Cannot run a generator object again: it has begun before; pass a function that makes a new one',
    )
  }
  generator[BEGUN] = true
  return operation
}
