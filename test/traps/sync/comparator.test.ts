/**
 * A comparison that throws fails the call that needed it, and nothing else: every item is there once, in its order.
 */
import test from 'ava'
import { nursery, type Operation, PriorityQueue, spawn } from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { Heap } from '../../../traps/sync/items.js'
import { thrown, thrownBy } from '../../kit.js'

/** Compares numbers, and throws at the comparison with this number. */
class Comparison {
  private left = Number.POSITIVE_INFINITY

  failAfter(comparisons: number): void {
    this.left = comparisons
  }

  readonly compare = (a: number, b: number): number => {
    if (this.left-- <= 0) throw new RangeError('cannot compare')
    return a - b
  }
}

const ITEMS = [5, 3, 8, 1, 9, 2, 7, 4, 6, 0]

function drain(heap: Heap<number>): number[] {
  return Array.from({ length: heap.size }, () => heap.take())
}

test('a comparison that throws at any moment leaves every item in the heap once, and in order', (t) => {
  const sorted = [...ITEMS].sort((a, b) => a - b)
  for (let at = 0; at < 8; at++) {
    const comparison = new Comparison()
    const heap = new Heap(comparison.compare)
    for (const item of ITEMS) heap.add(item)

    comparison.failAfter(at)
    let failed = 0
    try {
      heap.add(-1)
      failed = heap.size
    } catch (error) {
      t.true(error instanceof RangeError)
    }
    comparison.failAfter(Number.POSITIVE_INFINITY)
    const all = failed === 0 ? sorted : [-1, ...sorted]
    t.is(heap.size, all.length)

    comparison.failAfter(at)
    let first: number | undefined
    try {
      first = heap.take()
    } catch (error) {
      t.true(error instanceof RangeError)
    }
    comparison.failAfter(Number.POSITIVE_INFINITY)
    t.deepEqual(first === undefined ? drain(heap) : [first, ...drain(heap)], all)
  }
})

test('a comparison that throws from the first moment changes nothing', (t) => {
  const comparison = new Comparison()
  const heap = new Heap(comparison.compare)
  heap.add(2)
  heap.add(3)
  heap.add(4)
  comparison.failAfter(0)
  t.true(thrown(() => heap.add(1)) instanceof RangeError)
  t.true(thrown(() => heap.take()) instanceof RangeError)
  comparison.failAfter(Number.POSITIVE_INFINITY)
  t.deepEqual(drain(heap), [2, 3, 4])
})

test('put, tryPut, get and tryGet of a priority queue fail with the error of the comparison and move no item', (t) => {
  virtual({}, function* () {
    const comparison = new Comparison()
    const queue = new PriorityQueue<number>(10, { compare: comparison.compare })
    for (const item of ITEMS.slice(0, 6)) yield* queue.put(item)
    for (const call of [() => queue.put(0), () => queue.tryPut(0), () => queue.get(), () => queue.tryGet()]) {
      comparison.failAfter(0)
      t.true((yield* thrownBy(call)) instanceof RangeError)
    }
    comparison.failAfter(Number.POSITIVE_INFINITY)
    t.is(queue.statistics().unfinished, 6)
    const got: number[] = []
    while (queue.size > 0) got.push(yield* queue.get())
    t.deepEqual(got, [1, 2, 3, 5, 8, 9])
  })
})

test('an item that cannot be compared when there is room for it fails its put, and the room is for the next one', (t) => {
  virtual({}, function* () {
    const compare = (a: number, b: number): number => {
      if (Number.isNaN(a) || Number.isNaN(b)) throw new RangeError('cannot compare')
      return a - b
    }
    const queue = new PriorityQueue<number>(2, { compare })
    yield* queue.put(1)
    yield* queue.put(2)
    let failed: unknown
    yield* nursery(function* (n) {
      yield* n.spawn(function* (): Operation<void> {
        failed = yield* thrownBy(queue.put(Number.NaN))
      })
      yield* waitAllBlocked()
      yield* spawn(() => queue.put(3))
      yield* waitAllBlocked()
      t.is(yield* queue.get(), 1)
    })
    t.true(failed instanceof RangeError)
    t.is(yield* queue.get(), 2)
    t.is(yield* queue.get(), 3)
    t.is(queue.statistics().unfinished, 3)
  })
})
