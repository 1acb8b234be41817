/**
 * `call`: what `yield*` does, but in frames of the kernel. The suites that run once more through frames (frames.test.ts) say
 * that nothing is different; here is what is special about it: depth, fairness, calls used again, and wrong use.
 */
import test from 'ava'
import {
  Cancelled,
  call,
  checkpoint,
  clock,
  moveOn,
  nursery,
  type Op,
  type Operation,
  shield,
  sleep,
  spawn,
  timeout,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { fail, give, thrown, thrownBy, withKernel } from '../../kit.js'

/** An operation that TypeScript would not let pass. */
const wild = <T>(op: unknown): Op<T> => op as Op<T>

test('the value of the callee is the value of the call, whatever can be run', (t) => {
  const object = { some: 'object' }
  virtual({}, function* () {
    t.is(yield* call(give(object)), object)
    t.is(yield* call(() => give(object)), object)
    t.is(yield* call(sleep(3)), undefined)
    t.is(yield* call(clock()), 3)
    t.is(yield* call(call(() => call(clock()))), 3)
    t.is(yield* call({ [Symbol.iterator]: () => give(object)[Symbol.iterator]() }), object)
    t.is(yield* call({ [Symbol.iterator]: () => ({ next: () => ({ done: true as const, value: object }) }) }), object)
  })
})

test('an error passes frame by frame, unchanged, and each caller may catch it', (t) => {
  const boom = new Error('boom')
  const log: string[] = []
  function* level(n: number): Operation<string> {
    try {
      if (n === 5) yield* call(fail(boom))
      return yield* call(level(n + 1))
    } catch (error) {
      t.is(error, boom)
      log.push(`catch ${n}`)
      if (n > 2) throw error
      return `caught by ${n}`
    } finally {
      log.push(`finally ${n}`)
    }
  }
  t.is(
    virtual({}, () => level(1)),
    'caught by 2',
  )
  t.deepEqual(log, [
    'catch 5',
    'finally 5',
    'catch 4',
    'finally 4',
    'catch 3',
    'finally 3',
    'catch 2',
    'finally 2',
    'finally 1',
  ])
  t.is(
    thrown(() => virtual({}, () => call(fail(undefined)))),
    undefined,
  )
})

test('the caller of a call that failed goes on, waits and calls again', (t) => {
  virtual({}, function* () {
    for (let i = 1; i <= 3; i++) {
      const error = new Error(String(i))
      t.is(
        yield* thrownBy(
          call(function* () {
            yield* sleep(1)
            throw error
          }),
        ),
        error,
      )
      yield* sleep(1)
      t.is(yield* call(give(i)), i)
    }
    t.is(yield* clock(), 6)
  })
})

function* cleaning(n: number, log: string[]): Operation<void> {
  try {
    if (n === 5) yield* sleep(1_000_000)
    else yield* call(cleaning(n + 1, log))
    log.push(`resumed ${n}`)
  } finally {
    yield* call(sleep(10))
    log.push(`clean ${n}`)
  }
}

test('a cancel passes five frames, each with a cleanup that waits, innermost first', (t) => {
  const log: string[] = []
  virtual({}, function* () {
    const task = yield* spawn(cleaning(1, log))
    yield* sleep(5)
    yield* task.cancel()
    t.is(task.state, 'cancelled')
    t.is(yield* clock(), 55)
  })
  t.deepEqual(log, ['clean 5', 'clean 4', 'clean 3', 'clean 2', 'clean 1'])
})

test('a grace that ends inside a frame cuts its cleanup, and those of its callers', (t) => {
  const log: string[] = []
  virtual({ grace: 25 }, function* () {
    const task = yield* spawn(cleaning(1, log))
    yield* sleep(5)
    yield* task.cancel()
    t.is(task.state, 'cancelled')
    t.is(yield* clock(), 30)
  })
  t.deepEqual(log, ['clean 5', 'clean 4'])
})

test('a task that will not go is dropped with all its frames', (t) => {
  function* stubborn(n: number): Operation<void> {
    for (;;) {
      try {
        yield* n === 0 ? sleep(1) : call(stubborn(n - 1))
      } catch {}
    }
  }
  withKernel({ grace: 0 }, (kernel) => {
    const task = kernel.spawn(stubborn(5))
    const error = kernel.runSync(function* () {
      const joiner = yield* spawn(() => thrownBy(task.join()))
      yield* sleep(5)
      yield* task.cancel()
      return yield* joiner.join()
    })
    t.is((error as { code?: string }).code, 'DRUPE_KERNEL_STATE')
    t.is(task.state, 'failed')
  })
})

test('scopes work on both sides of a call', (t) => {
  virtual({}, function* () {
    t.is(yield* moveOn(5, call(sleep(1000)), 'late'), 'late')
    t.is(yield* call(() => moveOn(5, () => call(sleep(1000)), 'late')), 'late')
    t.is(((yield* thrownBy(call(timeout(5, call(sleep(1000)))))) as Error).name, 'TimeoutError')
    const log: string[] = []
    yield* moveOn(5, function* () {
      yield* call(
        shield(function* () {
          yield* call(sleep(10))
          log.push('whole')
        }),
      )
      yield* sleep(0)
      log.push('too far')
    })
    t.deepEqual(log, ['whole'])
    const boom = new Error('boom')
    const failing = nursery(function* (n) {
      yield* n.spawn(call(fail(boom)))
      t.true((yield* thrownBy(call(sleep(1000)))) instanceof Cancelled)
    })
    t.is(yield* thrownBy(call(failing)), boom)
  })
})

test('a child that a callee spawned belongs to the task, as with yield*', (t) => {
  virtual({}, function* () {
    const parent = yield* spawn(function* () {
      const child = yield* call(function* () {
        return yield* spawn(sleep(10))
      })
      t.is(child.parent, parent)
      t.is(child.state, 'new')
      t.is(yield* call(child.join()), undefined)
    })
    yield* parent.join()
  })
})

test('a call that is kept can be run again, by several tasks at once, and inside itself', (t) => {
  virtual({}, function* () {
    let running = 0
    let most = 0
    const kept = call(function* () {
      most = Math.max(most, ++running)
      yield* sleep(10)
      running--
      return yield* clock()
    })
    t.is(yield* kept, 10)
    t.is(yield* kept, 20)
    const tasks = [yield* spawn(kept), yield* spawn(kept), yield* spawn(call(kept))]
    for (const task of tasks) t.is(yield* task.join(), 30)
    t.is(most, 3)
    let depth = 0
    const inside: Operation<number> = call(function* () {
      const own = ++depth
      const inner: number = own < 4 ? yield* inside : 0
      yield* checkpoint()
      return inner * 10 + own
    })
    t.is(yield* inside, 4321)
  })
})

function* count(n: number): Operation<number> {
  return n === 0 ? 0 : (yield* call(count(n - 1))) + 1
}

test('a million calls deep is no stack overflow', (t) => {
  t.is(
    virtual({}, () => count(1_000_000)),
    1_000_000,
  )
})

test('an error passes a hundred thousand frames', (t) => {
  const boom = new Error('boom')
  function* fall(n: number): Operation<void> {
    yield* n === 0 ? fail(boom) : call(fall(n - 1))
  }
  t.is(
    thrown(() => virtual({}, () => fall(100_000))),
    boom,
  )
})

test('calls that never wait take turns with other tasks, on the way down and up, with values and errors', (t) => {
  function* fall(n: number): Operation<void> {
    yield* n === 0 ? fail(new Error('bottom')) : call(fall(n - 1))
  }
  for (const body of [() => count(100_000), () => thrownBy(call(fall(100_000)))]) {
    virtual({}, function* () {
      const task = yield* spawn(body)
      let turns = 0
      while (!task.ended) {
        yield* checkpoint()
        turns++
      }
      // 256 steps down or up are one turn.
      t.true(turns > 700 && turns < 900, `${turns} turns`)
    })
  }
})

test('what cannot be run is refused where it is called, with advice, and the caller goes on', (t) => {
  function* needy(n: number): Operation<number> {
    return n
  }
  virtual({}, function* () {
    const cases: [unknown, RegExp][] = [
      [123, /^Cannot call: op must be .*, not 123$/],
      [undefined, /^Cannot call: op must be .*, not undefined/],
      [null, /^Cannot call: op must be .*, not null/],
      [[1], /not an object \(Array\); several/],
      [Promise.resolve(), /not a promise; a promise is awaited with "yield\* until\(promise\)"/],
      [() => 5, /^Cannot run 5/],
      [() => needy, /^Cannot run the function needy: call it/],
    ]
    for (const [op, expected] of cases) {
      const error = (yield* thrownBy(() => call(wild(op)))) as Error
      t.true(error instanceof TypeError)
      t.regex(error.message, expected)
    }
    t.is(yield* call(wild<number>(needy)), undefined as never, 'called without its argument, as spawn would')
  })
})

test('what goes wrong while the callee is made or looked at is thrown at the call', (t) => {
  const boom = new Error('boom')
  const bad: Op<unknown>[] = [
    () => {
      throw boom
    },
    {
      [Symbol.iterator]: () => {
        throw boom
      },
    },
    {
      [Symbol.iterator]: () => ({
        next() {
          throw boom
        },
      }),
    },
  ]
  virtual({}, function* () {
    for (const op of bad) t.is(yield* thrownBy(call(op)), boom)
    yield* sleep(1)
  })
})

test('a value that a callee yields badly is an error in the callee', (t) => {
  virtual({}, function* () {
    const message = yield* call(function* () {
      try {
        yield call(give(1)) as never
      } catch (error) {
        return (error as Error).message
      }
      return 'answered'
    })
    t.regex(message, /^Cannot answer an object \(Call\), yielded by task \d+ \(.*\): .*"yield\*/)
    const uncaught = yield* thrownBy(
      call(function* () {
        yield 5 as never
      }),
    )
    t.regex((uncaught as Error).message, /^Cannot answer 5/)
  })
})

test('debug mode takes an operation that is called for started, and finds a call without yield*', (t) => {
  virtual({ debug: true }, function* () {
    yield* call(sleep(1))
    yield* call(timeout(5, sleep(1)))
  })
  const error = thrown(() =>
    virtual({ debug: true }, function* () {
      call(give(1))
      yield* sleep(1)
    }),
  ) as { code?: string; message: string }
  t.is(error.code, 'DRUPE_FORGOTTEN_YIELD')
  t.regex(error.message, /call/)
})

test('calls are no waits: instruments see the steps and waits that yield* would make', (t) => {
  const seen = (via: <T>(op: Operation<T>) => Operation<T>): string[] => {
    const log: string[] = []
    const note = (what: string) => () => void log.push(what)
    const instrument = { beforeStep: note('step'), suspend: note('wait'), exit: note('exit') }
    virtual({ instruments: [instrument] }, function* () {
      for (let i = 0; i < 3; i++) {
        yield* via(
          (function* () {
            yield* via(sleep(1))
            yield* via(clock())
          })(),
        )
      }
    })
    return log
  }
  t.deepEqual(
    seen(call),
    seen((op) => op),
  )
})
