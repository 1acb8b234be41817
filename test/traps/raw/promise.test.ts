/**
 * `until`: promises inside tasks. The host's loop goes on beside virtual time, so the clock says what a wait took.
 */

import { runInNewContext } from 'node:vm'
import test from 'ava'
import {
  all,
  current,
  each,
  Kernel,
  moveOn,
  type Operation,
  race,
  run,
  scope,
  sleep,
  spawn,
  TaskCancelledError,
  until,
  using,
} from 'drupe'
import { assertNoLeaks, VirtualDriver } from 'drupe/testing'
import { covers } from '../../covers.js'
import { thrownBy } from '../../kit.js'

async function asGuest<T>(op: () => Operation<T>): Promise<T> {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  const result = await kernel.run(op)
  assertNoLeaks(kernel)
  await kernel.close()
  return result
}

test('promises are waited for, one after the other, whether they are settled or not', async (t) => {
  covers(t, 'effection run: can compose multiple promises via generator')
  const results = await asGuest(function* () {
    const later = new Promise<string>((resolve) => setImmediate(resolve, 'later'))
    return [yield* until(Promise.resolve(12)), yield* until(later), yield* until(later)]
  })
  t.deepEqual(results, [12, 'later', 'later'])
})

test('anything with a then will do', async (t) => {
  const thenable: PromiseLike<number> = {
    then: (resolve) => Promise.resolve(55).then(resolve),
  }
  t.is(await asGuest(() => until(thenable)), 55)
})

test('a rejection is thrown, the same object, and can be caught', async (t) => {
  covers(t, 'effection run: can recover from errors in promise')
  const boom = new Error('boom')
  const log = await asGuest(function* () {
    return [yield* thrownBy(until(Promise.reject(boom))), yield* until(Promise.resolve('went on'))]
  })
  t.deepEqual(log, [boom, 'went on'])
})

test('a rejection that nobody catches ends the run with it', async (t) => {
  covers(t, 'effection run: propagates errors from promises')
  const boom = new Error('boom')
  const kernel = new Kernel({ driver: new VirtualDriver() })
  t.is(await t.throwsAsync(kernel.run(until(Promise.reject(boom)))), boom)
  await kernel.close()
})

test('a function that throws instead of returning a promise throws in the task', async (t) => {
  const boom = new Error('boom')
  const error = await asGuest(() =>
    thrownBy(() =>
      until(() => {
        throw boom
      }),
    ),
  )
  t.is(error, boom)
})

test('cancelled, the wait ends and the function’s signal is aborted; what the promise then says is nobody’s concern', async (t) => {
  const log: string[] = []
  const result = await asGuest(() =>
    moveOn(
      10,
      until(
        (signal) =>
          new Promise<string>((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              log.push('aborted')
              reject(signal.reason)
            })
          }),
      ),
      'moved on',
    ),
  )
  t.is(result, 'moved on')
  t.deepEqual(log, ['aborted'])
})

/** Those that the process was told of while `body` ran, and until its promises had settled. */
async function unhandledIn(body: () => Promise<unknown>): Promise<unknown[]> {
  const unhandled: unknown[] = []
  const tell = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', tell)
  await body()
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', tell)
  return unhandled
}

async function rejects(after = 0): Promise<never> {
  for (let i = 0; i < after; i++) await null
  throw new Error('no')
}

/** A class of its own, like those of some libraries: its `then` is not the built-in one. */
class Own<T> extends Promise<T> {
  override then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return super.then(done, failed)
  }
}

const GIVEN: Readonly<Record<string, () => PromiseLike<unknown>>> = {
  'a promise': () => rejects(),
  'one that is rejected later': () => rejects(20),
  'one of another class': () => new Own((_, reject) => reject(new Error('no'))),
  'one of another realm': () => runInNewContext('Promise.reject(new Error("no"))'),
}

for (const [what, make] of Object.entries(GIVEN)) {
  test.serial(`a rejection is seen from when until has the promise: ${what}`, async (t) => {
    const unhandled = await unhandledIn(async () => {
      await t.throwsAsync(run(() => until(make())))
      // A cancel comes first.
      await run(function* () {
        yield* moveOn(0, until(make()))
        yield* scope({}, function* (inner) {
          yield* inner.cancel()
          yield* until(make())
        })
      })
      // The task never begins; or another one fails before it does.
      await t.throwsAsync(run(() => all([until(make()), until(make()), until(make())])))
      await run(() => race([sleep(0), until(make())])).catch(() => {})
      await t.throwsAsync(
        run(function* () {
          yield* spawn(until(make()))
          throw new Error('before')
        }),
      )
      // Nobody ever waits.
      until(make())
    })
    t.deepEqual(unhandled, [])
  })
}

test.serial('a rejection is seen by whatever takes a promise: each, using, a function given to until', async (t) => {
  const broken: AsyncIterable<never> = {
    [Symbol.asyncIterator]: () => ({ next: () => rejects(), return: () => rejects() }),
  }
  const unhandled = await unhandledIn(async () => {
    const cancelled = (op: () => Operation<unknown>): Promise<unknown> =>
      run(() =>
        scope({}, function* (inner) {
          yield* inner.cancel()
          yield* op()
        }),
      ).catch(() => {})
    for (const op of [
      () => each(broken, function* () {}),
      () => using({ [Symbol.asyncDispose]: () => rejects() }),
      () => until(() => rejects()),
    ]) {
      await run(op).catch(() => {})
      await cancelled(op)
    }
  })
  t.deepEqual(unhandled, [])
})

test('what begins only when its then is called begins when a task waits, each time anew', async (t) => {
  let begun = 0
  const lazy: PromiseLike<number> = {
    then: (done) => Promise.resolve(++begun).then(done),
  }
  const results = await asGuest(function* () {
    const wait = until(lazy)
    const before = begun
    return [before, yield* wait, yield* until(lazy)]
  })
  t.deepEqual(results, [0, 1, 2])
})

test('a wait that is cancelled by the function that it calls is called off at once', async (t) => {
  const log: unknown[] = []
  const kernel = new Kernel({ driver: new VirtualDriver(), grace: Number.POSITIVE_INFINITY })
  const running = kernel.run(function* () {
    const me = yield* current()
    yield* until((signal) => {
      signal.addEventListener('abort', () => log.push('aborted'))
      kernel.cancel(me, 'by its own function')
      return new Promise(() => {})
    })
  })
  await t.throwsAsync(running, { instanceOf: TaskCancelledError })
  t.deepEqual(log, ['aborted'])
  await kernel.close()
})

test('what host code wakes goes on before the next round of the host’s loop, and leaves the host its rounds', async (t) => {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  let rounds = 0
  let counting = true
  const count = (): void => {
    rounds++
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  const waits = 20_000
  await kernel.run(function* () {
    for (let i = 0; i < waits; i++) yield* until(Promise.resolve(i))
  })
  counting = false
  // One round for each wait is what it would be otherwise; a busy machine has more of them than a quiet one.
  t.true(rounds < waits / 3, `a round for every ${Math.round(waits / rounds)} waits`)
  t.true(rounds > 3, `${rounds} rounds`)
  await kernel.close()
})

test('a kernel that is closed while something has just become ready runs it no more', async (t) => {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  let after = false
  let go = (): void => {}
  kernel.spawn(
    function* () {
      yield* until(new Promise<void>((resolve) => (go = resolve)))
      after = true
    },
    { daemon: true },
  )
  await new Promise((resolve) => setImmediate(resolve))
  kernel.closeSync()
  go()
  await new Promise((resolve) => setImmediate(resolve))
  t.false(after)
})
