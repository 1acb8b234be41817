/**
 * Grace: a cancel is delivered once per scope; cleanup then waits in peace until the grace is over; then each wait throws.
 *
 * 0 is Trio's rule (level), Infinity curio's (edge), the default is in between. What swallows its `Cancelled` is reported, and
 * what will not go is taken out.
 */
import test from 'ava'
import {
  Cancelled,
  checkpoint,
  clock,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  scope,
  sleep,
  spawn,
  type Task,
} from 'drupe'
import { park, WaitQueue } from 'drupe/lowlevel'
import { virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

/** Sleeps 10 ms again and again, and notes for each whether it was thrown out of it. */
function* stubborn(rounds: number, log: string[]): Operation<void> {
  for (let i = 0; i < rounds; i++) {
    try {
      yield* sleep(10)
      log.push('slept')
    } catch (error) {
      log.push(`${(error as Error).name} at ${yield* clock()}`)
    }
  }
}

test('a cancel is delivered once, then waits work until the grace is over, then every wait throws', (t) => {
  const log = virtual({ grace: 35 }, function* () {
    const log: string[] = []
    yield* moveOn(5, stubborn(8, log))
    return log
  })
  t.deepEqual(log, [
    'Cancelled at 5',
    'slept',
    'slept',
    'slept',
    // The end of the grace interrupts the wait that is under way.
    'Cancelled at 40',
    'Cancelled at 40',
    'Cancelled at 40',
    'Cancelled at 40',
  ])
})

test('grace 0: every wait throws from the start, like Trio', (t) => {
  const log = virtual({ grace: 0 }, function* () {
    const log: string[] = []
    yield* moveOn(5, stubborn(3, log))
    return log
  })
  t.deepEqual(log, ['Cancelled at 5', 'Cancelled at 5', 'Cancelled at 5'])
})

test('grace 0: not even the first checkpoint after the delivery passes', (t) => {
  const log = virtual({ grace: 0 }, function* () {
    const log: string[] = []
    yield* scope({}, function* (s) {
      yield* s.cancel()
      for (let i = 0; i < 3; i++) log.push(((yield* thrownBy(checkpoint())) as Error).name)
    })
    return log
  })
  t.deepEqual(log, ['Cancelled', 'Cancelled', 'Cancelled'])
})

test('grace Infinity: a cancel is delivered once and never again, like curio', (t) => {
  const log = virtual({ grace: Number.POSITIVE_INFINITY }, function* () {
    const log: string[] = []
    yield* moveOn(5, stubborn(1000, log))
    log.push(`out at ${yield* clock()}`)
    return log
  })
  t.is(log[0], 'Cancelled at 5')
  t.is(log.filter((line) => line === 'slept').length, 999)
  t.is(log.at(-1), 'out at 9995')
})

test('the default grace is five seconds', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* moveOn(5, function* () {
      yield* thrownBy(sleep(1000))
      const error = yield* thrownBy(sleep(1_000_000))
      log.push(`${(error as Error).name} at ${yield* clock()}`)
    })
    return log
  })
  t.deepEqual(log, ['Cancelled at 5005'])
})

test('a scope can have a grace of its own', (t) => {
  const log = virtual({ grace: 1000 }, function* () {
    const log: string[] = []
    yield* scope({ grace: 15 }, function* (s) {
      yield* s.cancel()
      yield* stubborn(4, log)
    })
    return log
  })
  t.deepEqual(log, ['Cancelled at 0', 'slept', 'Cancelled at 15', 'Cancelled at 15'])
})

const INSIDE: Readonly<Record<string, (work: () => Operation<void>) => Operation<void>>> = {
  *scope(work) {
    yield* moveOn(5, work)
  },
  *nursery(work) {
    yield* nursery(function* (n) {
      yield* n.spawn(work)
      yield* sleep(5)
      yield* n.cancel()
    })
  },
  *task(work) {
    yield* nursery(function* (n) {
      const task = yield* n.spawn(work)
      yield* sleep(5)
      yield* task.cancel()
    })
  },
  *'scope in a task that a nursery elsewhere spawned'(work) {
    yield* nursery((n) => n.spawn(() => moveOn(5, work)))
  },
}

for (const [what, op] of Object.entries(INSIDE)) {
  test(`the grace of a scope is that of what is inside, too: a ${what}`, (t) => {
    const log = virtual({ grace: 1000 }, function* () {
      const log: string[] = []
      yield* scope({ grace: 15 }, () => op(() => stubborn(4, log)))
      return log
    })
    t.deepEqual(log, ['Cancelled at 5', 'slept', 'Cancelled at 20', 'Cancelled at 20'])
  })
}

test('a second cancel does not cut the cleanup after the first: it is delivered when that scope is left', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* moveOn(30, function* () {
      yield* moveOn(15, stubborn(5, log))
      log.push('left')
      yield* stubborn(2, log)
    })
    return log
  })
  t.deepEqual(log, ['slept', 'Cancelled at 15', 'slept', 'slept', 'slept', 'left', 'Cancelled at 45', 'slept'])
})

