/**
 * What is eight times as large takes eight times as many steps, not sixty-four: counted, without a clock.
 *
 * A step is a look at something that the structure has one of for each member: a task's own nursery, or a comparison.
 */
import test from 'ava'
import { nursery, type Operation, PriorityQueue, sleep } from 'drupe'
import { virtual } from 'drupe/testing'
import { Task } from '../../kernel/task.js'

/** How often tasks are asked for their own nursery while this runs; every walk over tasks that matters asks that. */
function looks(body: () => void): number {
  const original = Object.getOwnPropertyDescriptor(Task.prototype, 'own') as PropertyDescriptor
  let count = 0
  Object.defineProperty(Task.prototype, 'own', {
    ...original,
    get(this: Task) {
      count++
      return original.get?.call(this)
    },
  })
  try {
    body()
  } finally {
    Object.defineProperty(Task.prototype, 'own', original)
  }
  return count
}

/** With n and with 8 n: no more than 8 times as many steps, and a few. */
const proportional = (steps: (n: number) => number): boolean => steps(800) <= 8 * steps(100) * 1.1 + 100

test('a nursery is left by its daemons in proportion to their number', (t) => {
  const leave = (n: number): number =>
    looks(() =>
      virtual({}, () =>
        nursery(function* (group): Operation<void> {
          for (let i = 0; i < n; i++) yield* group.spawn(() => sleep(60_000), { daemon: true })
          yield* sleep(1)
        }),
      ),
    )
  t.true(proportional(leave))
})

test('a nursery of tasks that end one after the other, some of them daemons', (t) => {
  const end = (n: number): number =>
    looks(() =>
      virtual({}, () =>
        nursery(function* (group): Operation<void> {
          for (let i = 0; i < n; i++) yield* group.spawn(() => sleep(i), { daemon: i % 2 === 0 })
        }),
      ),
    )
  t.true(proportional(end))
})

test('putting back and forth in a priority queue compares n log n times', (t) => {
  const compared = (n: number): number => {
    let count = 0
    virtual({}, function* () {
      const compare = (a: number, b: number): number => {
        count++
        return a - b
      }
      const queue = new PriorityQueue<number>(n, { compare })
      for (let i = 0; i < n; i++) yield* queue.put((i * 7919) % n)
      for (let i = 0; i < n; i++) yield* queue.get()
    })
    return count / Math.log2(n)
  }
  t.true(proportional(compared))
})
