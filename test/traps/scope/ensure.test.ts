/**
 * `use`, `ensure` and `using`: a resource around a block, a cleanup for the rest of one, an object to dispose of.
 */

import test from 'ava'
import {
  broadcast,
  ClosedError,
  channel,
  clock,
  connect,
  ensure,
  KernelStateError,
  listen,
  moveOn,
  nursery,
  type Operation,
  resource,
  run,
  scope,
  sleep,
  spawn,
  udp,
  use,
  using,
} from 'drupe'
import { memoryStreams, SimNetwork, virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

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

test('ensure runs an operation, or a function, at the end', (t) => {
  covers(
    t,
    'effection ensure: runs the given operation at the end of the task',
    'effection ensure: runs the given function at the end of the task',
  )
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

test('use and using close what is closed by an operation: streams, listeners, sockets, ends of channels', (t) => {
  virtual({ network: new SimNetwork({ seed: 1 }) }, function* () {
    const listener = yield* listen({ host: '127.0.0.1', port: 5000 })
    const [sender] = channel<number>()
    const [memory] = memoryStreams()
    const reader = broadcast<number>().subscribe()
    const socket = yield* udp({ host: '127.0.0.1' })
    const stream = yield* use(connect({ host: '127.0.0.1', port: 5000 }), function* (stream) {
      t.false(stream.closed)
      yield* using(sender)
      yield* using(memory)
      yield* using(reader)
      yield* using(socket)
      yield* using(listener)
      return stream
    })
    t.true(stream.closed && sender.closed && memory.closed && reader.closed)
    t.true((yield* thrownBy(() => listener.accept())) instanceof ClosedError)
    t.true((yield* thrownBy(() => socket.receive())) instanceof ClosedError)
  })
})

test('use closes in the order of the language: what came last goes first, after the tasks that use it', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    yield* use(give({ [Symbol.dispose]: () => log.push('outer') }), function* () {
      yield* using({ [Symbol.dispose]: () => void log.push('inner') })
      yield* spawn(function* () {
        yield* sleep(5)
        log.push('task')
      })
    })
    return log
  })
  t.deepEqual(log, ['task', 'inner', 'outer'])
})

test('use leaves to a resource what the resource provides', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const pooled = { [Symbol.dispose]: () => void log.push('disposed of') }
    const pool = resource<typeof pooled>(function* (provide) {
      try {
        yield* provide(pooled)
      } finally {
        log.push('back in the pool')
      }
    })
    yield* use(pool, () => sleep(1))
    yield* use(
      function* () {
        return yield* pool
      },
      () => sleep(1),
    )
    return log
  })
  t.deepEqual(log, ['back in the pool', 'back in the pool'])
})

test('use and using dispose when they are cancelled, before the body or in it', (t) => {
  const log = virtual({}, function* () {
    const log: string[] = []
    const thing = (name: string): Disposable => ({ [Symbol.dispose]: () => void log.push(name) })
    yield* scope({}, function* (inner) {
      yield* inner.cancel()
      yield* using(thing('using, cancelled before'))
    })
    yield* scope({}, function* (inner) {
      yield* use(
        function* () {
          yield* inner.cancel()
          return thing('use, cancelled before')
        },
        function* () {
          t.fail()
        },
      )
    })
    yield* moveOn(
      5,
      use(give(thing('use, cancelled in the body')), () => sleep(1000)),
    )
    yield* moveOn(5, () =>
      nursery(function* () {
        yield* using(thing('using, cancelled in the body'))
        yield* sleep(1000)
      }),
    )
    return log
  })
  t.deepEqual(log.sort(), [
    'use, cancelled before',
    'use, cancelled in the body',
    'using, cancelled before',
    'using, cancelled in the body',
  ])
})

test('outside of a task the language’s own await using says that it cannot close a stream', async (t) => {
  const [stream] = memoryStreams()
  const close = async (): Promise<void> => {
    await stream[Symbol.asyncDispose]()
  }
  await t.throwsAsync(close(), { instanceOf: KernelStateError, message: /only a task can; write "yield\* using/ })
})
