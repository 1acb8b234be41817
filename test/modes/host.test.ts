/**
 * What host code may do to a kernel that it shares its loop with, and in which order that happens.
 *
 * `kernel.spawn` is the way in: it can be called from callbacks, from promises, and from the code of a task. Nothing runs
 * before the caller is done; what is spawned runs in order; an error in it hurts nobody else.
 */

import test from 'ava'
import {
  checkpoint,
  clock,
  context,
  Kernel,
  type KernelOptions,
  KernelStateError,
  nursery,
  run,
  type Scope,
  scope,
  sleep,
  UniversalEvent,
  UniversalQueue,
} from 'drupe'
import { VirtualDriver, waitAllBlocked } from 'drupe/testing'
import { covers } from '../covers.js'
import { fail, give, thrown } from '../kit.js'

const FOREVER = Number.POSITIVE_INFINITY

const guest = (options?: Omit<KernelOptions, 'driver'>): Kernel =>
  new Kernel({ ...options, driver: new VirtualDriver() })

test('spawn returns before the task has begun, and the host can do more until then', async (t) => {
  covers(t, 'trio guest_mode: guest_is_initialized_when_start_returns')
  await using kernel = guest()
  const log: string[] = []
  const main = kernel.run(function* () {
    log.push('main')
    yield* checkpoint()
    return 'ok'
  })
  t.deepEqual(log, [])
  t.is(kernel.statistics.tasks, 1)
  kernel.spawn(function* () {
    log.push('early')
    yield* checkpoint()
  })
  log.push('host')
  t.is(await main, 'ok')
  t.deepEqual(log, ['host', 'main', 'early'])
})

test('a driver that cannot start is an error at the constructor', (t) => {
  covers(t, 'trio guest_mode: guest_is_initialized_when_start_returns')
  class Broken extends VirtualDriver {
    override start(): void {
      throw new Error('no clock')
    }
  }
  t.is((thrown(() => new Kernel({ driver: new Broken() })) as Error).message, 'no clock')
})

test('what a task spawns through the kernel runs when the task waits, beside it', (t) => {
  covers(t, 'trio run: TrioToken_run_sync_soon_basic, spawn_system_task')
  const kernel = guest()
  const log: string[] = []
  kernel.runSync(function* () {
    const task = kernel.spawn(function* aside() {
      log.push('aside')
      yield* checkpoint()
    })
    t.is(task.parent, null)
    t.deepEqual(log, [])
    yield* waitAllBlocked()
    t.deepEqual(log, ['aside'])
  })
  kernel.closeSync()
})

for (const [count, peer] of [
  [100, 'trio run: TrioToken_run_sync_soon_FIFO'],
  [10_000, 'trio run: TrioToken_run_sync_soon_massive_queue'],
] as const) {
  test(`${count} tasks that the host spawns begin in their order`, async (t) => {
    covers(t, peer)
    await using kernel = guest()
    const order: number[] = []
    await kernel.run(function* () {
      for (let i = 0; i < count; i++)
        kernel.spawn(function* () {
          order.push(i)
        })
      yield* waitAllBlocked()
    })
    t.deepEqual(order, [...Array(count).keys()])
  })
}

test('a kernel that is closed takes nothing more', async (t) => {
  covers(t, 'trio run: TrioToken_run_sync_soon_too_late')
  const kernel = guest()
  await kernel.run(give(1))
  await kernel.close()
  t.true(thrown(() => kernel.spawn(give(1))) instanceof KernelStateError)
  await t.throwsAsync(kernel.run(give(1)), { instanceOf: KernelStateError })
})

test('an event that the host sets ten times wakes its task once, and set once more again', async (t) => {
  covers(t, 'trio run: TrioToken_run_sync_soon_idempotent, TrioToken_run_sync_soon_idempotent_requeue')
  await using kernel = guest()
  const news = new UniversalEvent()
  let wakeUps = 0
  const listener = kernel.run(function* () {
    while (wakeUps < 2) {
      yield* news.wait()
      news.clear()
      wakeUps++
      if (wakeUps === 1) yield* waitAllBlocked()
    }
  })
  for (let i = 0; i < 10; i++) news.set()
  await kernel.run(() => waitAllBlocked())
  t.is(wakeUps, 1)
  for (let i = 0; i < 10; i++) news.set()
  await listener
  t.is(wakeUps, 2)
})

test('what a task has spawned through the kernel outlives its failure', async (t) => {
  covers(t, 'trio run: TrioToken_run_sync_soon_after_main_crash')
  const kernel = guest()
  let ran = false
  const main = kernel.run(function* () {
    kernel.spawn(function* () {
      ran = true
    })
    throw new Error('boom')
  })
  await t.throwsAsync(main, { message: 'boom' })
  await kernel.run(() => waitAllBlocked())
  t.true(ran)
  await kernel.close()
})

