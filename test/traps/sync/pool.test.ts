/**
 * Pool: which members are lent again, for how long they live, and permits that no cancel loses.
 */
import test from 'ava'
import {
  all,
  Cancelled,
  ClosedError,
  clock,
  moveOn,
  nursery,
  type Operation,
  type Pool,
  type PoolOptions,
  pool,
  resource,
  scope,
  sleep,
  spawn,
  TimeoutError,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

/** A pool of numbers that says what becomes of them; opening and closing one takes the milliseconds given. */
function* numbers(options: PoolOptions<number>, log: string[], opening = 0, closing = 0): Operation<Pool<number>> {
  let made = 0
  return yield* pool(
    () =>
      resource<number>(function* (provide) {
        yield* sleep(opening)
        const id = ++made
        log.push(`open ${id}`)
        try {
          yield* provide(id)
        } finally {
          yield* sleep(closing)
          log.push(`close ${id}`)
        }
      }),
    options,
  )
}

const id = function* (member: number): Operation<number> {
  return member
}

test('check decides before a member is lent again: false, another thing or an error closes it', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const log: string[] = []
      const answers: unknown[] = [true, false, 'yes', new Error('no answer'), true]
      const check = function* (member: number): Operation<boolean> {
        const answer = answers.splice(0, 1)[0]
        log.push(`check ${member}`)
        yield* sleep(1)
        if (answer instanceof Error) throw answer
        return answer as boolean
      }
      const things = yield* numbers({ size: 1, check }, log)
      const used: number[] = []
      for (let i = 0; i < 6; i++) used.push(yield* things.use(id))
      t.deepEqual(used, [1, 1, 2, 3, 4, 4])
      t.is(log.filter((line) => line.startsWith('check')).length, 5)
      t.deepEqual(things.statistics(), { open: 1, idle: 1, waiting: 0, opened: 4, failed: 0 })
    }),
  )
})

test('with a check a member is kept after its user failed; without one it is closed', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const log: string[] = []
      for (const check of [undefined, () => id(1) as unknown as Operation<boolean>, truthful]) {
        const things = yield* numbers({ size: 1, check }, log)
        const boom = new Error('boom')
        t.is(
          yield* thrownBy(
            things.use(function* () {
              throw boom
            }),
          ),
          boom,
        )
        yield* things.use(id)
        t.is(things.statistics().opened, check === truthful ? 1 : 2)
      }
    }),
  )
})

const truthful = function* (): Operation<boolean> {
  return true
}

test('a check that is cancelled closes its member and gives the permit back', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const log: string[] = []
      const check = function* (): Operation<boolean> {
        yield* sleep(10)
        return true
      }
      const things = yield* numbers({ size: 1, check }, log)
      yield* things.use(id)
      t.is(yield* moveOn(5, things.use(id), 'cancelled'), 'cancelled')
      t.true((yield* thrownBy(things.use(id, { timeout: 0 }))) instanceof TimeoutError)
      t.is(yield* things.use(id), 2)
      t.true((yield* thrownBy(things.use(id, { timeout: 5 }))) instanceof TimeoutError)
      t.is(yield* things.use(id), 3)
      t.deepEqual(things.statistics(), { open: 1, idle: 1, waiting: 0, opened: 3, failed: 0 })
    }),
  )
})

test('a Cancelled of another scope that a check or an opening throws is an error like any other', (t) => {
  virtual({}, () =>
    nursery(function* () {
      let old: unknown
      yield* scope(function* (s) {
        yield* s.cancel()
        old = yield* thrownBy(sleep(1))
        throw old
      })
      t.true(old instanceof Cancelled)
      const log: string[] = []
      const check = function* (): Operation<boolean> {
        throw old
      }
      const things = yield* numbers({ size: 1, check }, log)
      t.is(yield* things.use(id), 1)
      t.is(yield* things.use(id), 2)
      let fails = true
      const others = yield* pool(
        function* () {
          if (fails) throw old
          return { close: () => {} }
        },
        { size: 1 },
      )
      t.is(yield* thrownBy(others.use(() => sleep(0))), old)
      fails = false
      yield* others.use(() => sleep(0))
      t.is(others.statistics().open, 1)
    }),
  )
})

test('a member that is older than maxAge is not lent again: in use it lives on, unused it is closed then', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const log: string[] = []
      const things = yield* numbers({ size: 1, maxAge: 50 }, log)
      yield* things.use(() => sleep(60))
      t.deepEqual(log, ['open 1', 'close 1'])
      yield* things.use(() => sleep(20))
      yield* sleep(29)
      t.deepEqual(log.slice(2), ['open 2'])
      yield* sleep(2)
      t.deepEqual(log.slice(2), ['open 2', 'close 2'])
      // Age is counted from the opening, whatever the use since.
      for (let i = 0; i < 6; i++) yield* things.use(() => sleep(10))
      t.deepEqual(log.slice(4), ['open 3', 'close 3', 'open 4'])
    }),
  )
})

test('unused members are closed after the idle timeout, those used last are lent first', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const log: string[] = []
      const things = yield* numbers({ size: 3, idleTimeout: 50 }, log)
      yield* all([1, 2, 3].map((n) => () => things.use(() => sleep(n))))
      t.is(things.statistics().idle, 3)
      for (let i = 0; i < 4; i++) {
        t.is(yield* things.use(id), 3)
        yield* sleep(40)
      }
      t.deepEqual(log.slice(3), ['close 1', 'close 2'])
      t.deepEqual(things.statistics(), { open: 1, idle: 1, waiting: 0, opened: 3, failed: 0 })
      // In the very moment in which its time is over, it is lent or it is closed, and not both.
      yield* sleep(10)
      const member = yield* things.use(id)
      t.true(member === 3 ? !log.includes('close 3') : log.includes('close 3'))
      const other = yield* numbers({ idleTimeout: 0 }, log)
      yield* other.use(id)
      yield* sleep(1)
      t.is(other.statistics().open, 0)
    }),
  )
})

