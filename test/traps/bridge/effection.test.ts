/**
 * Effection inside Drupe and Drupe inside Effection: results, errors, halts, and context through both.
 */
import test from 'ava'
import {
  type Cancelled,
  context,
  current,
  Kernel,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  scope,
  shield,
  sleep,
  spawn,
  type Task,
  TaskCancelledError,
} from 'drupe'
import { fromEffection, toEffection } from 'drupe/effection'
import { assertNoLeaks } from 'drupe/testing'
import * as effection from 'effection'
import { fail, thrownBy } from '../../kit.js'

/** Runs in guest mode, with a look for leaks at the end. */
async function onKernel<T>(op: () => Operation<T>, grace = 5000): Promise<T> {
  const kernel = new Kernel({ grace })
  try {
    const result = await kernel.run(op)
    assertNoLeaks(kernel)
    return result
  } finally {
    await kernel.close()
  }
}

function* constant<T>(value: T): effection.Operation<T> {
  return value
}

/** A kernel for Effection programs. */
/** A task says that it runs, and the host waits for that. */
function signalOfBegin(): { readonly begun: () => void; readonly beginning: Promise<void> } {
  let begun = (): void => {}
  const beginning = new Promise<void>((resolve) => {
    begun = resolve
  })
  return { begun, beginning }
}

async function withKernel(body: (kernel: Kernel) => Promise<void>): Promise<void> {
  const kernel = new Kernel()
  await body(kernel)
  assertNoLeaks(kernel)
  await kernel.close()
}

test('fromEffection: result and error of an operation, or of a function that returns one', async (t) => {
  const boom = new Error('boom')
  await onKernel(function* () {
    t.is(
      yield* fromEffection(function* () {
        yield* effection.sleep(1)
        return 42
      }),
      42,
    )
    t.is(yield* fromEffection(constant('at once')), 'at once')
    const error = yield* thrownBy(
      fromEffection(function* () {
        yield* effection.sleep(1)
        throw boom
      }),
    )
    t.is(error, boom)
    t.is(
      yield* thrownBy(
        fromEffection(function* () {
          throw 'a string'
        }),
      ),
      'a string',
    )
  })
})

test('fromEffection: a cancel halts, and waits for the asynchronous cleanup', async (t) => {
  const log: string[] = []
  const result = await onKernel(() =>
    moveOn(
      5,
      function* () {
        try {
          yield* fromEffection(function* () {
            try {
              yield* effection.suspend()
              log.push('resumed')
            } finally {
              yield* effection.sleep(5)
              log.push('effection is out')
            }
          })
          log.push('resumed')
        } finally {
          log.push('drupe is out')
        }
      },
      'moved on',
    ),
  )
  t.is(result, 'moved on')
  t.deepEqual(log, ['effection is out', 'drupe is out'])
})

test('fromEffection: more cancels during the halt change nothing', async (t) => {
  const log: string[] = []
  await onKernel(() =>
    nursery(function* (n) {
      const task = yield* n.spawn(() =>
        fromEffection(function* () {
          try {
            yield* effection.suspend()
          } finally {
            yield* effection.sleep(20)
            log.push('out')
          }
        }),
      )
      yield* sleep(5)
      yield* task.cancel('first', { wait: false })
      yield* sleep(1)
      yield* task.cancel('second', { wait: false })
      yield* sleep(1)
      yield* n.cancel('third')
      yield* shield(task.wait())
      log.push(task.state, String((task.error as Cancelled).reason))
    }),
  )
  t.deepEqual(log, ['out', 'cancelled', 'first'])
})

test('fromEffection: a halt that takes longer than the grace is not waited for', async (t) => {
  let out = false
  const result = await onKernel(
    () =>
      moveOn(
        2,
        () =>
          fromEffection(function* () {
            try {
              yield* effection.suspend()
            } finally {
              yield* effection.sleep(1000)
              out = true
            }
          }),
        'left',
      ),
    10,
  )
  t.is(result, 'left')
  t.false(out)
})

test('fromEffection: an error of the cleanup is thrown', async (t) => {
  const error = await onKernel(() =>
    thrownBy(
      moveOn(2, () =>
        fromEffection(function* () {
          try {
            yield* effection.suspend()
          } finally {
            yield* effection.sleep(1)
            yield* toEffection(fail(new Error('in cleanup')))
          }
        }),
      ),
    ),
  )
  t.is((error as Error).message, 'in cleanup')
})