test('a task that fails in the kernel leaves those beside it alone', async (t) => {
  covers(t, 'trio run: TrioToken_run_sync_soon_crashes')
  await using kernel = guest()
  const log: string[] = []
  const main = kernel.run(function* () {
    yield* sleep(10)
    return 'unharmed'
  })
  const failing = kernel.run(() => fail(new Error('boom')))
  kernel.spawn(function* () {
    log.push('the next one ran')
  })
  await t.throwsAsync(failing, { message: 'boom' })
  t.is(await main, 'unharmed')
  t.deepEqual(log, ['the next one ran'])
})

test('tasks that spawn their successors through the kernel starve nobody', (t) => {
  covers(t, 'trio run: TrioToken_run_sync_soon_starvation_resistance')
  const kernel = guest()
  let generations = 0
  let over = false
  function* successor(): Generator<never, void> {
    generations++
    if (!over) kernel.spawn(successor)
  }
  kernel.runSync(function* () {
    kernel.spawn(successor)
    for (let i = 0; i < 20; i++) yield* checkpoint()
    over = true
  })
  t.true(generations >= 19 && generations <= 21, `${generations}`)
  kernel.closeSync()
})

test('the host wakes a task directly', async (t) => {
  covers(t, 'trio guest_mode: host_can_directly_wake_trio_task')
  const news = new UniversalEvent()
  setImmediate(() => news.set())
  const result = await run(function* () {
    yield* news.wait()
    return 'ok'
  })
  t.is(result, 'ok')
})

test('a deadline that the host moves while everybody sleeps wakes the kernel', async (t) => {
  covers(t, 'trio guest_mode: host_altering_deadlines_wakes_trio_up')
  for (const times of [[-1], [1e9, -1]]) {
    await using kernel = guest()
    const result = await kernel.run(function* () {
      return yield* scope({}, function* (s: Scope) {
        setImmediate(() => {
          for (const at of times) kernel.spawn(() => s.setDeadline(at))
        })
        yield* sleep(FOREVER)
        return 'not reached'
      })
    })
    t.is(result, undefined)
  }
})

test('a promise and a task play ping-pong', async (t) => {
  covers(t, 'trio guest_mode: guest_mode_on_asyncio')
  await using kernel = guest()
  const toHost = new UniversalQueue<number>()
  const toTask = new UniversalQueue<number>()
  const host = (async () => {
    for (;;) {
      const n = await toHost.get()
      toTask.tryPut(n + 1)
      if (n >= 10) return 'host is done'
    }
  })()
  const task = kernel.run(function* () {
    toHost.tryPut(0)
    for (;;) {
      const n = yield* toTask.get()
      toHost.tryPut(n + 1)
      if (n >= 10) return 'task is done'
    }
  })
  t.deepEqual(await Promise.all([host, task]), ['host is done', 'task is done'])
})

test('a task that the host spawns has nobody’s context; one spawned by a task’s code has that task’s', async (t) => {
  covers(t, 'trio run: system_task_contexts')
  await using kernel = guest()
  const mood = context('mood', 'calm')
  const seen: string[] = []
  await kernel.run(() =>
    mood.with('cross', () =>
      nursery(function* (n) {
        const ask = (who: string) =>
          function* () {
            seen.push(`${who}: ${yield* mood.get()}`)
          }
        yield* n.spawn(ask('child'))
        kernel.spawn(ask('aside'))
        setImmediate(() => kernel.spawn(ask('host')))
        yield* sleep(10)
        yield* waitAllBlocked()
      }),
    ),
  )
  await kernel.run(() => waitAllBlocked())
  t.deepEqual(seen, ['child: cross', 'aside: cross', 'host: calm'])
})

test('an error of the driver comes out of a blocking run as it is', (t) => {
  covers(t, 'trio run: error_in_run_loop')
  const boom = new Error('boom')
  class Failing extends VirtualDriver {
    polls = 0
    override poll(wait: boolean): void {
      if (++this.polls === 3) throw boom
      super.poll(wait)
    }
  }
  const kernel = new Kernel({ driver: new Failing() })
  t.is(
    thrown(() =>
      kernel.runSync(function* () {
        for (;;) yield* sleep(1)
      }),
    ),
    boom,
  )
  t.is(kernel.runSync(give('still usable')), 'still usable')
  kernel.closeSync()
})

test('each kernel has its own clock, and that is the one its tasks read', (t) => {
  covers(t, 'trio run: current_clock, current_time_with_mock_clock')
  const driver = new VirtualDriver()
  const kernel = new Kernel({ driver })
  kernel.runSync(function* () {
    const begun = driver.now()
    t.is(yield* clock(), begun)
    driver.advance(3.15)
    t.is(yield* clock(), begun + 3.15)
  })
  kernel.closeSync()
})
