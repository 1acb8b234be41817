/**
 * The ready queue and the random numbers that shuffle it: a ring that grows and wraps, and orders that come back with
 * their seed. What a seed does to a running kernel is in order.test.ts.
 */
import test from 'ava'
import { seededRandom } from '../../../kernel/random.js'
import { ReadyQueue } from '../../../kernel/schedule/ready.js'
import type { TaskRecord } from '../../../kernel/task/task.js'

// The queue never looks into a task; a number does as well.
const task = (n: number): TaskRecord => n as unknown as TaskRecord

const takeAll = (queue: ReadyQueue): number[] => {
  const order: number[] = []
  while (queue.length > 0) order.push(queue.take() as unknown as number)
  return order
}

const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i)

test('first come, first served', (t) => {
  const queue = new ReadyQueue()
  for (const n of upTo(10)) queue.push(task(n))
  t.is(queue.length, 10)
  t.deepEqual(takeAll(queue), upTo(10))
  t.is(queue.length, 0)
})

test('it grows past its first size and keeps the order', (t) => {
  const queue = new ReadyQueue()
  for (const n of upTo(100_000)) queue.push(task(n))
  t.deepEqual(takeAll(queue), upTo(100_000))
})

test('it keeps the order when it wraps around its end, and when it grows while wrapped', (t) => {
  const queue = new ReadyQueue()
  let next = 0
  let expected = 0
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 41; i++) queue.push(task(next++))
    for (let i = 0; i < 23; i++) t.is(queue.take() as unknown as number, expected++)
  }
  t.is(queue.length, 50 * 18)
  t.deepEqual(takeAll(queue), upTo(50 * 18, expected))
})

test('it stays at its size when it is emptied as fast as it is filled', (t) => {
  const queue = new ReadyQueue()
  for (let i = 0; i < 60; i++) queue.push(task(i))
  for (let i = 60; i < 100_000; i++) {
    queue.push(task(i))
    if ((queue.take() as unknown as number) !== i - 60) t.fail(`lost its order at ${i}`)
  }
  t.is((queue as unknown as { ring: unknown[] }).ring.length, 64)
})

test('it holds on to no task that it has handed out', (t) => {
  const queue = new ReadyQueue()
  for (const n of upTo(64, 1)) queue.push(task(n))
  takeAll(queue)
  t.true((queue as unknown as { ring: unknown[] }).ring.every((slot) => slot === null))
})

test('shuffling moves only the first tasks, and loses none', (t) => {
  const queue = new ReadyQueue()
  for (const n of upTo(30)) queue.push(task(n))
  queue.shuffle(20, seededRandom(7))
  const order = takeAll(queue)
  t.deepEqual(order.slice(20), upTo(10, 20))
  t.notDeepEqual(order.slice(0, 20), upTo(20))
  t.deepEqual(
    order.slice(0, 20).sort((a, b) => a - b),
    upTo(20),
  )
})

test('a wrapped queue is shuffled like any other', (t) => {
  const queue = new ReadyQueue()
  for (const n of upTo(63)) queue.push(task(n))
  for (let i = 0; i < 50; i++) queue.take()
  for (const n of upTo(40, 63)) queue.push(task(n))
  queue.shuffle(53, seededRandom(7))
  t.deepEqual(
    takeAll(queue).sort((a, b) => a - b),
    upTo(53, 50),
  )
})

test('shuffling reaches every order', (t) => {
  const random = seededRandom(3)
  const seen = new Map<string, number>()
  for (let i = 0; i < 2400; i++) {
    const queue = new ReadyQueue()
    for (const n of upTo(4)) queue.push(task(n))
    queue.shuffle(4, random)
    const order = takeAll(queue).join('')
    seen.set(order, (seen.get(order) ?? 0) + 1)
  }
  t.is(seen.size, 24)
  // 100 of each are expected; far more or far fewer would be a bias.
  for (const [order, count] of seen) t.true(count > 50 && count < 160, `${order}: ${count} of 2400`)
})

test('a seed gives the same numbers each time, in [0, 1)', (t) => {
  const once = seededRandom(42)
  const again = seededRandom(42)
  for (let i = 0; i < 1000; i++) {
    const n = once()
    t.is(again(), n)
    t.true(n >= 0 && n < 1)
  }
})

test('seeds that lie close together give different numbers', (t) => {
  const firsts = upTo(1000).map((seed) => {
    const random = seededRandom(seed)
    return [random(), random(), random()].join()
  })
  t.true(new Set(firsts).size > 990, `${new Set(firsts).size} of 1000 differ`)
})
