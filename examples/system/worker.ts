/**
 * Another thread wakes a task: a worker computes, and notifies the kernel when there is something
 * to collect.
 *
 * Start it: `npm run example -- worker`. The result is in shared memory; the waker only says
 * "look". A notification costs the worker one system call and is never lost: those that come while
 * nobody waits are counted, and the next `wait` returns at once. Try a kernel that sleeps before it
 * waits.
 */
import { once } from 'node:events'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { Kernel, run, timeout } from 'drupe'
import { notify, type WakerToken } from 'drupe/lowlevel'

interface Shared {
  readonly token: WakerToken
  readonly sums: SharedArrayBuffer
}

const ROUNDS = 3

if (isMainThread) {
  const kernel = new Kernel()
  const waker = kernel.waker()
  const shared: Shared = { token: waker.token, sums: new SharedArrayBuffer(ROUNDS * 8) }
  const worker = new Worker(new URL(import.meta.url), { workerData: shared })
  const ended = once(worker, 'exit')
  await kernel.run(function* () {
    let heard = 0
    while (heard < ROUNDS) heard += yield* timeout(10_000, waker.wait())
    console.log(`notifications: ${heard}; sums: ${[...new Float64Array(shared.sums)].join(', ')}`)
  })
  // A token is good until its kernel is closed, so nobody may notify it any more by then.
  await ended
  await kernel.close()
} else {
  const { token, sums } = workerData as Shared
  // A worker may run a kernel of its own, too.
  await run(function* () {
    for (let round = 0; round < ROUNDS; round++) {
      let sum = 0
      for (let i = 0; i < 10 ** (round + 5); i++) sum += i
      new Float64Array(sums)[round] = sum
      notify(token)
    }
  })
}
