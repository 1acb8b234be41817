/**
 * Instruments: which of their methods are called, in which order, and that a broken one changes
 * nothing.
 *
 * Broken instruments report through an unhandled rejection, which a test process does not survive;
 * that part lives in test/child.
 */

import test from 'ava'
import {
  checkpoint,
  type Instrument,
  type Kernel,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  scope,
  sleep,
  spawn,
  type Task,
  type Trap,
} from 'drupe'
import { park, WaitQueue, wake } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { TRAP_NAMES } from '../../../kernel/protocol/trap.js'
import { covers } from '../../covers.js'
import { give, thrown, thrownBy, withKernel } from '../../kit.js'

/** Notes every event as `what name`, and the trap's name behind a suspend. */
function recorder(log: string[], prefix = ''): Instrument {
  const note = (what: string) => (task: Task) => void log.push(`${prefix}${what} ${task.name}`)
  return {
    spawn: note('spawn'),
    beforeStep: note('before'),
    afterStep: note('after'),
    exit: note('exit'),
    swallowed: note('swallowed'),
    suspend: (task: Task, trap: Trap) => void log.push(`${prefix}suspend ${task.name} in ${TRAP_NAMES[trap.code]}`),
  }
}

function record(op: () => Operation<unknown>): string[] {
  const log: string[] = []
  virtual({ instruments: [recorder(log)] }, op)
  // What closing the kernel does is no part of the program.
  return log
}

test('the life of one task, event by event', (t) => {
  covers(t, 'trio instrumentation: instruments, instrument_before_after_run', 'curio activation: activation_base')
  const log = record(function* main() {
    yield* sleep(1)
    yield* checkpoint()
  })
  t.deepEqual(log, [
    'spawn main',
    'before main',
    'suspend main in sleep',
    'after main',
    'before main',
    'after main',
    'before main',
    'exit main',
    'after main',
  ])
})

test('a parent and its child', (t) => {
  covers(t, 'trio instrumentation: instrument_task_spawn_exit')
  const log = record(function* main() {
    const child = yield* spawn(function* child() {
      yield* sleep(1)
    })
    yield* child.join()
  })
  t.deepEqual(log, [
    'spawn main',
    'before main',
    'spawn child',
    'suspend main in join',
    'after main',
    'before child',
    'suspend child in sleep',
    'after child',
    'before child',
    'exit child',
    'after child',
    'before main',
    'exit main',
    'after main',
  ])
})

test('every step has a before and an after, and nothing runs between them but that task', (t) => {
  covers(t, 'trio instrumentation: instruments_interleave')
  let running: string | null = null
  let steps = 0
  virtual(
    {
      seed: 5,
      instruments: [
        {
          beforeStep(task) {
            t.is(running, null)
            running = task.name
            steps++
          },
          afterStep(task) {
            t.is(running, task.name)
            running = null
          },
          suspend: (task) => t.is(running, task.name),
        },
      ],
    },
    function* main() {
      const queue = new WaitQueue()
      yield* nursery(function* (n) {
        for (const name of 'abc') {
          yield* n.spawn(
            function* () {
              yield* moveOn(3, park(queue))
              yield* checkpoint()
              yield* wake(queue)
            },
            { name },
          )
        }
        yield* sleep(1)
        yield* wake(queue)
      })
    },
  )
  t.is(running, null)
  t.true(steps > 10)
})

test('a cancel is told once to each task that it is delivered to, before the task runs', (t) => {
  const log: string[] = []
  const instrument: Instrument = { ...recorder(log), cancel: (task) => void log.push(`cancel ${task.name}`) }
  virtual({ instruments: [instrument] }, function* main() {
    yield* moveOn(5, () =>
      nursery(function* (n) {
        for (const name of ['slow', 'slower']) {
          yield* n.spawn(
            function* () {
              try {
                yield* sleep(100)
              } finally {
                // Cleanup goes on undisturbed, and is told of nothing more.
                yield* sleep(1)
              }
            },
            { name },
          )
        }
        yield* n.spawn(() => sleep(1), { name: 'quick' })
      }),
    )
  })
  t.deepEqual(
    log.filter((line) => /^cancel/.test(line)),
    // The nursery is left, with its cancel, when the children are out.
    ['cancel slower', 'cancel slow', 'cancel main'],
  )
  t.is(log[log.indexOf('cancel slow') + 1], 'before slower')
})

test('a task that runs meets its cancel at its next wait, and the instrument is told there', (t) => {
  const log: string[] = []
  virtual({ instruments: [{ cancel: (task) => void log.push(`cancel ${task.name}`) }] }, function* main() {
    yield* scope(function* (own) {
      yield* own.cancel('enough')
      log.push('goes on')
      yield* sleep(1)
      log.push('not here')
    })
    log.push('left')
  })
  t.deepEqual(log, ['goes on', 'cancel main', 'left'])
})

