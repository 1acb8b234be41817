/**
 * Leaving through five levels of `yield*` whose cleanup takes time: each runs once and whole, and no body goes on.
 *
 * The same for plain operations, nurseries and resources; with a second cancel during the cleanup, a sibling that fails
 * then, and a `catch` at every level.
 */
import test from 'ava'
import {
  type Cancelled,
  clock,
  moveOn,
  nursery,
  type Operation,
  resource,
  scope,
  sleep,
  spawn,
  suppressed,
  type Task,
  TimeoutError,
  timeout,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

const DEPTH = 5
const CLEANED = ['clean 5', 'clean 4', 'clean 3', 'clean 2', 'clean 1']

type Level = (n: number, log: string[]) => Operation<void>

function* plain(n: number, log: string[]): Operation<void> {
  try {
    yield* n === DEPTH ? sleep(1_000_000) : plain(n + 1, log)
    log.push(`resumed ${n}`)
  } finally {
    yield* sleep(10)
    log.push(`clean ${n}`)
  }
  log.push(`after ${n}`)
}

function* nurseries(n: number, log: string[]): Operation<void> {
  try {
    yield* nursery(function* (own) {
      yield* own.spawn(() => (n === DEPTH ? sleep(1_000_000) : nurseries(n + 1, log)))
      yield* sleep(1_000_000)
      log.push(`resumed ${n}`)
    })
  } finally {
    // Cleanup may start tasks, too.
    yield* nursery(function* (own) {
      yield* own.spawn(sleep(10))
    })
    log.push(`clean ${n}`)
  }
}

function* resources(n: number, log: string[]): Operation<void> {
  yield* nursery(function* () {
    yield* resource<void>(function* (provide) {
      try {
        yield* provide()
        log.push(`resumed ${n}`)
      } finally {
        yield* sleep(10)
        log.push(`clean ${n}`)
      }
    })
    yield* n === DEPTH ? sleep(1_000_000) : resources(n + 1, log)
    log.push(`resumed ${n}`)
  })
}

const KINDS: Readonly<Record<string, Level>> = { plain, nurseries, resources }

for (const [kind, level] of Object.entries(KINDS)) {
  test(`${kind}: a cancel of the task; every cleanup runs once, innermost first`, (t) => {
    const log: string[] = []
    const [state, end] = virtual({}, function* () {
      const task = yield* spawn(() => level(1, log))
      yield* sleep(5)
      yield* task.cancel('enough')
      return [task.state, yield* clock()]
    })
    t.deepEqual(log, CLEANED)
    t.deepEqual([state, end], ['cancelled', 55])
  })

  test(`${kind}: a deadline around it`, (t) => {
    const log: string[] = []
    const error = virtual({}, () => thrownBy(timeout(5, level(1, log))))
    t.true(error instanceof TimeoutError)
    t.deepEqual(log, CLEANED)
  })

  test(`${kind}: a second cancel of the same task during the cleanup`, (t) => {
    const log: string[] = []
    virtual({}, function* () {
      const task = yield* spawn(() => level(1, log))
      yield* sleep(5)
      yield* task.cancel('first', { wait: false })
      for (let i = 0; i < 4; i++) {
        yield* sleep(7)
        t.true(yield* task.cancel('again', { wait: false }))
      }
      yield* task.wait()
      t.is((task.error as Cancelled).reason, 'first')
    })
    t.deepEqual(log, CLEANED)
  })

  test(`${kind}: a cancel of a scope further out during the cleanup`, (t) => {
    const log: string[] = []
    const end = virtual({}, function* () {
      yield* moveOn(20, () =>
        nursery(function* (n) {
          const task = yield* n.spawn(() => level(1, log))
          yield* sleep(5)
          yield* task.cancel()
        }),
      )
      return yield* clock()
    })
    t.deepEqual(log, CLEANED)
    t.is(end, 55)
  })

  test(`${kind}: a cancel of the task during the cleanup after one further out`, (t) => {
    const log: string[] = []
    virtual({}, function* () {
      const box: { task?: Task } = {}
      yield* spawn(function* () {
        yield* sleep(20)
        yield* (box.task as Task).cancel()
      })
      yield* moveOn(5, () =>
        nursery(function* (n) {
          box.task = yield* n.spawn(() => level(1, log))
        }),
      )
    })
    t.deepEqual(log, CLEANED)
  })

  test(`${kind}: a sibling that fails during the cleanup; its error leaves`, (t) => {
    const log: string[] = []
    const boom = new Error('boom')
    const [error, end] = virtual({}, function* () {
      const error = yield* thrownBy(
        timeout(5, () =>
          nursery(function* (n) {
            yield* n.spawn(() => level(1, log))
            yield* n.spawn(() => failLate(20, boom))
          }),
        ),
      )
      return [error, yield* clock()]
    })
    t.is(error, boom)
    t.is(end, 55)
    t.deepEqual(log, CLEANED)
  })

  test(`${kind}: a sibling that fails while only the task itself was cancelled`, (t) => {
    const log: string[] = []
    const boom = new Error('boom')
    const error = virtual({}, () =>
      thrownBy(() =>
        nursery(function* (n) {
          const task = yield* n.spawn(() => level(1, log))
          yield* n.spawn(function* () {
            yield* sleep(20)
            throw boom
          })
          yield* sleep(5)
          yield* task.cancel()
        }),
      ),
    )
    t.is(error, boom)
    t.deepEqual(log, CLEANED)
  })

  test(`${kind}: with any seed`, (t) => {
    for (let seed = 0; seed < 20; seed++) {
      const log: string[] = []
      virtual({ seed }, () => moveOn(5, () => moveOn(3, level(1, log))))
      t.deepEqual(log, CLEANED, `seed ${seed}`)
    }
  })
}

/** Waits until it is cancelled, cleans up for a while, and fails in that. */
function* failLate(ms: number, error: unknown): Operation<void> {
  try {
    yield* sleep(1_000_000)
  } finally {
    yield* sleep(ms)
    yield* (function* (): Operation<void> {
      throw error
    })()
  }
}

test('whenever the cancel comes, what was opened is closed, once and in reverse order', (t) => {
  const slow = (n: number, open: number[], log: string[]): Operation<void> =>
    resource<void>(function* (provide) {
      yield* sleep(2)
      open.push(n)
      try {
        yield* sleep(1)
        yield* provide()
      } finally {
        yield* sleep(3)
        log.push(open.pop() === n ? 'right' : 'wrong')
      }
    })
  for (let ms = 0; ms <= 30; ms += 0.5) {
    const open: number[] = []
    const log: string[] = []
    virtual({ seed: ms * 2 }, function* () {
      yield* moveOn(ms, () =>
        nursery(function* () {
          for (let n = 1; n <= DEPTH; n++) yield* slow(n, open, log)
          yield* sleep(5)
        }),
      )
      t.deepEqual(open, [], `${ms} ms`)
      t.false(log.includes('wrong'), `${ms} ms`)
    })
  }
})

test('an error in a cleanup replaces the cancel; the cleanups around it run all the same', (t) => {
  const log: string[] = []
  const error = virtual({}, () =>
    thrownBy(
      timeout(5, function* () {
        try {
          yield* failLate(10, new Error('in cleanup'))
        } finally {
          yield* sleep(10)
          log.push('outer')
        }
      }),
    ),
  )
  t.is((error as Error).message, 'in cleanup')
  t.deepEqual(suppressed(error), [])
  t.deepEqual(log, ['outer'])
})

test('the cancel of an outer scope is heard when the cleanup of an inner one is done', (t) => {
  const log: unknown[] = []
  virtual({}, () =>
    moveOn(20, function* () {
      yield* scope({}, function* (inner) {
        yield* inner.cancel('inner')
        try {
          yield* sleep(1_000_000)
        } finally {
          yield* sleep(50)
          log.push(`inner cleaned at ${yield* clock()}`)
        }
      })
      log.push('between')
      try {
        yield* sleep(1_000_000)
      } finally {
        log.push(`outer heard at ${yield* clock()}`)
      }
    }),
  )
  t.deepEqual(log, ['inner cleaned at 50', 'between', 'outer heard at 50'])
})

/** Swallows everything at each level, and always finds something else to wait for. */
function* stubborn(n: number, log: string[]): Operation<void> {
  for (let i = 0; i < 1000; i++) {
    try {
      yield* n === DEPTH ? sleep(1_000_000) : stubborn(n + 1, log)
    } catch {}
    try {
      yield* sleep(1000)
    } catch {}
  }
  log.push(`end of ${n}`)
}

test('with a catch that swallows everything at every level, it is gone within the grace', (t) => {
  const log: string[] = []
  const [state, end] = virtual({ grace: 500 }, function* () {
    const box: { task?: Task } = {}
    yield* thrownBy(() =>
      nursery(function* (n) {
        box.task = yield* n.spawn(() => stubborn(1, log))
        yield* sleep(5)
        yield* n.cancel()
      }),
    )
    return [(box.task as Task).ended, yield* clock()]
  })
  t.deepEqual([state, end], [true, 505])
  t.deepEqual(log, [])
})