test('a task that leaves within its grace leaves no timer of it', (t) => {
  const end = virtual({}, function* () {
    yield* moveOn(10, function* () {
      try {
        yield* sleep(1000)
      } finally {
        yield* sleep(3)
      }
    })
    // With a timer left over, virtual would complain at the end.
    return yield* clock()
  })
  t.is(end, 13)
})

test('each task of a cancelled nursery gets its own `Cancelled`, once', (t) => {
  const deliveries = virtual({}, function* () {
    const deliveries: number[] = []
    yield* moveOn(10, () =>
      nursery(function* (n) {
        for (let i = 0; i < 5; i++) {
          yield* n.spawn(function* () {
            let mine = 0
            for (const ms of [1000, 10, 10]) {
              try {
                yield* sleep(ms)
              } catch {
                mine++
              }
            }
            deliveries.push(mine)
          })
        }
      }),
    )
    return deliveries
  })
  t.deepEqual(deliveries, [1, 1, 1, 1, 1])
})

test('the grace of a cancelled task ends for its children, too', (t) => {
  const log = virtual({ grace: 50 }, function* () {
    const log: string[] = []
    const task = yield* spawn(function* () {
      yield* spawn(function* () {
        yield* thrownBy(sleep(1000))
        const error = yield* thrownBy(sleep(1000))
        log.push(`child: ${(error as Error).name} at ${yield* clock()}`)
        throw error
      })
      yield* thrownBy(sleep(1000))
      const error = yield* thrownBy(park(new WaitQueue()))
      log.push(`parent: ${(error as Error).name} at ${yield* clock()}`)
      throw error
    })
    yield* sleep(1)
    yield* task.cancel()
    log.push(`out at ${yield* clock()}`)
    return log
  })
  t.deepEqual(log.sort(), ['child: Cancelled at 51', 'out at 51', 'parent: Cancelled at 51'])
})

test('helpers of a cleanup that takes too long are cancelled when the grace is over', (t) => {
  const log = virtual({ grace: 20 }, function* () {
    const log: string[] = []
    yield* moveOn(10, function* () {
      try {
        yield* sleep(1000)
      } finally {
        yield* nursery(function* (n) {
          yield* n.spawn(function* () {
            yield* sleep(5)
            log.push('quick helper')
          })
          yield* n.spawn(function* () {
            try {
              yield* sleep(1000)
            } finally {
              log.push(`slow helper at ${yield* clock()}`)
            }
          })
        })
      }
    })
    return log
  })
  t.deepEqual(log, ['quick helper', 'slow helper at 30'])
})

/** Runs a task that will not go, cancels it at 5 ms, and tells what became of it and when. */
function outstay(deaf: () => Operation<unknown>): readonly [unknown, string, number] {
  return virtual({ grace: 50 }, function* () {
    const box: { task?: Task<unknown> } = {}
    const error = yield* thrownBy(() =>
      nursery(function* (n) {
        box.task = yield* n.spawn(deaf)
        yield* sleep(5)
        yield* box.task.cancel('', { wait: false })
      }),
    )
    return [error, (box.task as Task).state, yield* clock()] as const
  })
}

test('a task with a loop that catches everything is taken out when its grace is over', (t) => {
  const [error, state, end] = outstay(function* () {
    for (let round = 0; round < 100_000; round++) {
      try {
        yield* sleep(10)
      } catch {}
    }
    return 'spins'
  })
  t.true(error instanceof KernelStateError)
  t.regex((error as Error).message, /grace is over/)
  t.deepEqual([state, end], ['failed', 55])
})

test('so is one whose loop starts children and catches everything', (t) => {
  const [error, state, end] = outstay(function* () {
    for (let round = 0; round < 100_000; round++) {
      try {
        yield* nursery(function* (n) {
          yield* n.spawn(sleep(10))
        })
      } catch {}
    }
    return 'spins'
  })
  t.true(error instanceof KernelStateError)
  t.deepEqual([state, end], ['failed', 55])
})

test('a loop that catches everything inside a scope of its own task ends that task with an error that says so', (t) => {
  const error = virtual({ grace: 50 }, function* () {
    return yield* thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(function* () {
          let rounds = 0
          yield* moveOn(10, function* () {
            while (++rounds < 100_000) {
              try {
                yield* sleep(10)
              } catch {}
            }
          })
          return 'spins'
        })
      }),
    )
  })
  t.true(error instanceof Error)
  t.false(error instanceof Cancelled, 'the raw Cancelled of a scope that is over means nothing to anybody')
})

test('a cleanup that tries a few more waits after the grace is not cut off', (t) => {
  const log = virtual({ grace: 0 }, function* () {
    const log: number[] = []
    const task = yield* spawn(function* () {
      try {
        yield* sleep(1000)
      } finally {
        for (let i = 0; i < 100; i++) {
          try {
            yield* sleep(1)
          } catch {
            log.push(i)
          }
        }
      }
    })
    yield* checkpoint()
    yield* task.cancel()
    log.push(task.state === 'cancelled' ? 1 : 0)
    return log.length
  })
  t.is(log, 101)
})
