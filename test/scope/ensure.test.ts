/**
 * `use`, `ensure` and `using`: a resource around a block, a cleanup for the rest of one, an object to dispose of.
 */
import test from 'ava'
import { clock, ensure, type Operation, resource, run, sleep, spawn, use, using } from 'drupe'
import { virtual } from 'drupe/testing'
import { fail, thrownBy } from '../kit.js'

/** A resource that writes down when it is open and when it is closed. */
function thing(log: unknown[], name: string, ms: number): Operation<string> {
  return resource<string>(function* (provide) {
    log.push(`${name} open at ${yield* clock()}`)
    try {
      yield* provide(name)
    } finally {
      yield* sleep(ms)
      log.push(`${name} closed at ${yield* clock()}`)
    }
  })
}

test('use: the block form', (t) => {
  const log: unknown[] = []
  virtual({}, function* () {
    const result = yield* use(thing(log, 'a', 2), function* (name) {
      yield* spawn(function* () {
        yield* sleep(5)
        log.push('child of the block')
      })
      return name.toUpperCase()
    })
    log.push(result)
  })
  t.deepEqual(log, ['a open at 0', 'child of the block', 'a closed at 7', 'A'])
})

test('use: an error of the body closes it, and leaves', (t) => {
  const log: unknown[] = []
  t.is(
    virtual({}, () => thrownBy(use(thing(log, 'a', 1), () => fail('boom')))),
    'boom',
  )
  t.is(log.length, 2)
})

test('ensure runs an operation, or a function, at the end [effection ensure: runs the given operation at the end of the task] [effection ensure: runs the given function at the end of the task]', (t) => {
  const log: unknown[] = []
  virtual({}, function* () {
    const task = yield* spawn(function* () {
      yield* ensure(() => void log.push('function'))
      yield* ensure(function* () {
        yield* sleep(1)
        log.push('operation')
      })
      log.push('body')
    })
    yield* task.join()
    log.push('joined')
  })
  t.deepEqual(log, ['body', 'operation', 'function', 'joined'])
})

test('ensure runs when the task is cancelled, and once', (t) => {
  const log: unknown[] = []
  virtual({}, function* () {
    const task = yield* spawn(function* () {
      yield* ensure(function* () {
        yield* sleep(5)
        log.push('cleanup')
      })
      yield* sleep(1000)
    })
    yield* sleep(1)
    yield* task.cancel()
    yield* task.cancel()
    log.push(task.state, yield* clock())
  })
  t.deepEqual(log, ['cleanup', 'cancelled', 6])
})

test('using: disposes synchronously or asynchronously, and lets nothing be disposed of twice', async (t) => {
  const log: string[] = []
  const sync = { [Symbol.dispose]: () => void log.push('sync') }
  const both = {
    [Symbol.dispose]: () => void log.push('wrong one'),
    async [Symbol.asyncDispose]() {
      await null
      log.push('async')
    },
  }
  await run(function* () {
    t.is(yield* using(sync), sync)
    t.is(yield* using(both), both)
    t.is(yield* using(null), null)
    t.is(yield* using(undefined), undefined)
    log.push('body')
  })
  t.deepEqual(log, ['body', 'async', 'sync'])
  t.throws(() => using({} as Disposable), { instanceOf: TypeError })
})