test('an exit is told for every way to end, after the children', (t) => {
  covers(t, 'curio activation: activation_crash')
  const states: string[] = []
  virtual({ instruments: [{ exit: (task) => void states.push(`${task.name} ${task.state}`) }] }, function* main() {
    yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(
          function* () {
            yield* sleep(10)
          },
          { name: 'sibling' },
        )
        yield* n.spawn(
          function* () {
            yield* spawn(give(1), { name: 'grandchild' })
            throw new Error('boom')
          },
          { name: 'failing' },
        )
      }),
    )
  })
  t.deepEqual(states, ['grandchild done', 'sibling cancelled', 'failing failed', 'main done'].sort(byEnd(states)))
})

/**
 * Keeps the order in which things were seen; what is asserted is the set, and that main comes last.
 */
function byEnd(seen: readonly string[]): (a: string, b: string) => number {
  return (a, b) => seen.indexOf(a) - seen.indexOf(b)
}

test('the numbers of events add up', (t) => {
  covers(t, 'curio activation: activation_count')
  const count = { spawn: 0, before: 0, after: 0, suspend: 0, exit: 0 }
  virtual(
    {
      instruments: [
        {
          spawn: () => void count.spawn++,
          beforeStep: () => void count.before++,
          afterStep: () => void count.after++,
          suspend: () => void count.suspend++,
          exit: () => void count.exit++,
        },
      ],
    },
    function* () {
      yield* nursery(function* (n) {
        for (let i = 0; i < 10; i++) yield* n.spawn(sleep(i))
      })
    },
  )
  t.is(count.spawn, 11)
  t.is(count.exit, 11)
  t.is(count.before, count.after)
  // Ten sleeps, and the nursery's end.
  t.is(count.suspend, 11)
  t.is(count.before, 22)
})

test('several instruments hear everything, in the order in which they were given', (t) => {
  const log: string[] = []
  virtual({ instruments: [recorder(log, '1 '), recorder(log, '2 ')] }, function* main() {
    yield* sleep(1)
  })
  t.deepEqual(
    log.filter((line) => line.startsWith('1')).map((line) => line.slice(2)),
    log.filter((line) => line.startsWith('2')).map((line) => line.slice(2)),
  )
  t.deepEqual(log.slice(0, 4), ['1 spawn main', '2 spawn main', '1 before main', '2 before main'])
})

test('an instrument without methods is fine', (t) => {
  covers(t, 'trio instrumentation: null_instrument')
  t.is(virtual({ instruments: [{}] }, give('fine')), 'fine')
})

test('a swallowed cancel is told, and one that passed through is not', (t) => {
  const swallowed: string[] = []
  virtual({ instruments: [{ swallowed: (task) => void swallowed.push(task.name) }] }, function* main() {
    const deaf = yield* spawn(function* deaf() {
      yield* thrownBy(sleep(1000))
    })
    const polite = yield* spawn(function* polite() {
      try {
        yield* sleep(1000)
      } finally {
        yield* sleep(1)
      }
    })
    const unaware = yield* spawn(function* unaware() {
      for (let i = 0; i < 3; i++) yield* checkpoint()
    })
    yield* unaware.wait()
    yield* sleep(1)
    for (const task of [deaf, polite, unaware]) yield* task.cancel()
    t.deepEqual([deaf.state, polite.state, unaware.state], ['done', 'cancelled', 'done'])
  })
  t.deepEqual(swallowed, ['deaf'])
})

test('an instrument sees the task in its state', (t) => {
  const seen = new Set<string>()
  const note = (what: string) => (task: Task) => void seen.add(`${what} ${task.state}`)
  virtual(
    {
      instruments: [{ spawn: note('spawn'), beforeStep: note('before'), suspend: note('suspend'), exit: note('exit') }],
    },
    function* () {
      yield* spawn(sleep(1))
      yield* checkpoint()
    },
  )
  t.deepEqual([...seen].sort(), ['before new', 'before ready', 'exit done', 'spawn new', 'suspend waiting'])
})

test('methods are looked up at each event: an instrument can begin and stop to listen', (t) => {
  covers(t, 'trio instrumentation: instruments_monkeypatch')
  const called: string[] = []
  const instrument: { beforeStep?: (task: Task) => void } = {}
  virtual({ instruments: [instrument] }, function* main() {
    yield* checkpoint()
    t.deepEqual(called, [])
    instrument.beforeStep = (task) => void called.push(task.name)
    yield* checkpoint()
    yield* checkpoint()
    t.deepEqual(called, ['main', 'main'])
    delete instrument.beforeStep
    yield* checkpoint()
    t.deepEqual(called, ['main', 'main'])
  })
})

test('instruments are called from inside the kernel, which cannot be run from there', (t) => {
  covers(t, 'trio instrumentation: instrument_call_trio_context')
  const refused = new Set<string>()
  let running: Kernel | undefined
  const tryToRun = (hook: string) => (): void => {
    if (thrown(() => running?.runSync(give(1))) instanceof KernelStateError) refused.add(hook)
  }
  const hooks = ['beforeStep', 'afterStep', 'suspend', 'exit']
  const instrument: Instrument = Object.fromEntries(hooks.map((hook) => [hook, tryToRun(hook)]))
  withKernel({ instruments: [instrument] }, (kernel) => {
    running = kernel
    kernel.runSync(() => nursery((n) => n.spawn(sleep(1))))
  })
  t.deepEqual([...refused].sort(), hooks.sort())
})