test('fromEffection: a sibling that fails halts it', async (t) => {
  const log: string[] = []
  const boom = new Error('boom')
  const error = await onKernel(() =>
    thrownBy(() =>
      nursery(function* (n) {
        yield* n.spawn(() =>
          fromEffection(function* () {
            yield* effection.ensure(() => void log.push('halted'))
            yield* effection.suspend()
          }),
        )
        yield* sleep(5)
        throw boom
      }),
    ),
  )
  t.is(error, boom)
  t.deepEqual(log, ['halted'])
})

test('toEffection: result and error of an operation, on a kernel', async (t) => {
  const boom = new Error('boom')
  await withKernel(async (kernel) => {
    await effection.run(function* () {
      t.is(
        yield* toEffection(function* () {
          yield* sleep(1)
          return 42
        }, kernel),
        42,
      )
      try {
        yield* toEffection(fail(boom), kernel)
        t.fail()
      } catch (error) {
        t.is(error, boom)
      }
    })
  })
})

test('toEffection: a halt cancels the task and waits for its cleanup', async (t) => {
  await withKernel(async (kernel) => {
    const log: string[] = []
    const { begun, beginning } = signalOfBegin()
    const task = effection.run(function* () {
      try {
        yield* toEffection(function* () {
          try {
            begun()
            yield* sleep(60_000)
            log.push('resumed')
          } finally {
            yield* sleep(5)
            log.push('drupe is out')
          }
        }, kernel)
        log.push('resumed')
      } finally {
        log.push('effection is out')
      }
    })
    await beginning
    await task.halt()
    t.deepEqual(log, ['drupe is out', 'effection is out'])
  })
})

test('toEffection: halted before its task has begun, it does not begin', async (t) => {
  await withKernel(async (kernel) => {
    let begun = false
    const operation = toEffection(function* () {
      begun = true
      return 'drupe'
    }, kernel)
    const winner = await effection.run(() => effection.race([operation, constant('effection')]))
    t.is(winner, 'effection')
    t.false(begun)
  })
})

test('toEffection: an error of the cleanup is thrown by the halt', async (t) => {
  await withKernel(async (kernel) => {
    const { begun, beginning } = signalOfBegin()
    const task = effection.run(() =>
      toEffection(function* () {
        try {
          begun()
          yield* sleep(60_000)
        } finally {
          yield* fail(new Error('in cleanup'))
        }
      }, kernel),
    )
    await beginning
    await t.throwsAsync(async () => task.halt(), { message: 'in cleanup' })
  })
})

test('toEffection: a task that somebody else cancels is an error', async (t) => {
  await withKernel(async (kernel) => {
    await effection.run(function* () {
      try {
        yield* toEffection(function* () {
          yield* (yield* current()).cancel('', { wait: false })
          yield* sleep(1)
        }, kernel)
        t.fail()
      } catch (error) {
        t.true(error instanceof TaskCancelledError)
      }
    })
  })
  await onKernel(() =>
    fromEffection(function* () {
      const error = yield* caughtBy(
        toEffection(function* () {
          yield* (yield* current()).cancel('', { wait: false })
          yield* sleep(1)
        }),
      )
      t.true(error instanceof TaskCancelledError)
    }),
  )
})

function* caughtBy(op: effection.Operation<unknown>): effection.Operation<unknown> {
  try {
    yield* op
  } catch (error) {
    return error
  }
  return undefined
}

test('toEffection: without a kernel, inside fromEffection, it is a child of the task there', async (t) => {
  const [mine, parent] = await onKernel(function* () {
    const mine: Task = yield* current()
    const parent = yield* fromEffection(() =>
      toEffection(function* () {
        return (yield* current()).parent
      }),
    )
    return [mine, parent]
  })
  t.is(parent, mine)
})

test('toEffection: without a kernel elsewhere says what to do', async (t) => {
  const error = await effection.run(() => caughtBy(toEffection(sleep(1))))
  t.true(error instanceof KernelStateError)
  t.regex((error as Error).message, /toEffection\(op, kernel\)/)
})

test('on a closed kernel it is an error', async (t) => {
  const kernel = new Kernel()
  await kernel.close()
  const error = await effection.run(() => caughtBy(toEffection(sleep(1), kernel)))
  t.true(error instanceof KernelStateError)
})

const colour = context('colour', 'none')
const shape = effection.createContext<string>('shape', 'none')

