/**
 * Every scenario in every mode, and what only some modes have: the host that goes on beside a guest, several runs in one
 * kernel, and the two callers one after the other.
 */

import test from 'ava'
import { checkpoint, clock, Kernel, nursery, run, sleep, spawn, type Task, TaskCancelledError, until } from 'drupe'
import { assertNoLeaks, VirtualDriver } from 'drupe/testing'
import { covers } from '../covers.js'
import { fail, give, MODES, thrown } from '../kit.js'
import { SCENARIOS } from './scenarios.js'

for (const mode of MODES) {
  for (const { name, op, gives, peers = [] } of SCENARIOS) {
    test(`${mode.name}: ${name}`, async (t) => {
      covers(t, ...peers)
      t.deepEqual(await mode.run(op), gives)
    })
  }

  test(`${mode.name}: the error of the operation comes out unchanged`, async (t) => {
    covers(t, 'trio guest_mode: guest_trivial')
    const boom = new Error('boom')
    const error = await t.throwsAsync(mode.run(() => fail(boom)))
    t.is(error, boom)
  })

  test(`${mode.name}: a seed and debug mode work`, async (t) => {
    const scenario = SCENARIOS.find(({ name }) => name.startsWith('a cancel reaches'))
    t.deepEqual(await mode.run(scenario?.op as never, { seed: 4, debug: true }), scenario?.gives)
  })
}

const hosted = MODES.filter((mode) => mode.hosted)

for (const mode of hosted) {
  test(`${mode.name}: the host’s timers and promises go on beside a busy guest`, async (t) => {
    let over = false
    let immediates = 0
    const count = (): void => {
      immediates++
      if (!over) setImmediate(count)
    }
    setImmediate(count)
    await mode.run(function* () {
      // Between two timers the host has had a round.
      for (let i = 0; i < 2; i++) yield* until(new Promise((resolve) => setTimeout(resolve)))
      for (let i = 0; i < 3; i++) yield* until(Promise.resolve().then(() => Promise.resolve()))
    })
    over = true
    t.true(immediates > 0)
  })

  test(`${mode.name}: several runs share the loop`, async (t) => {
    const results = await Promise.all(
      [3, 1, 2].map((n) =>
        mode.run(function* () {
          yield* sleep(n)
          return n
        }),
      ),
    )
    t.deepEqual(results, [3, 1, 2])
  })
}

test('a busy guest lets the host’s timers come, every few milliseconds', async (t) => {
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  await run(function* () {
    // Without end if the host never got its turn; but not for ever.
    const end = (yield* clock()) + 10_000
    while (ticks < 5 && (yield* clock()) < end) yield* checkpoint()
  })
  clearInterval(timer)
  t.true(ticks >= 5)
})

test('one kernel runs many operations at once for its host', async (t) => {
  await using kernel = new Kernel()
  const results = await Promise.allSettled([
    kernel.run(function* () {
      yield* sleep(5)
      return 'slow'
    }),
    kernel.run(give('quick')),
    kernel.run(() => fail('failed')),
  ])
  t.deepEqual(results, [
    { status: 'fulfilled', value: 'slow' },
    { status: 'fulfilled', value: 'quick' },
    { status: 'rejected', reason: 'failed' },
  ])
  assertNoLeaks(kernel)
})

test('the host cancels a guest’s task at any time', async (t) => {
  await using kernel = new Kernel()
  const log: string[] = []
  const task = kernel.spawn(function* () {
    try {
      // After this turn, when the task waits.
      setImmediate(() => kernel.cancel(task, 'from the host'))
      yield* sleep(100_000)
    } finally {
      yield* sleep(1)
      log.push('clean')
    }
  })
  const joined = kernel.run(() => task.join())
  const error = await t.throwsAsync(joined)
  t.true(error instanceof TaskCancelledError)
  t.deepEqual(log, ['clean'])
  assertNoLeaks(kernel)
})

test('a host that closes the kernel waits for the cleanup of a guest', async (t) => {
  const kernel = new Kernel()
  const log: string[] = []
  let begun = 0
  let allBegun = (): void => {}
  const beginning = new Promise<void>((resolve) => {
    allBegun = resolve
  })
  const result = kernel.run(function* () {
    yield* nursery(function* (n) {
      for (const name of ['a', 'b']) {
        yield* n.spawn(function* () {
          try {
            if (++begun === 2) allBegun()
            yield* sleep(100_000)
          } finally {
            yield* sleep(2)
            log.push(name)
          }
        })
      }
    })
  })
  result.catch(() => {})
  await beginning
  await kernel.close()
  t.deepEqual(log.sort(), ['a', 'b'])
  t.true((await t.throwsAsync(result)) instanceof TaskCancelledError)
  assertNoLeaks(kernel)
})

test('a guest’s tasks go on after a blocking run on the same kernel', async (t) => {
  await using kernel = new Kernel()
  let begin = (): void => {}
  const beginning = new Promise<void>((resolve) => {
    begin = resolve
  })
  const guest = kernel.run(function* () {
    begin()
    for (let i = 0; i < 5; i++) yield* sleep(10)
    return 'guest'
  })
  await beginning
  const blocking = kernel.runSync(function* () {
    yield* sleep(5)
    return 'blocking'
  })
  t.is(blocking, 'blocking')
  t.is(await guest, 'guest')
})

test('a blocking run carries the guest’s tasks along', async (t) => {
  await using kernel = new Kernel()
  const guest: Task<string> = kernel.spawn(function* () {
    yield* sleep(5)
    return 'guest'
  })
  t.is(
    kernel.runSync(() => guest.join()),
    'guest',
  )
})

test('a task that the host spawns from inside a step runs', async (t) => {
  await using kernel = new Kernel()
  const result = await kernel.run(function* () {
    const inner = kernel.spawn(give('inner'))
    return yield* inner.join()
  })
  t.is(result, 'inner')
  const promised = await kernel.run(() => until(() => kernel.run(give('promised'))))
  t.is(promised, 'promised')
})

test('a failure that nobody waits for does not stop the others', async (t) => {
  await using kernel = new Kernel()
  const failing = kernel.run(function* () {
    yield* sleep(1)
    throw new Error('boom')
  })
  const other = kernel.run(function* () {
    yield* sleep(10)
    return 'fine'
  })
  await t.throwsAsync(failing, { message: 'boom' })
  t.is(await other, 'fine')
})

test('run closes its kernel whatever happens', async (t) => {
  for (const op of [() => give(1), () => fail('x')]) {
    const driver = new VirtualDriver()
    let closed = 0
    const close = driver.close.bind(driver)
    driver.close = () => {
      closed++
      close()
    }
    await run(op, { driver }).catch(() => {})
    t.true(closed > 0)
  }
})

test('a guest cannot be run by a second caller from within', async (t) => {
  await using kernel = new Kernel()
  const error = await kernel.run(function* () {
    yield* checkpoint()
    return thrown(() => kernel.runSync(give(1)))
  })
  t.is((error as { code?: string }).code, 'DRUPE_KERNEL_STATE')
})

test('children of different runs do not mix', async (t) => {
  await using kernel = new Kernel()
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) =>
      kernel.run(
        function* () {
          const child = yield* spawn(give(name))
          return [child.parent?.name, yield* child.join()]
        },
        { name },
      ),
    ),
  )
  t.deepEqual(
    [a, b],
    [
      ['a', 'a'],
      ['b', 'b'],
    ],
  )
})
