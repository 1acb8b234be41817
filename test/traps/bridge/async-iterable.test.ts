/**
 * `toAsyncIterable`: what a task emits, in a `for await` loop of the host.
 */
import test from 'ava'
import { type Emit, Kernel, nursery, type Operation, sleep, spawn, TaskCancelledError, toAsyncIterable } from 'drupe'
import { assertNoLeaks, VirtualDriver } from 'drupe/testing'
import { fail } from '../../kit.js'

/** On virtual time, with a look for leaks at the end. */
async function withKernel(body: (kernel: Kernel) => Promise<void>): Promise<void> {
  const kernel = new Kernel({ driver: new VirtualDriver() })
  await body(kernel)
  assertNoLeaks(kernel)
  await kernel.close()
}

function* count(emit: Emit<number>, to = Number.POSITIVE_INFINITY): Operation<void> {
  for (let n = 1; n <= to; n++) {
    yield* sleep(10)
    yield* emit(n)
  }
}

test('every value, in order, and then the end', async (t) => {
  await withKernel(async (kernel) => {
    const seen: number[] = []
    for await (const n of toAsyncIterable<number>(kernel, (emit) => count(emit, 3))) seen.push(n)
    t.deepEqual(seen, [1, 2, 3])
  })
})

test('nothing runs before the first value is asked for, nor after the reader has left', async (t) => {
  await withKernel(async (kernel) => {
    let begun = false
    const values = toAsyncIterable<number>(kernel, function* () {
      begun = true
    })
    t.deepEqual(await values.return?.(), { done: true, value: undefined })
    t.deepEqual(await values.next(), { done: true, value: undefined })
    t.false(begun)
  })
})

test('who emits waits until the value is taken', async (t) => {
  await withKernel(async (kernel) => {
    const log: unknown[] = []
    const values = toAsyncIterable<number>(kernel, function* (emit) {
      for (let n = 1; n <= 3; n++) {
        log.push(`emit ${n}`)
        yield* emit(n)
      }
      log.push('done')
    })
    await values.next()
    await kernel.run(sleep(100))
    t.deepEqual(log, ['emit 1', 'emit 2'])
    await values.next()
    await values.next()
    t.true((await values.next()).done)
    t.deepEqual(log, ['emit 1', 'emit 2', 'emit 3', 'done'])
  })
})

test('leaving the loop cancels the task and waits until it is out', async (t) => {
  await withKernel(async (kernel) => {
    const log: unknown[] = []
    const values = toAsyncIterable<number>(kernel, function* (emit) {
      try {
        yield* count(emit)
      } finally {
        yield* sleep(50)
        log.push('out')
      }
    })
    for await (const n of values) if (n === 2) break
    t.deepEqual(log, ['out'])
    t.true((await values.next()).done)
  })
})

test('an error of the task is thrown in the loop, one of its cleanup when the reader leaves', async (t) => {
  await withKernel(async (kernel) => {
    const failing = toAsyncIterable<number>(kernel, function* (emit) {
      yield* emit(1)
      throw new Error('boom')
    })
    await failing.next()
    await t.throwsAsync(async () => failing.next(), { message: 'boom' })
    t.true((await failing.next()).done)

    const unclean = toAsyncIterable<number>(kernel, function* (emit) {
      try {
        yield* emit(1)
        yield* sleep(1000)
      } finally {
        yield* fail(new Error('in cleanup'))
      }
    })
    await unclean.next()
    await t.throwsAsync(async () => unclean.return?.(), { message: 'in cleanup' })
  })
})

test('a cleanup that fails with the cancel of another task is a failure', async (t) => {
  await withKernel(async (kernel) => {
    const values = toAsyncIterable<number>(kernel, function* (emit) {
      const other = yield* spawn(sleep(1000))
      try {
        yield* emit(1)
      } finally {
        yield* other.cancel('')
        yield* other.join()
      }
    })
    await values.next()
    await t.throwsAsync(async () => values.return?.(), { instanceOf: TaskCancelledError })
  })
})

test('a task that somebody else cancels ends the loop with an error', async (t) => {
  await withKernel(async (kernel) => {
    const values = toAsyncIterable<number>(kernel, count)
    await values.next()
    for (const task of kernel.tasks()) kernel.cancel(task, 'somebody else')
    await t.throwsAsync(async () => values.next(), { instanceOf: TaskCancelledError })
  })
})

test('several readers and several who emit', async (t) => {
  await withKernel(async (kernel) => {
    const values = toAsyncIterable<string>(kernel, (emit) =>
      nursery(function* (n) {
        for (const name of ['a', 'b']) yield* n.spawn(() => emit(name))
      }),
    )
    const steps = await Promise.all([values.next(), values.next(), values.next()])
    t.deepEqual(
      steps.map(({ value }) => value),
      ['a', 'b', undefined],
    )
  })
})
