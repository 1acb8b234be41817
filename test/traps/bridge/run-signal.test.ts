/**
 * `run(op, { signal })`: host code that stops what it has started.
 */
import { AbortController as PackageController } from 'abort-controller'
import test from 'ava'
import { Kernel, type Operation, type RunOptions, run, sleep, spawn, suspend } from 'drupe'
import { assertNoLeaks, VirtualDriver } from 'drupe/testing'

const stop = new Error('the client has left')

/** Runs with a kernel of virtual time, or through the door. */
const WAYS: readonly (readonly [string, <T>(op: () => Operation<T>, options: RunOptions) => Promise<T>])[] = [
  ['run', (op, options) => run(op, { ...options, driver: new VirtualDriver() })],
  [
    'kernel.run',
    async (op, options) => {
      const kernel = new Kernel({ driver: new VirtualDriver() })
      try {
        return await kernel.run(op, options)
      } finally {
        assertNoLeaks(kernel)
        await kernel.close()
      }
    },
  ],
]

for (const [name, go] of WAYS) {
  test(`${name}: a signal that is aborted cancels the operation and all that it started, and its reason comes out`, async (t) => {
    const controller = new AbortController()
    const log: string[] = []
    function* child(): Operation<void> {
      try {
        yield* suspend<never>(() => {})
      } finally {
        yield* sleep(5)
        log.push('child out')
      }
    }
    // Its body is over: only the child is still there to be cancelled.
    const running = go(
      function* () {
        yield* spawn(child)
        yield* sleep(1)
        queueMicrotask(() => controller.abort(stop))
      },
      { signal: controller.signal },
    )
    t.is(await t.throwsAsync(running), stop)
    t.deepEqual(log, ['child out'])
  })

  test(`${name}: with a signal that is aborted already the operation is not begun`, async (t) => {
    let begun = false
    const running = go(
      function* () {
        begun = true
      },
      { signal: AbortSignal.abort(stop) },
    )
    t.is(await t.throwsAsync(running), stop)
    t.false(begun)
  })

  test(`${name}: a signal is followed no longer than the operation runs`, async (t) => {
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    const result = await go(
      function* () {
        yield* sleep(1)
        return listeners
      },
      { signal },
    )
    t.is(result, 1)
    t.is(listeners, 0)
  })

  test(`${name}: a signal without a reason gives an AbortError`, async (t) => {
    const controller = new PackageController()
    controller.abort()
    const error = await go(() => sleep(1), { signal: controller.signal }).catch((error: unknown) => error)
    t.is((error as DOMException).name, 'AbortError')
  })
}

test('the task of a run with a signal has the name of its function', async (t) => {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  const { signal } = new AbortController()
  function* worker(): Operation<void> {
    yield* sleep(1)
  }
  const running = kernel.run(worker, { signal })
  t.is(kernel.tasks()[0]?.name, 'worker')
  await running
  await kernel.close()
})
