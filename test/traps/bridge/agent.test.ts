/**
 * Jobs for host code: what is the answer to being stopped, and what is a failure.
 */
import test from 'ava'
import { Kernel, type Operation, sleep, spawn, TaskCancelledError } from 'drupe'
import { toEffection } from 'drupe/effection'
import * as effection from 'effection'

test('toEffection: a cleanup that fails with the cancel of another task is a failure', async (t) => {
  function* stopped(): Operation<void> {
    const other = yield* spawn(sleep(1000))
    try {
      yield* sleep(1000)
    } finally {
      yield* other.cancel('')
      yield* other.join()
    }
  }
  const kernel = new Kernel()
  const task = effection.run(() => toEffection(stopped, kernel))
  task.catch(() => {})
  await kernel.run(sleep(5))
  await t.throwsAsync(async () => task.halt(), { instanceOf: TaskCancelledError })
  await kernel.close()
})