test('a wait with a deadline is cancelled in the pass of the release: the next one gets the member', (t) => {
  for (let seed = 0; seed < 20; seed++) {
    virtual({ seed }, () =>
      nursery(function* () {
        const log: string[] = []
        const things = yield* numbers({ size: 1 }, log)
        yield* spawn(() => things.use(() => sleep(10)))
        yield* sleep(1)
        const waiting = yield* spawn(() => thrownBy(things.use(id, { timeout: 9 })))
        const cancelled = yield* spawn(() => things.use(id))
        const last = yield* spawn(() => things.use(id))
        yield* spawn(function* () {
          yield* sleep(9)
          yield* cancelled.cancel()
        })
        t.is(yield* last.join(), 1)
        const answer = yield* waiting.join()
        t.true(answer instanceof TimeoutError || answer instanceof Error, `${seed}`)
        t.is(yield* clock(), 10)
        t.deepEqual(things.statistics(), { open: 1, idle: 1, waiting: 0, opened: 1, failed: 0 })
      }),
    )
  }
})

test('an opening that is cancelled, at any moment, leaves neither a member without a user nor a permit less', (t) => {
  for (let ms = 8; ms <= 12; ms += 0.5) {
    for (let seed = 0; seed < 5; seed++) {
      virtual({ seed }, () =>
        nursery(function* () {
          const log: string[] = []
          const things = yield* numbers({ size: 1 }, log, 10, 2)
          yield* moveOn(
            ms,
            things.use(() => sleep(1)),
          )
          yield* sleep(5)
          const { open, idle } = things.statistics()
          t.is(open, idle, `${ms} ${seed}`)
          t.is(log.filter((line) => line.startsWith('open')).length - open, log.filter((l) => l.startsWith('c')).length)
          yield* things.use(id, { timeout: 20 })
        }),
      )
    }
  }
})

test('an opening that fails is the error of the one that asked, and the next one tries again', (t) => {
  virtual({}, () =>
    nursery(function* () {
      let tries = 0
      const things = yield* pool(
        () =>
          resource<number>(function* (provide) {
            yield* sleep(1)
            if (++tries < 3) throw new Error(`${tries}`)
            yield* provide(tries)
          }),
        { size: 1 },
      )
      const answers = yield* all([1, 2, 3].map(() => () => moveOn(100, errorOr(things.use(id)))))
      t.deepEqual(answers, ['1', '2', 3])
      t.deepEqual(things.statistics(), { open: 1, idle: 1, waiting: 0, opened: 1, failed: 0 })
    }),
  )
})

function* errorOr(op: Operation<unknown>): Operation<unknown> {
  try {
    return yield* op
  } catch (error) {
    return (error as Error).message
  }
}

test('a member that fails by itself is counted and replaced, and what it failed with hurts nobody', (t) => {
  virtual({}, () =>
    nursery(function* () {
      let made = 0
      const things = yield* pool(
        () =>
          resource<number>(function* (provide) {
            const member = ++made
            try {
              yield* provide(member)
            } finally {
              if (member === 1) yield* thrownBy(sleep(0))
            }
            if (member === 1) throw new Error('not closed')
          }),
        { size: 1, idleTimeout: 10 },
      )
      t.is(yield* things.use(id), 1)
      yield* sleep(20)
      t.is(yield* things.use(id), 2)
      t.is(things.statistics().open, 1)
    }),
  )
})

test('a pool whose nursery was cancelled closes a member after its user gave it back, and is closed itself', (t) => {
  virtual({}, function* () {
    const log: string[] = []
    const user = yield* spawn(function* () {
      yield* sleep(1)
      yield* things.use(function* () {
        yield* sleep(20)
        log.push('used')
      })
    })
    let things = yield* numbers({}, log)
    yield* nursery(function* (n) {
      things = yield* numbers({ size: 1 }, log)
      yield* sleep(5)
      yield* n.cancel()
      yield* thrownBy(sleep(1))
    })
    t.deepEqual(log, ['open 1', 'used', 'close 1'])
    yield* user.join()
    t.true((yield* thrownBy(things.use(id))) instanceof ClosedError)
    t.true((yield* thrownBy(things.use(id, { timeout: 5 }))) instanceof ClosedError)
  })
})

test('a member that is being closed is lent to nobody, whatever closes it', (t) => {
  virtual({}, () =>
    nursery(function* () {
      const log: string[] = []
      let made = 0
      const members = yield* pool(
        () =>
          resource<number>(function* (provide) {
            const number = ++made
            // Its heartbeat fails while it is lent.
            if (number === 1) {
              yield* spawn(function* () {
                yield* sleep(5)
                throw new Error('no heartbeat')
              })
            }
            try {
              yield* provide(number)
            } finally {
              log.push(`closed ${number}`)
            }
          }),
        { size: 1 },
      )
      const first = yield* spawn(members.use(() => sleep(10)))
      yield* sleep(1)
      yield* members.use(function* (number) {
        log.push(`lent ${number}`)
        yield* sleep(10)
        log.push(`given back ${number}`)
      })
      yield* first.join()
      t.deepEqual(log, ['closed 1', 'lent 2', 'given back 2'])
    }),
  )
})
