/**
 * `once`, `events`, `each` and `subscribe`: what the host tells, in its order, and no listener left behind.
 */

import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import test from 'ava'
import {
  all,
  BrokenError,
  Cancelled,
  clock,
  each,
  events,
  moveOn,
  nursery,
  type Operation,
  once,
  run,
  type Source,
  sleep,
  spawn,
  subscribe,
  suppressed,
} from 'drupe'
import { virtual } from 'drupe/testing'
import { covers } from '../../covers.js'
import { fail, give, thrownBy } from '../../kit.js'

const listeners = (emitter: EventEmitter): number =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)

/** Does something in a task of its own, a little later. */
function* later(ms: number, body: () => unknown): Operation<void> {
  yield* spawn(function* () {
    yield* sleep(ms)
    body()
  })
}

test('once: the arguments of the next event of an emitter', (t) => {
  const emitter = new EventEmitter()
  const args = virtual({}, function* () {
    yield* later(5, () => emitter.emit('exit', 1, 'SIGTERM'))
    return yield* once<[number, string]>(emitter, 'exit')
  })
  t.deepEqual(args, [1, 'SIGTERM'])
  t.is(listeners(emitter), 0)
})

test('once: the event of an EventTarget', (t) => {
  covers(t, 'effection events: should find event from eventTarget; should fall back to event')
  const target = new EventTarget()
  const [event] = virtual({}, function* () {
    yield* later(5, () => target.dispatchEvent(new Event('ready')))
    return yield* once<[Event]>(target, 'ready')
  })
  t.is(event.type, 'ready')
})

test('once: error is thrown, unless it is what is waited for', (t) => {
  const emitter = new EventEmitter()
  const boom = new Error('boom')
  virtual({}, function* () {
    yield* later(5, () => emitter.emit('error', boom))
    t.is(yield* thrownBy(once(emitter, 'exit')), boom)
    yield* later(5, () => emitter.emit('error', boom))
    t.deepEqual(yield* once(emitter, 'error'), [boom])
  })
  t.is(listeners(emitter), 0)
})

test('once: cancelled, its listeners are gone', (t) => {
  const emitter = new EventEmitter()
  virtual({}, function* () {
    t.is(yield* moveOn(5, once(emitter, 'never'), 'moved on'), 'moved on')
  })
  t.is(listeners(emitter), 0)
})

test('once: of something that is neither is a TypeError, in the task', (t) => {
  const error = virtual({}, () => thrownBy(() => once({} as EventEmitter, 'x')))
  t.true(error instanceof TypeError)
})

test('events: all of them in their order, until the event that ends them', (t) => {
  const emitter = new EventEmitter()
  const log: unknown[] = []
  virtual({}, function* () {
    yield* later(5, () => {
      emitter.emit('data', 1)
      emitter.emit('data', 2)
    })
    yield* later(10, () => {
      emitter.emit('data', 3)
      emitter.emit('end')
      emitter.emit('data', 'too late')
    })
    yield* each(events<[number]>(emitter, 'data', { until: ['end', 'close'] }), function* ([n]) {
      yield* sleep(4)
      log.push(n)
    })
    log.push(yield* clock())
  })
  t.deepEqual(log, [1, 2, 3, 17])
  t.is(listeners(emitter), 0)
})

test('events: an error is thrown after what came before it', (t) => {
  const emitter = new EventEmitter()
  const log: unknown[] = []
  virtual({}, function* () {
    yield* later(5, () => {
      emitter.emit('data', 1)
      emitter.emit('error', new Error('boom'))
    })
    const error = yield* thrownBy(
      each(events(emitter, 'data'), function* (args) {
        log.push(...args)
      }),
    )
    log.push((error as Error).message)
  })
  t.deepEqual(log, [1, 'boom'])
  t.is(listeners(emitter), 0)
})

test('events: the limit, and what happens there', (t) => {
  covers(t, 'effection signal: should use custom Queue impl')
  const emitter = new EventEmitter()
  function read(overflow: 'fail' | 'dropOldest' | 'dropNewest'): unknown[] {
    const log: unknown[] = []
    virtual({}, function* () {
      yield* later(5, () => {
        for (let n = 1; n <= 5; n++) emitter.emit('data', n)
        emitter.emit('end')
      })
      try {
        yield* each(events(emitter, 'data', { limit: 2, overflow, until: 'end' }), function* ([n]) {
          log.push(n)
        })
      } catch (error) {
        log.push(error instanceof BrokenError)
      }
    })
    return log
  }
  t.deepEqual(read('fail'), [1, 2, true])
  t.deepEqual(read('dropOldest'), [4, 5])
  t.deepEqual(read('dropNewest'), [1, 2])
  t.is(listeners(emitter), 0)
  for (const limit of [0, -1, 1.5, Number.NaN])
    t.throws(() => events(emitter, 'x', { limit }), { instanceOf: RangeError })
})

