/**
 * What a kernel tells of itself: `dump()`, one line for `console.log`, and the warnings of debug mode.
 */
import { inspect } from 'node:util'
import test from 'ava'
import {
  type Cancelled,
  Kernel,
  Lock,
  moveOn,
  type Nursery,
  nursery,
  type Operation,
  Queue,
  race,
  type Scope,
  scope,
  sleep,
  spawn,
  timeout,
} from 'drupe'
import { VirtualDriver, virtual } from 'drupe/testing'
import { give } from '../../kit.js'

/** A kernel in debug mode, its clock, and what it has printed. */
function debugKernel(): { kernel: Kernel; driver: VirtualDriver; lines: string[]; done: () => void } {
  const { warn } = console
  const lines: string[] = []
  console.warn = (line: string) => void lines.push(line)
  const driver = new VirtualDriver()
  const kernel = new Kernel({ driver, debug: true, grace: 100 })
  const done = (): void => {
    console.warn = warn
  }
  return { kernel, driver, lines, done }
}

function* main(jobs: Queue<void>): Operation<void> {
  yield* spawn(function* helper() {
    yield* jobs.get()
  })
  yield* timeout(1000, function* () {
    yield* nursery(function* (n) {
      yield* n.spawn(() => sleep(50), { name: 'napper', daemon: true })
      yield* sleep(40)
    })
  })
}

test('dump shows the tree of tasks with states, waits and deadlines', (t) => {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  kernel.spawn(() => main(new Queue(1, { name: 'jobs' })), { name: 'main' })
  kernel.runSync(sleep(10))
  t.is(
    kernel.dump(),
    [
      'Kernel (virtual): 3 tasks, 0 ready, 3 timers, 0 operations, 0 suspended',
      '  task 1 (main): waiting, sleep 40 ms, timeout ends in 990 ms',
      '    task 3 (helper): waiting, get from the queue jobs',
      '    task 4 (napper): waiting, sleep 50 ms, daemon',
    ].join('\n'),
  )
  const task = kernel.tasks()[0]
  kernel.cancel(task as NonNullable<typeof task>)
  t.regex(kernel.dump(), /task 1 \(main\): ready, .*the task is cancelled/)
  kernel.closeSync()
})

test.serial('in debug mode dump shows the line at which each task waits', (t) => {
  const { kernel, done } = debugKernel()
  kernel.spawn(() => main(new Queue(1, { name: 'jobs' })), { name: 'main' })
  kernel.runSync(sleep(10))
  const lines = kernel.dump().split('\n')
  t.regex(lines[2] ?? '', /^ {6}at .*diagnostics\.test/)
  t.regex(lines[4] ?? '', /^ {8}at helper .*diagnostics\.test/)
  kernel.closeSync()
  done()
})

test('console.log of a task, a scope, a nursery, a kernel is one line', (t) => {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  const things: { scope?: Scope; nursery?: Nursery } = {}
  const task = kernel.spawn(function* worker() {
    yield* scope({ name: 'mine' }, function* (scope) {
      yield* nursery(function* (nursery) {
        Object.assign(things, { scope, nursery })
        yield* nursery.spawn(sleep(5))
        yield* sleep(10)
      })
    })
  })
  kernel.runSync(sleep(1))
  t.is(inspect(task), 'Task 1 (worker): waiting, sleep 10 ms')
  t.is(inspect(things.scope), 'Scope (mine): open')
  t.is(inspect(things.nursery), 'Nursery (the nursery): 1 children, open')
  t.regex(inspect(kernel), /^Kernel \(virtual\): 2 tasks, .*$/)
  kernel.closeSync()
  t.is(inspect(task), 'Task 1 (worker): cancelled')
  t.is(inspect(things.scope), 'Scope (mine): closed')
})

test('debug mode: what a combinator was given and did not begin is not forgotten', (t) => {
  const result = virtual({ debug: true }, function* () {
    yield* race([give('cached'), sleep(10)])
    yield* moveOn(0, sleep(10))
    const lock = new Lock()
    yield* lock.acquire()
    yield* spawn(function* () {
      try {
        yield* timeout(1, lock.acquire())
      } catch {
        // As expected.
      }
    })
    yield* sleep(5)
    yield* lock.release()
    return 'fine'
  })
  t.is(result, 'fine')
})

test.serial('debug mode: a step that holds the thread for 50 ms is told, with the line at which it ended', (t) => {
  const { kernel, driver, lines, done } = debugKernel()
  kernel.runSync(function* () {
    yield* spawn(function* busy() {
      driver.advance(49)
      yield* sleep(1)
      driver.advance(60)
      yield* sleep(2)
    })
  })
  kernel.closeSync()
  done()
  t.is(lines.length, 1)
  t.regex(
    lines[0] ?? '',
    /^drupe: task 2 \(busy\) held the thread for 60 ms before this: waiting, sleep 2 ms\n.*busy.*diagnostics/,
  )
})

test.serial('debug mode: a cleanup that the end of its grace cuts short is told, once', (t) => {
  const { kernel, lines, done } = debugKernel()
  const task = kernel.spawn(function* slow() {
    try {
      yield* sleep(1000)
    } finally {
      try {
        yield* sleep(500)
      } finally {
        yield* sleep(500)
      }
    }
  })
  kernel.runSync(function* () {
    yield* sleep(1)
    yield* task.cancel()
  })
  kernel.closeSync()
  done()
  t.is(lines.length, 1)
  t.regex(
    lines[0] ?? '',
    /^drupe: task 1 \(slow\) is cut short in its cleanup: the grace of 100 ms of the task is over\n.*slow.*diagnostics/,
  )
})

test.serial('DRUPE_DEBUG=1 puts kernels into debug mode that do not say otherwise', (t) => {
  const forgetful = function* (): Operation<void> {
    yield* sleep(1)
    sleep(5)
  }
  const forgets = (options: { debug?: boolean } = {}): boolean => {
    try {
      virtual(options, forgetful)
      return false
    } catch (error) {
      return (error as Cancelled).code === 'DRUPE_FORGOTTEN_YIELD'
    }
  }
  const before = process.env['DRUPE_DEBUG']
  t.teardown(() => {
    if (before === undefined) delete process.env['DRUPE_DEBUG']
    else process.env['DRUPE_DEBUG'] = before
  })
  for (const [value, on] of [
    ['1', true],
    ['0', false],
    ['', false],
  ] as const) {
    process.env['DRUPE_DEBUG'] = value
    t.is(forgets(), on, value)
  }
  process.env['DRUPE_DEBUG'] = '1'
  t.false(forgets({ debug: false }))
})
