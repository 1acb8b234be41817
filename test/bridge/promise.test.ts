/**
 * `until`: promises inside tasks. The host's loop goes on beside virtual time, so the clock says what a wait took.
 */
import test from 'ava'
import { Kernel, moveOn, type Operation, until } from 'drupe'
import { assertNoLeaks, VirtualDriver } from 'drupe/testing'
import { thrownBy } from '../kit.js'

async function asGuest<T>(op: () => Operation<T>): Promise<T> {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  const result = await kernel.run(op)
  assertNoLeaks(kernel)
  await kernel.close()
  return result
}

test('promises are waited for, one after the other, whether they are settled or not [effection run: can compose multiple promises via generator]', async (t) => {
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

test('a rejection is thrown, the same object, and can be caught [effection run: can recover from errors in promise]', async (t) => {
  const boom = new Error('boom')
  const log = await asGuest(function* () {
    return [yield* thrownBy(until(Promise.reject(boom))), yield* until(Promise.resolve('went on'))]
  })
  t.deepEqual(log, [boom, 'went on'])
})

test('a rejection that nobody catches ends the run with it [effection run: propagates errors from promises]', async (t) => {
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