test('events: with pause, the emitter is held back and let go again', (t) => {
  const calls: string[] = []
  const emitter = Object.assign(new EventEmitter(), {
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
  })
  virtual({}, function* () {
    yield* later(5, () => {
      for (let n = 1; n <= 3; n++) emitter.emit('data', n)
    })
    yield* later(50, () => {
      emitter.emit('data', 4)
      emitter.emit('data', 5)
    })
    let count = 0
    yield* each(events(emitter, 'data', { limit: 2, overflow: 'pause' }), function* () {
      yield* sleep(1)
      calls.push('read')
      return ++count === 4 ? true : undefined
    })
  })
  t.deepEqual(calls, ['pause', 'read', 'read', 'resume', 'read', 'pause', 'read', 'resume'])
})

test('each: the first value of the body that is not undefined ends it, and the source is closed', async (t) => {
  covers(t, 'effection each: closes the stream after exiting from the loop')
  const log: unknown[] = []
  async function* source(): AsyncGenerator<number> {
    try {
      for (let n = 1; ; n++) yield n
    } finally {
      await null
      log.push('closed')
    }
  }
  const found = await run(() =>
    each(source(), function* (n) {
      if (n === 3) return `found ${n}`
    }),
  )
  t.is(found, 'found 3')
  t.deepEqual(log, ['closed'])
})

test('each: to the end of the source, nested too', async (t) => {
  covers(t, 'effection each: can be used to iterate a stream', 'effection each: can be used to iterate nested streams')
  const seen: string[] = []
  const result = await run(() =>
    each(Readable.from(['a', 'b']), (x: string) =>
      each(Readable.from(['1', '2']), function* (y: string) {
        seen.push(x + y)
      }),
    ),
  )
  t.deepEqual(seen, ['a1', 'a2', 'b1', 'b2'])
  t.is(result, undefined)
})

test('each: an error of the body closes the source; an error of closing is kept with it', async (t) => {
  async function* source(): AsyncGenerator<number> {
    try {
      yield 1
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: that is the case
      throw new Error('in closing')
    }
  }
  const error = await run(() => thrownBy(each(source(), () => fail(new Error('body')))))
  t.is((error as Error).message, 'body')
  t.deepEqual(suppressed(error).map(String), ['Error: in closing'])
})

test('each: an error of the source is thrown', async (t) => {
  async function* source(): AsyncGenerator<number> {
    yield 1
    throw new Error('no more')
  }
  const error = await run(() => thrownBy(each(source(), () => give(undefined))))
  t.is((error as Error).message, 'no more')
})

test('each: cancelled while it waits for the source, it closes it and waits for that', async (t) => {
  covers(t, 'trio guest_mode: guest_mode_asyncgens')
  const log: unknown[] = []
  let release = (): void => {}
  async function* source(): AsyncGenerator<number> {
    try {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      yield 1
    } finally {
      log.push('closed')
    }
  }
  const result = await run(function* () {
    const reading = yield* spawn(function* () {
      try {
        yield* each(source(), () => fail('never'))
      } catch (error) {
        log.push(error instanceof Cancelled)
        throw error
      }
    })
    yield* sleep(1)
    yield* reading.cancel('', { wait: false })
    yield* sleep(1)
    log.push('asked')
    release()
    yield* reading.wait()
    return reading.state
  })
  t.is(result, 'cancelled')
  t.deepEqual(log, ['asked', 'closed', true])
})

test('each: a source that never closes is left when the grace is over', async (t) => {
  async function* source(): AsyncGenerator<number> {
    yield 1
    await new Promise(() => {})
  }
  const result = await run(() => moveOn(2, () => each(source(), () => give(undefined)), 'left'), { grace: 5 })
  t.is(result, 'left')
})

test('each: what cannot be read is refused', (t) => {
  const error = virtual({}, () => thrownBy(() => each([1, 2] as unknown as AsyncIterable<number>, () => give(1))))
  t.true(error instanceof TypeError)
})

test('subscribe: read at one’s own pace; closed with the block', (t) => {
  covers(t, 'effection signal: should send and receive messages')
  const emitter = new EventEmitter()
  const seen: unknown[] = []
  virtual({}, function* () {
    yield* nursery(function* () {
      const ticks = yield* subscribe(events<[number]>(emitter, 'tick'))
      emitter.emit('tick', 1)
      emitter.emit('tick', 2)
      seen.push((yield* ticks.next()).value, (yield* ticks.next()).value)
      seen.push(yield* moveOn(5, ticks.next(), 'none'))
      t.is(listeners(emitter), 2)
    })
    t.is(listeners(emitter), 0)
  })
  t.deepEqual(seen, [[1], [2], 'none'])
})

