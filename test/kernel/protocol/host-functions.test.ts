/**
 * Fake timers: a test that replaces the host's functions must not stop the kernel, which keeps those that it was loaded with.
 */
import test from 'ava'
import { Kernel, sleep, until } from 'drupe'
import { type Driver, HostDriver } from 'drupe/lowlevel'
import { VirtualDriver } from 'drupe/testing'

const NAMES = ['setTimeout', 'clearTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'MessageChannel'] as const

/** Runs a body while every function of the host that has to do with time fails the test. */
async function withFakes(body: () => Promise<void>, called: (name: string) => void): Promise<void> {
  const host = globalThis as unknown as Record<string, unknown>
  const originals = NAMES.map((name) => [name, host[name]] as const)
  const { now } = performance
  for (const name of NAMES) host[name] = () => called(name)
  performance.now = () => {
    called('performance.now')
    return 0
  }
  try {
    await body()
  } finally {
    for (const [name, original] of originals) host[name] = original
    performance.now = now
  }
}

const DRIVERS: readonly (readonly [string, () => Driver | undefined])[] = [
  ['the driver of this platform', () => undefined],
  ['the host driver', () => new HostDriver()],
  ['the virtual driver', () => new VirtualDriver()],
]

for (const [name, make] of DRIVERS) {
  test.serial(`a kernel runs, waits and closes while the host's functions are replaced: ${name}`, async (t) => {
    const called = new Set<string>()
    await withFakes(
      async () => {
        const driver = make()
        const kernel = new Kernel(driver === undefined ? {} : { driver })
        const running = kernel.run(function* () {
          yield* sleep(1)
          yield* until(Promise.resolve())
          return 'done'
        })
        t.is(await running, 'done')
        const left = kernel.spawn(() => sleep(60_000))
        await kernel.close()
        t.is(left.state, 'cancelled')
      },
      (function_) => called.add(function_),
    )
    t.deepEqual([...called], [])
  })
}
