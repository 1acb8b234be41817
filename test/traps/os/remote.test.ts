/**
 * What a call elsewhere has in common with one here, in threads and in processes: whose grace a cancel has, what becomes of a
 * result that comes after it, and that a value which does not arrive is the trouble of its own call.
 */
import test from 'ava'
import {
  BrokenError,
  moveOn,
  type Operation,
  processPool,
  run,
  type Scope,
  scope,
  sleep,
  spawn,
  threadPool,
  use,
  type WorkerPool,
} from 'drupe'
import { thrownBy } from '../../kit.js'
import { PATIENCE_MS } from '../../patience.js'
import { compiled } from './work.js'

const module = new URL('./work.js', import.meta.url)
const POOLS = { threads: threadPool, processes: processPool }

/** Calls once there, in a scope within a scope, and does what is asked for as soon as it has begun. */
function* calledOff(
  pool: WorkerPool,
  [name, ...args]: readonly [string, ...unknown[]],
  [outerGrace, innerGrace]: readonly [number, number],
  cancels: (outer: Scope, inner: Scope) => Operation<unknown> = (outer) => outer.cancel(),
): Operation<unknown> {
  return yield* scope({ grace: outerGrace }, (outer) =>
    scope({ grace: innerGrace }, function* (inner) {
      yield* spawn(function* () {
        yield* pool.run('untilBegun')
        yield* cancels(outer, inner)
      })
      return yield* pool.run(name, ...args)
    }),
  )
}

for (const [what, poolOf] of Object.entries(POOLS)) {
  const withPool = (body: (pool: WorkerPool) => Operation<void>): Promise<void> =>
    run(() => use(poolOf({ module, size: 1, concurrency: 3 }), body))

  test(`${what}: a cleanup there has the grace of the scope that is cancelled`, async (t) => {
    await withPool(function* (pool) {
      t.is(yield* calledOff(pool, ['cleansUp', PATIENCE_MS], [20, Number.POSITIVE_INFINITY]), 'cut')
      t.is(yield* calledOff(pool, ['cleansUp', 100], [PATIENCE_MS, 1]), 'whole')
      t.is(yield* calledOff(pool, ['cleansUp', PATIENCE_MS], [0, PATIENCE_MS]), 'cut')
      t.is(pool.statistics().lost, 0)
    })
  })

  test(`${what}: a second cancel has its own grace`, async (t) => {
    await withPool(function* (pool) {
      const both = function* (outer: Scope, inner: Scope): Operation<void> {
        yield* inner.cancel()
        yield* sleep(1)
        yield* outer.cancel()
      }
      t.is(yield* calledOff(pool, ['cleansUp', PATIENCE_MS], [20, Number.POSITIVE_INFINITY], both), 'cut')
    })
  })

  test(`${what}: a result that comes after the cancel is the result`, async (t) => {
    await withPool(function* (pool) {
      t.is(yield* calledOff(pool, ['cleansUp', 0], [PATIENCE_MS, PATIENCE_MS]), 'whole')
      t.is(yield* moveOn(20, pool.run('forever'), 'late'), 'late')
    })
  })

  test(`${what}: one that dies while it cleans up is a BrokenError`, async (t) => {
    await withPool(function* (pool) {
      const error = yield* thrownBy(calledOff(pool, ['diesInCleanup'], [PATIENCE_MS, PATIENCE_MS]))
      t.true(error instanceof BrokenError, String(error))
      t.regex(String(error), /has ended by itself, with exit code 5$/)
    })
  })

  test(`${what}: one that is ended because a cancelled call in it does not hear says so to the others`, async (t) => {
    await withPool(function* (pool) {
      yield* pool.run('sum')
      const neighbour = yield* spawn(() => thrownBy(pool.run('forever')))
      yield* sleep(20)
      yield* scope({ grace: 0 }, function* (own) {
        yield* spawn(function* () {
          yield* pool.run('untilBegun')
          yield* own.cancel()
        })
        yield* pool.run('spinsInCleanup')
      })
      const error = yield* neighbour.join()
      t.true(error instanceof BrokenError, String(error))
      t.regex(String(error), /was ended because it did not hear a cancel$/)
    })
  })

  test(`${what}: a value that cannot be looked at is the trouble of its own call`, async (t) => {
    await withPool(function* (pool) {
      const neighbour = yield* spawn(() => moveOn(PATIENCE_MS, pool.run('cleansUp', 0)))
      yield* pool.run('untilBegun')
      for (const name of ['fails', 'failsLater', 'failsAsync', 'returns', 'returnsLater']) {
        const error = yield* thrownBy(pool.run(name, 'proxy'))
        t.true(error instanceof Error && !(error instanceof BrokenError), `${name}: ${error}`)
        t.regex(String(error), /looked at|cannot be (copied|cloned)/, name)
      }
      const { started, lost } = pool.statistics()
      t.deepEqual([neighbour.state, started, lost], ['waiting', 1, 0])
      yield* neighbour.cancel()
    })
  })

  test(`${what}: what can be iterated and is no operation is a result`, async (t) => {
    await withPool(function* (pool) {
      for (const name of ['returns', 'returnsLater']) {
        t.is(String(yield* pool.run(name, 'text')), 'abc')
        t.deepEqual(yield* pool.run(name, 'entries'), new Map([['a', 1]]))
      }
      t.is(yield* pool.run('ownOperation'), 'own')
    })
  })

  test(`${what}: an error arrives with its class, its code and its stack, whatever else is in it`, async (t) => {
    await withPool(function* (pool) {
      const error = (yield* thrownBy(pool.run('failsWithMuch'))) as NodeJS.ErrnoException & { size: number }
      t.true(error instanceof RangeError, String(error))
      t.deepEqual([error.name, error.message, error.code, error.size], ['MuchError', 'much', 'E_MUCH', 3])
      t.regex(error.stack ?? '', /failsWithMuch/)
      t.false('call' in error)
      if (what === 'threads') t.true('blob' in error)
      t.is('compiled' in error, what === 'threads')
    })
  })
}

test('what a process writes and cannot read is an error of that call', async (t) => {
  await run(() =>
    use(processPool({ module, size: 1, concurrency: 3 }), function* (pool) {
      const neighbour = yield* spawn(() => moveOn(PATIENCE_MS, pool.run('cleansUp', 0)))
      yield* pool.run('untilBegun')
      const given = yield* thrownBy(pool.run('same', compiled()))
      t.true(given instanceof TypeError)
      t.regex(String(given), /^TypeError: Cannot run same: its arguments, or a context that .*, cannot be copied: /)
      const returned = yield* thrownBy(pool.run('compiled'))
      t.true(returned instanceof TypeError)
      t.regex(String(returned), /^TypeError: Cannot run compiled: its result cannot be copied: /)
      t.is(yield* pool.run('sum', 1, 2), 3)
      const { started, lost } = pool.statistics()
      t.deepEqual([neighbour.state, started, lost], ['waiting', 1, 0])
      yield* neighbour.cancel()
    }),
  )
})
