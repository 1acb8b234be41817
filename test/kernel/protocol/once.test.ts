/**
 * A generator object runs once: given as an operation a second time it is refused, instead of ending at once with undefined.
 */
import test from 'ava'
import {
  all,
  allSettled,
  any,
  call,
  context,
  first,
  Kernel,
  Lock,
  moveOn,
  nursery,
  type Op,
  type Operation,
  race,
  run,
  runSync,
  shield,
  sleep,
  spawn,
  timeout,
  withSignal,
} from 'drupe'
import { VirtualDriver, virtual } from 'drupe/testing'
import { thrown, thrownBy } from '../../kit.js'

function* seven(): Operation<number> {
  yield* sleep(1)
  return 7
}

const REFUSED = /^Cannot run a generator object again: .*pass a function/

/** Whatever takes an operation and runs it at once. */
const TAKERS: Readonly<Record<string, (op: Op<number>) => Operation<unknown>>> = {
  all: (op) => all([op]),
  race: (op) => race([op]),
  any: (op) => any([op]),
  first: (op) => first([op]),
  *spawn(op) {
    return yield* (yield* spawn(op)).join()
  },
  *'nursery spawn'(op) {
    return yield* nursery(function* (n) {
      return yield* (yield* n.spawn(op)).join()
    })
  },
  timeout: (op) => timeout(100, op),
  moveOn: (op) => moveOn(100, op),
  shield: (op) => shield(op),
  withSignal: (op) => withSignal(new AbortController().signal, op),
  'lock.with': (op) => new Lock().with(op),
  'context.with': (op) => context('x', 1).with(2, op),
}

for (const [name, take] of Object.entries(TAKERS)) {
  test(`${name} refuses a generator object that has run before`, (t) => {
    virtual({}, function* () {
      const operation = seven()
      yield* spawn(operation)
      yield* sleep(5)
      const thrown = yield* thrownBy(take(operation))
      const error: unknown = thrown instanceof AggregateError ? thrown.errors[0] : thrown
      t.true(error instanceof TypeError)
      t.regex((error as Error).message, REFUSED)
    })
  })
}

test('one generator object in two places of a list is refused', (t) => {
  virtual({}, function* () {
    const operation = seven()
    t.regex(((yield* thrownBy(all([operation, operation]))) as Error).message, REFUSED)
    const again = seven()
    t.regex(((yield* thrownBy(allSettled([again, again]))) as Error).message, REFUSED)
  })
})

test('a retry with a generator object fails for what it is, and one with a function retries', (t) => {
  let calls = 0
  function* flaky(): Operation<string> {
    yield* sleep(1)
    if (++calls < 3) throw new Error('not yet')
    return 'at last'
  }
  function* retry(op: Op<string>): Operation<string> {
    for (let i = 0; ; i++) {
      try {
        return yield* timeout(100, op)
      } catch (error) {
        if (i === 5) throw error
      }
    }
  }
  t.is(
    virtual({}, () => retry(flaky)),
    'at last',
  )
  calls = 0
  t.regex((thrown(() => virtual({}, () => retry(flaky()))) as Error).message, REFUSED)
})

test('the host is refused, too', async (t) => {
  const operation = seven()
  t.is(await run(operation), 7)
  await t.throwsAsync(run(operation), { message: REFUSED })
  t.regex((thrown(() => runSync(operation, { driver: new VirtualDriver() })) as Error).message, REFUSED)
  const kernel = new Kernel({ driver: new VirtualDriver() })
  t.regex((thrown(() => kernel.spawn(operation)) as Error).message, REFUSED)
  t.is(kernel.statistics.tasks, 0)
  await kernel.close()
})

test('in debug mode so is a call, and an operation of ours that is run twice', (t) => {
  virtual({ debug: true }, function* () {
    const operation = seven()
    yield* call(operation)
    t.regex(((yield* thrownBy(call(operation))) as Error).message, REFUSED)
    const limited = timeout(100, seven)
    yield* limited
    t.regex(((yield* thrownBy(limited)) as Error).message, REFUSED)
  })
})

test('traps, and things with an iterator of their own, run as often as one likes', (t) => {
  virtual({}, function* () {
    const nap = sleep(1)
    const twice: Operation<number> = { [Symbol.iterator]: () => seven()[Symbol.iterator]() }
    for (let i = 0; i < 2; i++) {
      yield* timeout(100, nap)
      t.is(yield* timeout(100, twice), 7)
    }
    yield* all([nap, nap])
  })
})
