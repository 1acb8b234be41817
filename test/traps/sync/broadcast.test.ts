/**
 * Broadcast: everybody gets everything, and what is done about those who are slow is what they asked for.
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
import { broadcast } from '../../../traps/sync/broadcast.js'
import type { Subscription } from '../../../traps/sync/subscription.js'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'

function* rest<T>(subscription: Subscription<T>): Operation<T[]> {
  const items: T[] = []
  yield* subscription.each(function* (item) {
    items.push(item)
  })
  return items
}

test('every subscriber gets every item from its subscription on', (t) => {
  covers(
    t,
    'effection channel: receives messages in order',
    'effection channel: receives message on subscription; receives message on subscribable end',
  )
  virtual({}, function* () {
    const news = broadcast<number>()
    yield* news.publish(0)
    const a = news.subscribe()
    yield* news.publish(1)
    const b = news.subscribe()
    const waiting = yield* spawn(() => rest(b))
    yield* checkpoint()
    yield* news.publish(2)
    t.true(yield* news.tryPublish(3))
    t.is(news.statistics().subscribers, 2)
    yield* news.close()
    t.deepEqual(yield* rest(a), [1, 2, 3])
    t.deepEqual(yield* waiting.join(), [2, 3])
    t.is(yield* a.receive(), null)
    t.is(yield* a.tryReceive(), null)
    t.true((yield* thrownBy(news.publish(4))) instanceof ClosedError)
    t.true((yield* thrownBy(news.tryPublish(4))) instanceof ClosedError)
    t.true(thrown(() => news.subscribe()) instanceof ClosedError)
    yield* news.close()
  })
})

test('wait: publishing waits for the slowest, in order, and a cancelled publish gives to none', (t) => {
  virtual({}, function* () {
    const news = broadcast<number>({ capacity: 1, slow: 'wait' })
    const fast = news.subscribe()
    const slow = news.subscribe()
    yield* news.publish(1)
    t.is(yield* fast.receive(), 1)
    t.false(yield* news.tryPublish(2))
    t.is(yield* moveOn(5, news.publish(2), 'late'), 'late')
    t.true((yield* thrownBy(news.publish(2, { timeout: 5 }))) instanceof TimeoutError)
    t.is(fast.statistics().buffered, 0)
    const publishers = []
    for (const item of [3, 4]) {
      publishers.push(yield* spawn(() => news.publish(item)))
      yield* checkpoint()
    }
    t.is(news.statistics().publishing, 2)
    t.is(yield* slow.receive(), 1)
    yield* waitAllBlocked()
    t.is(news.statistics().publishing, 1)
    t.is(yield* fast.receive(), 3)
    yield* waitAllBlocked()
    t.is(news.statistics().publishing, 1)
    t.is(yield* slow.tryReceive(), 3)
    for (const publisher of publishers) yield* publisher.join()
    t.is(yield* fast.receive(), 4)
    t.is(yield* slow.receive(), 4)
  })
})

test('wait: a subscriber that leaves is not waited for any more', (t) => {
  virtual({}, function* () {
    const news = broadcast<number>({ capacity: 1 })
    const gone = news.subscribe()
    const here = news.subscribe({ capacity: 10 })
    yield* news.publish(1)
    const publisher = yield* spawn(() => news.publish(2))
    yield* checkpoint()
    t.is(publisher.state, 'waiting')
    yield* gone.close()
    yield* gone.close()
    yield* publisher.join()
    t.true((yield* thrownBy(gone.receive())) instanceof ClosedError)
    t.is(news.statistics().subscribers, 1)
    t.is(yield* here.receive(), 1)
    t.is(yield* here.receive(), 2)
  })
})

test('dropOldest: a slow reader gets the latest and knows how many it missed', (t) => {
  virtual({}, function* () {
    const news = broadcast<number>({ capacity: 3, slow: 'dropOldest' })
    const reader = news.subscribe()
    for (let i = 0; i < 10; i++) yield* news.publish(i)
    yield* news.close()
    t.deepEqual(yield* rest(reader), [7, 8, 9])
    t.is(reader.missed, 7)
  })
})

test('dropNewest: a slow reader gets the first and knows how many it missed', (t) => {
  virtual({}, function* () {
    const news = broadcast<number>({ capacity: 3, slow: 'dropNewest' })
    const reader = news.subscribe()
    for (let i = 0; i < 10; i++) yield* news.publish(i)
    t.deepEqual(reader.statistics(), { buffered: 3, capacity: 3, missed: 7, receiving: 0, closed: false })
    yield* news.close()
    t.deepEqual(yield* rest(reader), [0, 1, 2])
  })
})

test('close: a reader that is too slow gets what it has and then an error; the others go on', (t) => {
  virtual({}, function* () {
    const news = broadcast<number>({ capacity: 2, name: 'prices' })
    const slow = news.subscribe({ slow: 'close' })
    const other = news.subscribe({ capacity: 10, slow: 'close' })
    for (let i = 0; i < 4; i++) yield* news.publish(i)
    t.is(news.statistics().subscribers, 1)
    t.true(slow.closed)
    t.is(yield* slow.receive(), 0)
    t.is(yield* slow.receive(), 1)
    const error = (yield* thrownBy(slow.receive())) as Error
    t.true(error instanceof BrokenError)
    t.is(
      error.message,
      'Cannot receive from the broadcast prices: the reader was too slow; more than 2 items were waiting',
    )
    yield* news.close()
    t.deepEqual(yield* rest(other), [0, 1, 2, 3])
  })
})

test('one broadcast, each policy: the slow ones that wait hold up all, the others nobody', (t) => {
  virtual({}, function* () {
    const news = broadcast<number>({ capacity: 1 })
    const subscriptions = (['dropOldest', 'dropNewest', 'close'] as const).map((slow) => news.subscribe({ slow }))
    const patient = news.subscribe()
    const got: number[] = []
    yield* nursery(function* (n) {
      yield* n.spawn(() =>
        patient.each(function* (item) {
          got.push(item)
          yield* sleep(1)
        }),
      )
      for (let i = 0; i < 5; i++) yield* news.publish(i)
      yield* news.close()
    })
    t.deepEqual(got, [0, 1, 2, 3, 4])
    t.deepEqual(
      subscriptions.map((one) => one.missed),
      [4, 4, 1],
    )
  })
})

test('closing wakes readers and fails publishers; a closed subscription fails its readers', (t) => {
  covers(t, 'effection channel: closes subscriptions')
  virtual({}, function* () {
    const news = broadcast<number>({ capacity: 1 })
    const idle = news.subscribe()
    const reader = yield* spawn(() => idle.receive())
    yield* checkpoint()
    yield* news.close()
    t.is(yield* reader.join(), null)

    const full = broadcast<number>({ capacity: 1 })
    full.subscribe()
    yield* full.publish(1)
    const publisher = yield* spawn(() => thrownBy(full.publish(2)))
    yield* checkpoint()
    yield* full.close()
    t.true((yield* publisher.join()) instanceof ClosedError)

    const more = broadcast<number>()
    const subscription = more.subscribe()
    const failing = yield* spawn(() => thrownBy(subscription.receive()))
    yield* checkpoint()
    yield* subscription.with(function* () {})
    t.true((yield* failing.join()) instanceof ClosedError)
    t.is(more.statistics().subscribers, 0)
    t.true((yield* thrownBy(subscription.receive({ timeout: 1 }))) instanceof ClosedError)
  })
  for (const capacity of [0, 0.5, Number.NaN]) t.true(thrown(() => broadcast({ capacity })) instanceof RangeError)
})

test('a reader that is cancelled leaves the items where they are', (t) => {
  virtual({}, function* () {
    const news = broadcast<number>()
    const subscription = news.subscribe()
    t.is(yield* moveOn(1, subscription.receive(), 'nothing'), 'nothing')
    yield* news.publish(1)
    t.is(yield* subscription.receive(), 1)
    t.true((yield* thrownBy(subscription.receive({ timeout: 1 }))) instanceof TimeoutError)
  })
})

test('publishing to slow readers looks at each of them so many times, however many there are', (t) => {
  const looks = (readers: number): number => {
    let count = 0
    virtual({}, function* () {
      const news = broadcast<number>({ capacity: 2 })
      const all = Array.from({ length: readers }, () => news.subscribe())
      const { holdsUp } = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(all[0]))
      for (const one of all) {
        Object.defineProperty(one, 'holdsUp', { get: () => ++count > 0 && holdsUp?.get?.call(one) })
        yield* spawn(() => one.each(() => sleep(1)))
      }
      for (let i = 0; i < 20; i++) yield* news.publish(i)
      yield* news.close()
    })
    return count
  }
  const few = looks(20)
  const many = looks(160)
  t.true(many <= few * 9, `${few} and ${many}`)
})
