/**
 * In debug mode an error that leaves a kernel names the page of its code.
 */
import test from 'ava'
import { Cancelled, DeadlockError, Event, Kernel, run, runSync, sleep, spawn, TimeoutError, timeout } from 'drupe'
import { VirtualDriver } from 'drupe/testing'
import { fail, thrown } from '../../kit.js'

const PAGE = /\n {4}see node_modules\/drupe\/docs\/errors\/(\w+)\.md/g

/** The pages that an error names. */
const pagesOf = (error: unknown): readonly (string | undefined)[] =>
  [...String((error as Error).stack).matchAll(PAGE)].map(([, code]) => code)

/** Why a promise rejects. */
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

const late = () => timeout(1, () => sleep(60_000))

test('run: the error of its operation has the page, once', async (t) => {
  const error = await rejection(run(late, { debug: true }))
  t.true(error instanceof TimeoutError)
  t.deepEqual(pagesOf(error), ['DRUPE_TIMEOUT'])
  t.true((error as Error).stack?.trimEnd().endsWith('DRUPE_TIMEOUT.md'), 'below everything else')
})

test('runSync: a deadlock has it', (t) => {
  const error = thrown(() => runSync(() => new Event().wait(), { debug: true, driver: new VirtualDriver() }))
  t.true(error instanceof DeadlockError)
  t.deepEqual(pagesOf(error), ['DRUPE_DEADLOCK'])
})

test('an error that leaves two kernels names its page once', async (t) => {
  const inner = () => run(late, { debug: true })
  const error = await rejection(inner().catch((error) => run(() => fail(error), { debug: true })))
  t.deepEqual(pagesOf(error), ['DRUPE_TIMEOUT'])
})

test('outside of debug mode none is named', async (t) => {
  t.deepEqual(pagesOf(await rejection(run(late, { debug: false }))), [])
})

test('what is not ours has no page: a code of the system, an error of the program, anything thrown', async (t) => {
  const frozen = Object.freeze(new TimeoutError('wait', 1))
  for (const value of [new Error('of the program'), 'a string', null, frozen]) {
    const error = await rejection(run(() => fail(value), { debug: true }))
    t.is(error, value)
    if (value instanceof Error) t.deepEqual(pagesOf(error), [])
  }
})

test('an error that a task handles stays as it was', async (t) => {
  const kernel = new Kernel({ debug: true, driver: new VirtualDriver() })
  const seen = kernel.runSync(function* () {
    const task = yield* spawn(function* () {
      try {
        yield* sleep(60_000)
      } catch (error) {
        t.true(error instanceof Cancelled)
        t.deepEqual(pagesOf(error), [])
        throw error
      }
    })
    try {
      yield* late()
    } catch (error) {
      yield* task.cancel()
      return error
    }
    return null
  })
  kernel.closeSync()
  t.true(seen instanceof TimeoutError)
  t.deepEqual(pagesOf(seen), [])
})
