/**
 * Promises inside tasks.
 */
import type { Operation } from '../../kernel/trap.js'
import { suspend } from '../call.js'

/**
 * Waits for a promise. Cancelled, the task stops waiting; the promise goes on, unless it came from a function that was
 * given an AbortSignal and listens to it. Needs the host's event loop, so it does not work in a blocking run.
 *
 * @throws what the promise rejects with.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, until } from 'drupe'
 * import { readFile } from 'node:fs/promises'
 *
 * await run(function* () {
 *   const text = yield* until((signal) => readFile('package.json', { encoding: 'utf8', signal }))
 *   console.log(JSON.parse(text).name) // => drupe
 * })
 */
export function until<T>(promise: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>)): Operation<T> {
  return suspend<T>((resolve, reject) => {
    if (typeof promise !== 'function') {
      promise.then(resolve, reject)
      return
    }
    const controller = new AbortController()
    promise(controller.signal).then(resolve, reject)
    return () => controller.abort()
  })
}
