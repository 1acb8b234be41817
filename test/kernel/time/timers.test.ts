/**
 * The timer heap by itself: the order of times, FIFO among equals, cancelling anywhere, and size.
 *
 * The random test drives the heap and a sorted array with the same calls and compares every answer; a failure prints the
 * seed that shows it again.
 */

import test from 'ava'
import { seededRandom } from '../../../kernel/random.js'
import { Timers } from '../../../kernel/time/timers.js'
import { covers } from '../../covers.js'

interface Entry {
  timerIndex: number
  readonly name: string
}

const entry = (name: string | number): Entry => ({ timerIndex: -1, name: String(name) })

function drain(timers: Timers<Entry>, now = Number.POSITIVE_INFINITY): string[] {
  const order: string[] = []
  for (let due = timers.due(now); due !== null; due = timers.due(now)) order.push(due.name)
  return order
}

test('timers come out in the order of their times', (t) => {
  const timers = new Timers<Entry>()
  for (const at of [5, 1, 4, 2, 3, 0]) timers.set(entry(at), at)
  t.is(timers.next, 0)
  t.deepEqual(drain(timers), ['0', '1', '2', '3', '4', '5'])
  t.is(timers.size, 0)
  t.is(timers.next, Number.POSITIVE_INFINITY)
})

test('only timers whose time has come come out', (t) => {
  covers(t, 'curio timequeue: timequeue_expired')
  const timers = new Timers<Entry>()
  for (const at of [50, 10, 40, 20, 30]) timers.set(entry(at), at)
  t.is(timers.due(9.999), null)
  t.deepEqual(drain(timers, 30), ['10', '20', '30'])
  t.is(timers.next, 40)
  t.is(timers.size, 2)
})

test('equal times come out in the order in which they were set', (t) => {
  const timers = new Timers<Entry>()
  for (let i = 0; i < 200; i++) timers.set(entry(i), 7)
  t.deepEqual(
    drain(timers),
    Array.from({ length: 200 }, (_, i) => String(i)),
  )
})

test('equal times keep their order when others are taken out of the middle', (t) => {
  const timers = new Timers<Entry>()
  const entries = Array.from({ length: 100 }, (_, i) => entry(i))
  for (const one of entries) timers.set(one, 7)
  for (let i = 0; i < 100; i += 3) timers.remove(entries[i] as Entry)
  t.deepEqual(
    drain(timers),
    entries.filter((_, i) => i % 3 !== 0).map(({ name }) => name),
  )
})

test('a timer can be taken out of any place', (t) => {
  const count = 40
  for (let victim = 0; victim < count; victim++) {
    const timers = new Timers<Entry>()
    const entries = Array.from({ length: count }, (_, i) => entry((i * 17) % count))
    for (const one of entries) timers.set(one, Number(one.name))
    const gone = entries[victim] as Entry
    timers.remove(gone)
    t.is(gone.timerIndex, -1)
    const left = entries.filter((one) => one !== gone).map(({ name }) => Number(name))
    t.deepEqual(
      drain(timers).map(Number),
      left.sort((a, b) => a - b),
    )
  }
})

test('taking out what is not in it does nothing', (t) => {
  const timers = new Timers<Entry>()
  const one = entry('one')
  timers.remove(one)
  timers.set(one, 1)
  timers.remove(one)
  timers.remove(one)
  t.is(timers.size, 0)
  t.is(timers.due(2), null)
})

test('setting a timer again moves it, in both directions', (t) => {
  const timers = new Timers<Entry>()
  const [a, b, c] = [entry('a'), entry('b'), entry('c')]
  timers.set(a, 10)
  timers.set(b, 20)
  timers.set(c, 30)
  timers.set(c, 5)
  timers.set(a, 40)
  t.is(timers.size, 3)
  t.deepEqual(drain(timers), ['c', 'b', 'a'])
})

test('times may be fractions, negative and infinite', (t) => {
  const timers = new Timers<Entry>()
  for (const at of [Number.POSITIVE_INFINITY, 0.1 + 0.2, 0.3, -0, Number.NEGATIVE_INFINITY, -1e-300]) {
    timers.set(entry(at), at)
  }
  t.deepEqual(drain(timers, Number.MAX_VALUE), ['-Infinity', '-1e-300', '0', '0.3', '0.30000000000000004'])
  t.is(timers.size, 1)
})

test('a million timers come out sorted, every other one cancelled', (t) => {
  const random = seededRandom(1)
  const timers = new Timers<Entry>()
  const entries: Entry[] = []
  for (let i = 0; i < 1_000_000; i++) {
    const one = entry(i)
    entries.push(one)
    timers.set(one, Math.floor(random() * 100_000))
  }
  for (let i = 0; i < entries.length; i += 2) timers.remove(entries[i] as Entry)
  t.is(timers.size, 500_000)
  let last = 0
  let count = 0
  for (let at = timers.next; timers.size > 0; at = timers.next) {
    if (at < last) t.fail(`${at} came after ${last}`)
    last = at
    if (timers.due(at)?.timerIndex === -1) count++
  }
  t.is(count, 500_000)
})

test('whatever is done to it, it agrees with a sorted array', (t) => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seededRandom(seed)
    const timers = new Timers<Entry>()
    const entries = Array.from({ length: 150 }, (_, i) => entry(i))
    let model: { readonly entry: Entry; readonly at: number; readonly order: number }[] = []
    const forget = (one: Entry): void => {
      model = model.filter((other) => other.entry !== one)
    }
    for (let step = 0; step < 2000; step++) {
      const one = entries[Math.floor(random() * entries.length)] as Entry
      const action = random()
      if (action < 0.55) {
        const at = Math.floor(random() * 40)
        timers.set(one, at)
        forget(one)
        model.push({ entry: one, at, order: step })
        model.sort((a, b) => a.at - b.at || a.order - b.order)
      } else if (action < 0.75) {
        timers.remove(one)
        forget(one)
      } else {
        const now = Math.floor(random() * 12)
        const first = model[0]
        const expected = first !== undefined && first.at <= now ? first.entry : null
        if (timers.due(now) !== expected) t.fail(`seed ${seed}, step ${step}: the wrong timer was due`)
        if (expected !== null) forget(expected)
      }
      if (timers.size !== model.length) t.fail(`seed ${seed}, step ${step}: ${timers.size} timers, not ${model.length}`)
      if (timers.next !== (model[0]?.at ?? Number.POSITIVE_INFINITY))
        t.fail(`seed ${seed}, step ${step}: wrong next time`)
    }
    t.deepEqual(
      drain(timers),
      model.map(({ entry: { name } }) => name),
      `seed ${seed}`,
    )
  }
})
