/**
 * Channels: two sides, each cloned and closed on its own, and an end that reaches all receivers.
 */

import test from 'ava'
import {
  BrokenError,
  ClosedError,
  checkpoint,
  moveOn,
  nursery,
  type Operation,
  sleep,
  spawn,
  TimeoutError,
} from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { channel, type Receiver, type Sender } from '../../../traps/sync/channel.js'
import { covers } from '../../covers.js'
import { fail, thrown, thrownBy } from '../../kit.js'

function* drain<T>(receiver: Receiver<T>): Operation<T[]> {
  const items: T[] = []
  yield* receiver.each(function* (item) {
    items.push(item)
  })
  return items
}

test('items lie in a channel up to its capacity, and come out in their order', (t) => {
  covers(t, 'trio channel: channel')
  for (const bad of [-1, 1.5, Number.NaN]) t.true(thrown(() => channel(bad)) instanceof RangeError)
  t.true(thrown(() => channel('1' as unknown as number)) instanceof TypeError)
  virtual({}, function* () {
    const [sender, receiver] = channel<number>(2)
    t.true(yield* sender.trySend(1))
    t.is(yield* receiver.tryReceive(), 1)
    t.is(yield* receiver.tryReceive(), undefined)
    t.true(yield* sender.trySend(1))
    yield* sender.send(2)
    t.false(yield* sender.trySend(3))
    let sent = false
    yield* spawn(function* () {
      yield* sender.send(3)
      sent = true
    })
    yield* waitAllBlocked()
    t.false(sent)
    t.is(yield* receiver.receive(), 1)
    yield* waitAllBlocked()
    t.true(sent)
    yield* sender.close()
    t.true((yield* thrownBy(sender.trySend(4))) instanceof ClosedError)
    t.true((yield* thrownBy(sender.send(4))) instanceof ClosedError)
    t.deepEqual(yield* drain(receiver), [2, 3])
    t.is(yield* receiver.receive(), null)
    t.is(yield* receiver.tryReceive(), null)
    yield* receiver.close()
    t.true((yield* thrownBy(receiver.tryReceive())) instanceof ClosedError)
    t.true((yield* thrownBy(receiver.receive())) instanceof ClosedError)
  })
})

test('a receive that gave up leaves the channel as it was', (t) => {
  covers(t, 'trio channel: 553')
  virtual({}, function* () {
    const [sender, receiver] = channel<string>(1)
    t.is(yield* moveOn(10, receiver.receive(), 'nothing'), 'nothing')
    t.true(yield* sender.trySend('later'))
    t.is(yield* receiver.receive(), 'later')
  })
})

test('several producers, one consumer: the end comes when the last of them is done', (t) => {
  covers(t, 'trio channel: channel_multiple_producers')
  const got = virtual({}, function* () {
    const [sender, receiver] = channel<number>()
    function* producer(end: Sender<number>, i: number): Operation<void> {
      yield* end.with(function* () {
        for (let j = 3 * i; j < 3 * (i + 1); j++) yield* end.send(j)
      })
    }
    return yield* nursery(function* (n) {
      yield* sender.with(function* () {
        for (let i = 0; i < 10; i++) {
          const end = sender.clone()
          yield* n.spawn(() => producer(end, i))
        }
      })
      return yield* drain(receiver)
    })
  })
  t.deepEqual(
    got.sort((a, b) => a - b),
    Array.from({ length: 30 }, (_, i) => i),
  )
})

test('several consumers: each item goes to one of them, and all hear of the end', (t) => {
  covers(t, 'trio channel: channel_multiple_consumers')
  virtual({}, function* () {
    const [sender, receiver] = channel<number>(1)
    const got: number[] = []
    const shares: number[] = []
    yield* nursery(function* (n) {
      for (let i = 0; i < 5; i++) {
        yield* n.spawn(function* () {
          const items = yield* drain(receiver)
          shares.push(items.length)
          got.push(...items)
        })
      }
      yield* waitAllBlocked()
      yield* sender.with(function* () {
        for (let i = 0; i < 10; i++) yield* sender.send(i)
      })
    })
    t.deepEqual(
      got.sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    )
    t.true(
      shares.every((share) => share > 0),
      shares.join(' '),
    )
  })
})

