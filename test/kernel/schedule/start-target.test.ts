/**
 * What is being started for a nursery is cancelled with it, wherever the starter is; the shields of
 * either are respected.
 */
import test from 'ava'
import {
  Cancelled,
  ClosedError,
  clock,
  ensure,
  moveOn,
  type Nursery,
  nursery,
  type Operation,
  resource,
  scope,
  shield,
  signal,
  sleep,
  spawn,
  started,
  type Task,
} from 'drupe'
import { type Choices, explore, virtual } from 'drupe/testing'
import { fail, thrownBy } from '../../kit.js'

const FOREVER = Number.POSITIVE_INFINITY

/** What an operation throws, or undefined. */
function* errorOf(op: () => Operation<unknown>): Operation<unknown> {
  try {
    yield* op()
  } catch (error) {
    return error
  }
  return undefined
}

/**
 * Runs a nursery beside a task of which it knows nothing: the starter, who gets it. Whom the
 * starter's error came to.
 */
function* beside(
  body: (n: Nursery) => Operation<unknown>,
  starter: (n: Nursery) => Operation<unknown>,
  failures: unknown[] = [],
): Operation<unknown> {
  return yield* nursery(function* (outer) {
    let error: unknown
    try {
      yield* nursery(function* (n) {
        yield* outer.spawn(function* () {
          error = yield* errorOf(() => starter(n))
        })
        yield* sleep(1)
        yield* body(n)
      })
    } catch (failure) {
      failures.push(failure)
    }
    yield* sleep(0)
    return error
  })
}

test('a start into a nursery that fails is over: what is being started is cancelled, and its starter hears why', (t) => {
  virtual({}, function* () {
    const boom = new Error('boom')
    const failures: unknown[] = []
    let delivered: unknown
    const error = yield* beside(
      () => fail(boom),
      (n) =>
        n.start(function* () {
          delivered = yield* thrownBy(sleep(FOREVER))
          throw delivered
        }),
      failures,
    )
    t.is(yield* clock(), 1)
    t.deepEqual(failures, [boom])
    t.true(delivered instanceof Cancelled)
    t.true(error instanceof ClosedError)
    t.is((error as Error).message, 'Cannot start the task: the nursery was cancelled')
    t.is((error as Error).cause, boom)
  })
})

test('the same for one that is started after the nursery was cancelled, and for one that hears of an outer cancel', (t) => {
  virtual({}, function* () {
    const late = yield* beside(
      function* (n) {
        yield* n.cancel('enough')
        // Somebody in it takes a moment to leave: there is still time to start something in it.
        yield* shield(() => sleep(10))
      },
      function* (n) {
        yield* sleep(5)
        yield* n.start(() => sleep(FOREVER))
      },
    )
    t.true(late instanceof ClosedError)
    t.is(yield* clock(), 11)
    yield* nursery(function* (outer) {
      let inner: Nursery | undefined
      const limited = yield* spawn(() =>
        moveOn(10, () =>
          nursery(function* (n) {
            inner = n
            yield* sleep(FOREVER)
          }),
        ),
      )
      yield* sleep(1)
      const error = yield* thrownBy(() => (inner as Nursery).start(() => sleep(FOREVER)))
      t.true(error instanceof ClosedError)
      yield* limited.join()
      t.is(yield* clock(), 21)
      t.false(outer.cancelled)
    })
  })
})

test('what is being started cleans up within the grace of the nursery that it is for', (t) => {
  const end = (grace: number): number =>
    virtual({}, function* () {
      yield* nursery(function* (outer) {
        yield* nursery(
          function* (n) {
            yield* outer.spawn(() =>
              thrownBy(
                n.start(function* () {
                  try {
                    yield* sleep(FOREVER)
                  } finally {
                    yield* sleep(20)
                  }
                }),
              ),
            )
            yield* sleep(1)
            yield* n.cancel()
          },
          { grace },
        )
      })
      return yield* clock()
    })
  t.is(end(100), 21)
  t.is(end(7), 8)
  t.is(end(0), 1)
})

test('a shield in what is being started is respected: it is ready, and hears of the cancel as a child', (t) => {
  virtual({}, function* () {
    let delivered: unknown
    const error = yield* beside(
      (n) => n.cancel(),
      (n) =>
        n.start(function* () {
          yield* shield(function* () {
            yield* sleep(10)
            yield* started('ready')
          })
          delivered = yield* thrownBy(sleep(FOREVER))
          throw delivered
        }),
    )
    t.is(error, undefined)
    t.is(yield* clock(), 10)
    t.true(delivered instanceof Cancelled)
  })
})