test('context of Drupe reaches through Effection', async (t) => {
  const seen = await onKernel(() =>
    colour.with('red', () =>
      fromEffection(() =>
        effection.all([toEffection(colour.get()), toEffection(colour.with('blue', () => colour.get()))]),
      ),
    ),
  )
  t.deepEqual(seen, ['red', 'blue'])
})

test('context of Effection reaches through Drupe, on a kernel and inside fromEffection', async (t) => {
  await withKernel(async (kernel) => {
    const seen = await effection.run(() =>
      shape.with('round', () => toEffection(() => fromEffection(() => shape.expect()), kernel)),
    )
    t.is(seen, 'round')
  })
  const seen = await onKernel(() =>
    fromEffection(() => shape.with('square', () => toEffection(() => fromEffection(() => shape.expect())))),
  )
  t.is(seen, 'square')
})

test('an error inside both can be caught in between, and raises nothing around it', async (t) => {
  await withKernel(async (kernel) => {
    const result = await effection.run(() =>
      toEffection(function* () {
        const error = yield* thrownBy(
          fromEffection(function* () {
            yield* effection.spawn(function* () {
              yield* effection.sleep(1)
              throw new Error('of a child')
            })
            yield* effection.suspend()
          }),
        )
        yield* sleep(2)
        return `caught: ${(error as Error).message}`
      }, kernel),
    )
    t.is(result, 'caught: of a child')
  })
})

/** What the levels leave behind them, and whether the innermost is reached. */
interface Trail {
  readonly log: string[]
  reached: boolean
}

function* levels(n: number, trail: Trail): Operation<void> {
  try {
    if (n === 5) {
      trail.reached = true
      yield* sleep(60_000)
    } else {
      yield* fromEffection(() => between(n, trail))
    }
    trail.log.push(`resumed ${n}`)
  } finally {
    yield* sleep(1)
    trail.log.push(`clean ${n}`)
  }
}

function* between(n: number, trail: Trail): effection.Operation<void> {
  try {
    yield* toEffection(levels(n + 1, trail))
    trail.log.push(`resumed between ${n} and ${n + 1}`)
  } finally {
    yield* effection.sleep(1)
    yield* toEffection(sleep(1))
    trail.log.push(`clean between ${n} and ${n + 1}`)
  }
}

function* untilReached(trail: Trail): Operation<void> {
  while (!trail.reached) yield* sleep(1)
}

const CLEANED = [
  'clean 5',
  'clean between 4 and 5',
  'clean 4',
  'clean between 3 and 4',
  'clean 3',
  'clean between 2 and 3',
  'clean 2',
  'clean between 1 and 2',
  'clean 1',
]

test('leaving through five levels of Drupe and four of Effection: every cleanup runs once, innermost first', async (t) => {
  const trail: Trail = { log: [], reached: false }
  await onKernel(() =>
    scope({}, function* (s) {
      yield* spawn(function* () {
        yield* untilReached(trail)
        yield* s.cancel()
      })
      yield* levels(1, trail)
    }),
  )
  t.deepEqual(trail.log, CLEANED)
})

test('the same with a second cancel during it, and with a sibling that fails', async (t) => {
  const trail: Trail = { log: [], reached: false }
  const boom = new Error('boom')
  const error = await onKernel(() =>
    thrownBy(() =>
      nursery(function* (n) {
        const task = yield* n.spawn(() => levels(1, trail))
        yield* untilReached(trail)
        yield* task.cancel('first', { wait: false })
        yield* sleep(3)
        yield* task.cancel('second', { wait: false })
        throw boom
      }),
    ),
  )
  t.is(error, boom)
  t.deepEqual(trail.log, CLEANED)
})

test('the same, halted by Effection', async (t) => {
  await withKernel(async (kernel) => {
    const trail: Trail = { log: [], reached: false }
    const task = effection.run(() => toEffection(levels(1, trail), kernel))
    await kernel.run(untilReached(trail))
    await task.halt()
    t.deepEqual(trail.log, CLEANED)
  })
})

test('a hundred at a time leave nothing behind', async (t) => {
  const results = await onKernel(function* () {
    const tasks: Task<number>[] = []
    for (let i = 0; i < 100; i++) {
      tasks.push(yield* spawn(() => fromEffection(() => toEffection(() => fromEffection(constant(i))))))
    }
    const results: number[] = []
    for (const task of tasks) results.push(yield* task.join())
    return results
  })
  t.deepEqual(
    results,
    results.map((_, i) => i),
  )
})