test('closing an end fails the tasks that use it, and every later use', (t) => {
  covers(t, 'trio channel: close_basics', 'trio channel: close_sync')
  virtual({}, function* () {
    const [sender, receiver] = channel<number>(0, { name: 'pipe' })
    const sending = yield* spawn(() => thrownBy(sender.send(1)))
    yield* waitAllBlocked()
    yield* sender.close()
    yield* sender.close()
    const error = (yield* sending.join()) as Error
    t.true(error instanceof ClosedError)
    t.is(error.message, 'Cannot send to the channel pipe: this sender was closed meanwhile')
    t.true((yield* thrownBy(sender.send(1))) instanceof ClosedError)
    t.true(thrown(() => sender.clone()) instanceof ClosedError)
    t.is(yield* receiver.receive(), null)

    const [s, r] = channel<number>()
    const receiving = yield* spawn(() => thrownBy(r.receive()))
    yield* waitAllBlocked()
    yield* r.close()
    t.true((yield* receiving.join()) instanceof ClosedError)
    t.true((yield* thrownBy(r.receive())) instanceof ClosedError)
    t.true(thrown(() => r.clone()) instanceof ClosedError)
    t.true((yield* thrownBy(s.send(1))) instanceof BrokenError)
    t.true((yield* thrownBy(s.trySend(1))) instanceof BrokenError)

    const [s2, r2] = channel<number>()
    const stuck = yield* spawn(() => thrownBy(s2.send(1)))
    yield* waitAllBlocked()
    yield* r2.close()
    const broken = (yield* stuck.join()) as Error
    t.true(broken instanceof BrokenError)
    t.regex(broken.message, /every receiver is closed/)
  })
})

test('an end that was transferred and closed by with is closed once', (t) => {
  covers(t, 'trio channel: receive_channel_clone_and_close')
  virtual({}, function* () {
    const [sender, receiver] = channel<string>(10)
    const clone = receiver.clone()
    const another = receiver.clone()
    yield* sender.trySend('hello')
    yield* receiver.with(function* () {})
    yield* clone.with(function* () {
      t.is(sender.statistics().openReceivers, 2)
    })
    t.is(yield* another.tryReceive(), 'hello')
    yield* another.close()
    t.true((yield* thrownBy(sender.trySend('x'))) instanceof BrokenError)
    const boom = new Error('boom')
    const [s] = channel<string>()
    t.is(yield* thrownBy(s.with(fail(boom))), boom)
    t.true(s.closed)
  })
})

test('closing one of several senders fails only those who wait through it', (t) => {
  covers(t, 'trio channel: close_multiple_send_handles')
  virtual({}, function* () {
    const [s1, receiver] = channel<string>()
    const s2 = s1.clone()
    const nope = yield* spawn(() => thrownBy(s1.send('nope')))
    const yep = yield* spawn(() => s2.send('yep'))
    yield* waitAllBlocked()
    yield* s1.close()
    t.true((yield* nope.join()) instanceof ClosedError)
    t.is(yield* receiver.receive(), 'yep')
    yield* yep.join()
  })
})

test('closing one of several receivers fails only those who wait through it', (t) => {
  covers(t, 'trio channel: close_multiple_receive_handles')
  virtual({}, function* () {
    const [sender, r1] = channel<string>()
    const r2 = r1.clone()
    const nope = yield* spawn(() => thrownBy(r1.receive()))
    const yep = yield* spawn(() => r2.receive())
    yield* waitAllBlocked()
    yield* r1.close()
    t.true((yield* nope.join()) instanceof ClosedError)
    yield* sender.send('ok')
    t.is(yield* yep.join(), 'ok')
  })
})

test('without limit a send never waits', (t) => {
  covers(t, 'trio channel: inf_capacity')
  virtual({}, function* () {
    const [sender, receiver] = channel<number>(Number.POSITIVE_INFINITY)
    yield* sender.with(function* () {
      for (let i = 0; i < 10; i++) t.true(yield* sender.trySend(i))
    })
    t.is((yield* drain(receiver)).length, 10)
  })
})

