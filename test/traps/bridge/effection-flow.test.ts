/**
 * Effection's behaviours of `all`, `race`, `call` and `lift`, and of its channels, signals, queues and `each`, run on the kernel
 * through both bridges.
 */

import test from 'ava'
import {
  all,
  type Channel,
  call,
  createChannel,
  createQueue,
  createSignal,
  each,
  lift,
  type Operation,
  on,
  once,
  race,
  resource,
  SignalQueueFactory,
  type Stream,
  spawn,
  suspend,
  withResolvers,
} from 'effection'
import { covers } from '../../covers.js'
import { after, failAfter, failNow, messageOf, now, onKernel, pause, thrownIn, turn } from './effection-kit.js'

test('all: results in the order of the operations, at once or later', async (t) => {
  covers(
    t,
    'effection all: resolves when the given list is empty; resolves when all of the given operations resolve; resolves when all of the given operations resolve synchronously',
  )
  const results = await onKernel(function* () {
    return [
      yield* all([]),
      yield* all([now('quox'), after(10, 'foo'), after(5, 'bar'), after(15, 'baz')]),
      yield* all([now('foo'), now('bar'), now('baz')]),
    ]
  })
  t.deepEqual(results, [[], ['quox', 'foo', 'bar', 'baz'], ['foo', 'bar', 'baz']])
})

test('all: the first error is thrown, whatever the others do', async (t) => {
  covers(
    t,
    'effection all: rejects when one of the given operations rejects asynchronously first; rejects when one of the given operations rejects asynchronously and another operation does not complete; rejects when one of the given operations rejects synchronously first',
  )
  const messages = await onKernel(function* () {
    return [
      yield* messageOf(all([after(10, 'foo'), failAfter(5, 'later'), after(15, 'baz')])),
      yield* messageOf(all([suspend(), failAfter(5, 'beside')])),
      yield* messageOf(all([now('foo'), failNow('at once'), now('baz')])),
    ]
  })
  t.deepEqual(messages, ['later', 'beside', 'at once'])
})

test('all: what an operation had begun is ended when another one fails', async (t) => {
  covers(t, 'effection all: rejects when one of the operations reject')
  const log: string[] = []
  const message = await onKernel(function* () {
    const slow = resource<string>(function* (provide) {
      yield* spawn(function* () {
        yield* pause(30)
        log.push('went on')
      })
      yield* pause(20)
      yield* provide('foo')
    })
    const message = yield* messageOf(all([slow, failAfter(10, 'bar')]))
    yield* pause(40)
    return message
  })
  t.is(message, 'bar')
  t.deepEqual(log, [])
})

test('race: the first result wins, and the losers are out', async (t) => {
  covers(
    t,
    'effection race: resolves when one of the given operations resolves asynchronously first; resolves when one of the given operations resolves synchronously first',
  )
  const log: string[] = []
  function* loser(): Operation<string> {
    try {
      yield* suspend()
      return 'never'
    } finally {
      yield* pause(1)
      log.push('loser out')
    }
  }
  const winners = await onKernel(function* () {
    return [
      yield* race([after(10, 'foo'), after(5, 'bar'), failAfter(15, 'baz'), loser()]),
      yield* race([now('foo'), now('bar'), failNow('baz')]),
    ]
  })
  t.deepEqual(winners, ['bar', 'foo'])
  t.deepEqual(log, ['loser out'])
})

test('race: the first error wins, too', async (t) => {
  covers(
    t,
    'effection race: rejects when one of the given operations rejects asynchronously first; rejects when one of the given operations rejects synchronously first',
  )
  const messages = await onKernel(function* () {
    return [
      yield* messageOf(race([after(10, 'foo'), failAfter(5, 'bar'), failAfter(15, 'baz')])),
      yield* messageOf(race([failNow('foo'), now('bar'), failNow('baz')])),
    ]
  })
  t.deepEqual(messages, ['bar', 'foo'])
})

test('call: operations, promises and plain values out of functions', async (t) => {
  covers(
    t,
    'effection call: evaluates an operation function; evaluates an async function; evaluates a no-arg async function; evaluates a vanilla function',
  )
  const results = await onKernel(function* () {
    return [
      yield* call(() => after(1, 10)),
      yield* call(async () => {
        await null
        return 42
      }),
      yield* call(() => Promise.resolve(43)),
      yield* call(() => 44),
    ]
  })
  t.deepEqual(results, [10, 42, 43, 44])
})