test('a starter inside the nursery hears of the cancel itself, and its shield protects what it starts: resources, too', (t) => {
  virtual({}, function* () {
    const log: string[] = []
    yield* nursery(function* (n) {
      yield* n.spawn(function* () {
        yield* shield(function* () {
          yield* n.start(function* () {
            yield* sleep(10)
            log.push('set up')
            yield* started()
          })
          const held = yield* resource<string>(function* (provide) {
            try {
              yield* sleep(10)
              yield* provide('held')
            } finally {
              yield* sleep(1)
              log.push('torn down')
            }
          })
          yield* ensure(() => {
            log.push(held)
          })
        })
      })
      yield* sleep(1)
      yield* n.cancel()
    })
    t.deepEqual(log, ['set up', 'held', 'torn down'])
    t.is(yield* clock(), 21)
  })
})

test('children of a task that is ready although they were told to leave are no failure', (t) => {
  virtual({}, function* () {
    for (const whose of ['starter', 'nursery'] as const) {
      const children: Task[] = []
      yield* nursery(function* (outer) {
        yield* outer.spawn(() =>
          scope({}, (s) =>
            errorOf(() =>
              outer.start(function* () {
                children.push(yield* spawn(sleep(FOREVER)))
                yield* sleep(1)
                yield* whose === 'starter' ? s.cancel() : outer.cancel()
                yield* started()
                yield* sleep(0)
              }),
            ),
          ),
        )
      })
      t.is(children[0]?.state, 'cancelled')
    }
  })
})

test('a shield that comes down where nothing is cancelled aborts no signal', (t) => {
  virtual({}, () =>
    scope({}, function* (outer) {
      yield* scope({ shield: true }, function* (s) {
        const aborted = yield* signal()
        yield* s.setShield(false)
        t.false(aborted.aborted)
        yield* s.setShield(true)
        yield* outer.cancel('at last')
        t.false(aborted.aborted)
        yield* s.setShield(false)
        t.deepEqual([aborted.aborted, aborted.reason], [true, 'at last'])
      })
    }),
  )
})

/**
 * Some starters for some nurseries, from inside, from beside and from a shield; cancels of either
 * in any order.
 */
function starts(choices: Choices): void {
  const { seed } = choices
  const grace = choices.pick([0, 3, 5000])
  const shields = choices.chance(0.3)
  const end = virtual({ seed, grace }, function* () {
    const targets: Nursery[] = []
    yield* nursery(function* (outer) {
      function* service(ms: number, tearDown: number): Operation<void> {
        try {
          if (shields) yield* shield(() => sleep(ms))
          else yield* sleep(ms)
          yield* started()
          yield* sleep(FOREVER)
        } finally {
          yield* sleep(tearDown)
        }
      }
      function* starter(): Operation<void> {
        const [ms, tearDown] = [choices.pick([0, 1, 5, 5, FOREVER]), choices.integer(0, 2)]
        yield* sleep(choices.integer(1, 6))
        const error = yield* errorOf(() =>
          moveOn(choices.integer(0, 50), () =>
            choices.pick(targets).start(() => service(shields && ms === FOREVER ? 7 : ms, tearDown)),
          ),
        )
        if (error !== undefined && !(error instanceof ClosedError)) throw error
      }
      for (let i = choices.integer(1, 3); i > 0; i--) {
        yield* outer.spawn(() =>
          nursery(function* (n) {
            targets.push(n)
            for (let k = choices.integer(0, 2); k > 0; k--) yield* n.spawn(starter)
            yield* moveOn(choices.integer(3, 12), sleep(FOREVER))
            yield* n.cancel('by chance')
          }),
        )
      }
      for (let i = choices.integer(1, 4); i > 0; i--) {
        const task = yield* outer.spawn(starter)
        if (choices.chance(0.3)) yield* spawn(() => moveOn(choices.integer(1, 9), task.cancel()))
      }
    })
    return yield* clock()
  })
  // Starters begin by 6 and nurseries are cancelled by 12; nothing shielded takes longer than 7, no
  // tear-down more than 2.
  if (end > 12 + 7 + 2 + 2) throw new Error(`over at ${end}`)
}

test('random starts and cancels in any order: every nursery is left in time', (t) => {
  t.deepEqual(explore(starts, { seeds: 1000 }), { seeds: 1000 })
})