test('statistics count what is in hand', (t) => {
  covers(t, 'trio channel: statistics')
  virtual({}, function* () {
    const [sender, receiver] = channel<number>(2)
    const none = { buffered: 0, capacity: 2, openSenders: 1, openReceivers: 1, sending: 0, receiving: 0 }
    t.deepEqual(sender.statistics(), none)
    t.deepEqual(receiver.statistics(), none)
    const clone = sender.clone()
    t.is(sender.statistics().openSenders, 2)
    yield* clone.close()
    t.is(sender.statistics().openSenders, 1)
    yield* sender.trySend(1)
    yield* sender.send(2)
    t.is(sender.statistics().buffered, 2)
    const waiting = yield* spawn(() => sender.send(3))
    yield* waitAllBlocked()
    t.deepEqual(receiver.statistics(), { ...none, buffered: 2, sending: 1 })
    yield* waiting.cancel()
    t.is(sender.statistics().sending, 0)
    yield* receiver.receive()
    yield* receiver.receive()
    const asking = yield* spawn(() => receiver.receive())
    yield* waitAllBlocked()
    t.is(receiver.statistics().receiving, 1)
    yield* asking.cancel()
    t.deepEqual(sender.statistics(), none)
  })
})

test('nobody overtakes: a receive goes behind those that wait, a send too', (t) => {
  covers(t, 'trio channel: channel_fairness')
  virtual({}, function* () {
    const [sender, receiver] = channel<number | null>(1)
    // One that waits gets the item, although another asks between the wake-up and its turn.
    let result: number | null = -1
    const waiter = yield* spawn(function* () {
      result = yield* receiver.receive()
    })
    yield* waitAllBlocked()
    t.true(yield* sender.trySend(2))
    t.is(yield* receiver.tryReceive(), undefined)
    yield* waiter.join()
    t.is(result, 2)
    // A sender that waits gets its place, although another one tries when there is room.
    yield* sender.trySend(1)
    const second = yield* spawn(() => sender.send(2))
    yield* waitAllBlocked()
    t.is(yield* receiver.tryReceive(), 1)
    t.false(yield* sender.trySend(3))
    yield* second.join()
    t.is(yield* receiver.receive(), 2)
  })
})

test('without capacity sender and receiver meet', (t) => {
  covers(t, 'trio channel: unbuffered')
  virtual({}, function* () {
    const [sender, receiver] = channel<number>()
    t.is(yield* receiver.tryReceive(), undefined)
    t.false(yield* sender.trySend(1))
    const log: string[] = []
    const task = yield* spawn(function* () {
      yield* sender.send(1)
      log.push('sent 1')
      yield* sender.send(2)
      log.push('sent 2')
    })
    yield* waitAllBlocked()
    t.deepEqual(log, [])
    t.is(yield* receiver.receive(), 1)
    yield* waitAllBlocked()
    t.deepEqual(log, ['sent 1'])
    t.is(yield* receiver.receive(), 2)
    yield* task.join()
    t.true((yield* thrownBy(sender.send(3, { timeout: 5 }))) instanceof TimeoutError)
    t.true((yield* thrownBy(receiver.receive({ timeout: 5 }))) instanceof TimeoutError)
    const eager = yield* spawn(() => receiver.receive())
    yield* checkpoint()
    t.true(yield* sender.trySend(4))
    t.is(yield* eager.join(), 4)
  })
})

test('closing the last receiver drops what lies in the channel', (t) => {
  virtual({}, function* () {
    const [sender, receiver] = channel<number>(5)
    yield* sender.send(1)
    yield* receiver.close()
    t.is(sender.statistics().buffered, 0)
  })
})

test('a consumer that is cancelled in the middle leaves the rest to others', (t) => {
  virtual({}, function* () {
    const [sender, receiver] = channel<number>(10)
    for (let i = 0; i < 6; i++) yield* sender.send(i)
    yield* sender.close()
    const seen: number[] = []
    yield* moveOn(
      25,
      receiver.each(function* (item) {
        seen.push(item)
        yield* sleep(10)
      }),
    )
    t.deepEqual(seen, [0, 1, 2])
    t.deepEqual(yield* drain(receiver), [3, 4, 5])
  })
})