test('call: what can be iterated and is no operation is a value', async (t) => {
  covers(
    t,
    'effection call: evaluates a vanilla function that returns an iterable string; evaluates a vanilla function that returns an iterable array; evaluates a vanilla function that returns an iterable map; evaluates a vanilla function that returns an iterable set; evaluates a vanilla function that returns an iterator',
  )
  const values = ['123', [1, 2, 3], new Map([['1', 1]]), new Set([1, 2, 3]), () => now('value')]
  for (const value of values) t.is(await onKernel(() => call<unknown>(() => value)), value)
})

test('lift: an operation that a call ends does not go on behind it', async (t) => {
  covers(t, 'effection lift: safely does not continue if the call stops the operation')
  let reached = false
  await onKernel(function* () {
    const done = withResolvers<string>()
    yield* spawn(function* () {
      yield* pause(1)
      yield* lift(done.resolve)('resolve it!')
      reached = true
    })
    yield* done.operation
  })
  t.false(reached)
})

test('channel: a subscriber gets what is sent from then on, in order, waiting or not', async (t) => {
  covers(
    t,
    'effection channel: receives message on subscription; receives message on subscription done; receives messages in order; receives message on subscribable end',
  )
  const seen = await onKernel(function* () {
    const channel = createChannel<string, void>()
    yield* channel.send('too early')
    const subscription = yield* channel
    const waiting = yield* spawn(() => subscription.next())
    yield* pause(1)
    for (const word of ['hello', 'foo', 'bar']) yield* channel.send(word)
    return [yield* waiting, yield* subscription.next(), yield* subscription.next()]
  })
  t.deepEqual(
    seen,
    ['hello', 'foo', 'bar'].map((value) => ({ done: false, value })),
  )
})

test('channel: two subscriptions after each other do not see one message twice', async (t) => {
  covers(t, 'effection channel: does not use the same event twice when serially subscribed to a channel')
  const seen = await onKernel(function* () {
    const channel = createChannel<string, void>()
    yield* spawn(function* () {
      yield* pause(10)
      yield* channel.send('one')
      yield* channel.send('two')
    })
    const first = yield* (yield* channel).next()
    const second = yield* (yield* channel).next()
    return [first.value, second.value]
  })
  t.deepEqual(seen, ['one', 'two'])
})

test('channel: closing it ends subscriptions behind what was sent, with a value or without', async (t) => {
  covers(t, 'effection channel: closes subscriptions; closes subscriptions with the argument')
  function* ending<T>(channel: Channel<string, T>, value: T): Operation<unknown[]> {
    const subscription = yield* channel
    yield* channel.send('foo')
    yield* channel.close(value)
    return [yield* subscription.next(), yield* subscription.next()]
  }
  const [plain, valued] = await onKernel(function* () {
    return [yield* ending(createChannel<string, void>(), undefined), yield* ending(createChannel<string, number>(), 12)]
  })
  const foo = { done: false, value: 'foo' }
  t.deepEqual(plain, [foo, { done: true, value: undefined }])
  t.deepEqual(valued, [foo, { done: true, value: 12 }])
})

/** What a task reads out of a signal, while another one sends into it. */
function* read(send: (signal: { send(word: string): void; close(): void }) => void): Operation<string[]> {
  const signal = createSignal<string, void>()
  const subscription = yield* signal
  const words: string[] = []
  const reader = yield* spawn(function* () {
    for (let next = yield* subscription.next(); !next.done; next = yield* subscription.next()) {
      words.push(next.value)
      yield* turn()
    }
  })
  send(signal)
  signal.close()
  yield* reader
  return words
}

test('signal: plain code sends, a task receives until it is closed', async (t) => {
  covers(t, 'effection signal: should send and receive messages')
  const words = await onKernel(() =>
    read((signal) => {
      signal.send('one')
      signal.send('two')
    }),
  )
  t.deepEqual(words, ['one', 'two'])
})