test('subscribe: several tasks may wait at one cursor, and each event goes to one of them', (t) => {
  covers(t, 'effection queue: only adds value to one listener if there are multiple')
  const emitter = new EventEmitter()
  const seen: string[] = []
  virtual({}, () =>
    nursery(function* (n) {
      const ticks = yield* subscribe(events<[number]>(emitter, 'tick', { until: 'end' }))
      for (const name of ['a', 'b', 'c']) {
        yield* n.spawn(function* () {
          const step = yield* ticks.next()
          seen.push(step.done ? `${name} done` : `${name} ${String(step.value)}`)
        })
      }
      yield* sleep(1)
      emitter.emit('tick', 1)
      emitter.emit('tick', 2)
      yield* sleep(1)
      emitter.emit('end')
    }),
  )
  t.deepEqual(seen, ['a 1', 'b 2', 'c done'])
})

test('subscribe: closed by hand, it is over, and closing again does nothing', (t) => {
  const emitter = new EventEmitter()
  virtual({}, function* () {
    const ticks = yield* subscribe(events(emitter, 'tick'))
    emitter.emit('tick')
    yield* ticks.close()
    yield* ticks.close()
    t.deepEqual(yield* ticks.next(), { done: true, value: undefined })
    t.is(listeners(emitter), 0)
  })
})

test('a Source of one’s own', (t) => {
  const log: unknown[] = []
  const countdown: Source<number> = {
    open() {
      let n = 3
      return {
        *next() {
          yield* sleep(1)
          return n > 0 ? { done: false, value: n-- } : { done: true, value: undefined }
        },
        *close() {
          log.push('closed')
        },
      }
    },
  }
  virtual({}, function* () {
    yield* each(countdown, function* (n) {
      log.push(n)
    })
    log.push(yield* each(countdown, (n) => give(n)))
  })
  t.deepEqual(log, [3, 2, 1, 'closed', 3])
})

test('subscribe: sources that are read side by side end with the shortest', async (t) => {
  covers(t, 'trio run: nursery_stop_async_iteration')
  const upTo = async function* (count: number): AsyncGenerator<number> {
    for (let i = 0; i < count; i++) yield i
  }
  const rows = await run(function* () {
    const cursors = [yield* subscribe(upTo(4)), yield* subscribe(upTo(2))]
    const rows: number[][] = []
    for (;;) {
      const steps = yield* all(cursors.map((cursor) => cursor.next()))
      if (steps.some((step) => step.done)) return rows
      rows.push(steps.map((step) => step.value as number))
    }
  })
  t.deepEqual(rows, [
    [0, 0],
    [1, 1],
  ])
})

test('once: newListener and removeListener are events like others, and its own listeners are none of them', (t) => {
  for (const name of ['newListener', 'removeListener']) {
    const emitter = new EventEmitter()
    const [told] = virtual({}, function* () {
      yield* later(5, () => emitter.on('data', t.pass).off('data', t.pass))
      return yield* once<[string]>(emitter, name)
    })
    t.is(told, 'data')
    t.is(listeners(emitter), 0)
  }
})

test('events: a cursor for newListener hears of others only, also while it is closed', (t) => {
  const emitter = new EventEmitter()
  const told = virtual({}, function* () {
    yield* later(5, () => {
      emitter.on('data', t.pass)
      emitter.emit('end')
    })
    const told: unknown[] = []
    yield* each(events<[string]>(emitter, 'newListener', { until: 'end' }), function* ([name]) {
      told.push(name)
    })
    return told
  })
  t.deepEqual(told, ['data'])
  t.is(emitter.listenerCount('newListener'), 0)
})

/** Tells each listener at once what it has, as stores and subjects do. */
class Eager extends EventEmitter {
  override on(name: string, listener: (...args: unknown[]) => void): this {
    super.on(name, listener)
    if (name === 'value') listener('at once')
    return this
  }
}

test('an emitter that tells its value while one subscribes: that is the event', (t) => {
  const emitter = new Eager()
  virtual({}, function* () {
    t.deepEqual(yield* once(emitter, 'value'), ['at once'])
    t.is(listeners(emitter), 0)
    const cursor = events(emitter, 'value', { until: 'value' }).open()
    t.deepEqual(yield* cursor.next(), { done: true, value: undefined })
    yield* each(events(emitter, 'value'), function* (args) {
      t.deepEqual(args, ['at once'])
      return true
    })
  })
  t.is(listeners(emitter), 0)
})

test('an emitter that throws when it is to hold back or to go on loses no event', (t) => {
  const emitter = Object.assign(new EventEmitter(), { pause: () => fault('pause'), resume: () => fault('resume') })
  const fault = (what: string): never => {
    throw new Error(what)
  }
  virtual({}, function* () {
    const cursor = events<[number]>(emitter, 'value', { overflow: 'pause', limit: 1 }).open()
    yield* later(5, () => t.throws(() => emitter.emit('value', 1), { message: 'pause' }))
    yield* sleep(10)
    t.like(yield* thrownBy(cursor.next()), { message: 'resume' })
    t.deepEqual(yield* cursor.next(), { done: false, value: [1] })
    yield* cursor.close()
  })
  t.is(listeners(emitter), 0)
})