test('signal: a queue of one’s own decides what is kept', async (t) => {
  covers(t, 'effection signal: should use custom Queue impl')
  function everyOther(): ReturnType<typeof createQueue<string, void>> {
    const queue = createQueue<string, void>()
    let count = 0
    return { ...queue, add: (word) => void (count++ % 2 === 0 && queue.add(word)) }
  }
  const words = await onKernel(() =>
    SignalQueueFactory.with(everyOther as unknown as typeof createQueue, () =>
      read((signal) => {
        for (const word of ['1', '2', '3', '4', '5']) signal.send(word)
      }),
    ),
  )
  t.deepEqual(words, ['1', '3', '5'])
})

test('queue: an item goes to one listener, that waits or comes later; the end goes to who waits', async (t) => {
  covers(
    t,
    'effection queue: adds value to an already waiting listener; only adds value to one listener if there are multiple; queues value if there is no listener; can close',
  )
  const seen = await onKernel(function* () {
    const queue = createQueue<string, number>()
    queue.add('early')
    const seen: unknown[] = [yield* queue.next()]
    const listener = () =>
      race([
        queue.next(),
        (function* (): Operation<null> {
          yield* pause(10)
          return null
        })(),
      ])
    const [first, second] = [yield* spawn(listener), yield* spawn(listener)]
    yield* turn()
    queue.add('hello')
    seen.push(yield* first, yield* second)
    const last = yield* spawn(() => queue.next())
    yield* turn()
    queue.close(42)
    seen.push(yield* last)
    return seen
  })
  t.deepEqual(seen, [{ done: false, value: 'early' }, { done: false, value: 'hello' }, null, { done: true, value: 42 }])
})

/** A stream of words, that knows whether it is open. */
function sequence(words: readonly string[], log: string[] = []): Stream<string, void> {
  return resource(function* (provide) {
    const queue = createQueue<string, void>()
    for (const word of words) queue.add(word)
    queue.close()
    log.push('open')
    try {
      yield* provide(queue)
    } finally {
      log.push('closed')
    }
  })
}

test('each: a loop over a stream, also inside another, that is closed when the loop is over', async (t) => {
  covers(
    t,
    'effection each: can be used to iterate a stream; can be used to iterate nested streams; closes the stream after exiting from the loop',
  )
  const seen: string[] = []
  await onKernel(function* () {
    for (const outer of yield* each(sequence(['one', 'two'], seen))) {
      seen.push(outer)
      for (const inner of yield* each(sequence(['three', 'four']))) {
        seen.push(inner)
        yield* pause(1)
        yield* each.next()
      }
      yield* each.next()
    }
    yield* turn()
    seen.push('behind the loop')
  })
  t.deepEqual(seen, ['open', 'one', 'three', 'four', 'two', 'three', 'four', 'closed', 'behind the loop'])
})

test('each: a next that is forgotten, comes after the loop or has none around it is an error', async (t) => {
  covers(
    t,
    'effection each: handles context correctly if you break out of a loop; throws an error if you forget to invoke each.next(); throws an error if you invoke each.next() out of context',
  )
  function* broken(): Operation<void> {
    for (const _ of yield* each(sequence(['one']))) break
    yield* each.next()
  }
  function* forgotten(): Operation<void> {
    for (const _ of yield* each(sequence(['one']))) yield* turn()
  }
  const names: string[] = []
  for (const op of [broken, forgotten, each.next]) {
    names.push(
      await onKernel(function* () {
        return ((yield* thrownIn(op())) as Error).name
      }),
    )
  }
  t.deepEqual(names, ['IterationError', 'IterationError', 'MissingContextError'])
})

test('events: the next one and all of them, of an EventTarget', async (t) => {
  covers(t, 'effection events: should find event from eventTarget; should fall back to event')
  const target = new EventTarget()
  const types = await onKernel(function* () {
    const stream = yield* on(target, 'tick')
    const next = yield* spawn(() => once(target, 'ready'))
    yield* turn()
    for (const name of ['tick', 'ready', 'tick']) target.dispatchEvent(new Event(name))
    const events: Event[] = [yield* next]
    for (let i = 0; i < 2; i++) events.push((yield* stream.next()).value as Event)
    return events.map(({ type }) => type)
  })
  t.deepEqual(types, ['ready', 'tick', 'tick'])
})
