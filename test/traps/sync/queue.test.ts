/**
 * Queues: every item arrives once, in the order of the queue, and nobody overtakes.
 */

import test from 'ava'
import {
  ClosedError,
  checkpoint,
  KernelStateError,
  moveOn,
  nursery,
  type Operation,
  sleep,
  spawn,
  TimeoutError,
  timeout,
} from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { Fifo } from '../../../kernel/protocol/fifo.js'
import { Heap } from '../../../traps/sync/items.js'
import { LifoQueue, PriorityQueue } from '../../../traps/sync/ordered.js'
import { Queue } from '../../../traps/sync/queue.js'
import { covers } from '../../covers.js'
import { thrown, thrownBy } from '../../kit.js'

test('a consumer gets what a producer puts, in its order, and join waits for the work', (t) => {
  covers(t, 'curio queue: queue_simple')
  const log = virtual({}, function* () {
    const queue = new Queue<number>()
    const log: string[] = []
    yield* spawn(
      function* () {
        for (;;) {
          const item = yield* queue.get()
          yield* sleep(1)
          log.push(`done ${item}`)
          yield* queue.taskDone()
        }
      },
      { daemon: true },
    )
    for (let i = 0; i < 3; i++) yield* queue.put(i)
    log.push('put')
    yield* queue.join()
    log.push('joined')
    return log
  })
  t.deepEqual(log, ['put', 'done 0', 'done 1', 'done 2', 'joined'])
})

test('without capacity put never waits', (t) => {
  covers(t, 'curio queue: queue_unbounded', 'trio unbounded_queue: UnboundedQueue_basic')
  virtual({}, function* () {
    const queue = new Queue<number>()
    for (let i = 0; i < 1000; i++) yield* queue.put(i)
    t.is(queue.size, 1000)
    for (let i = 0; i < 1000; i++) t.is(yield* queue.get(), i)
    t.is(queue.size, 0)
    t.is(yield* queue.tryGet(), undefined)
  })
})

test('a full queue makes put wait', (t) => {
  covers(t, 'curio queue: queue_bounded')
  const log = virtual({}, function* () {
    const queue = new Queue<number>(2)
    const log: string[] = []
    yield* nursery(function* (n) {
      yield* n.spawn(function* () {
        for (let i = 0; i < 4; i++) {
          yield* queue.put(i)
          log.push(`put ${i}`)
        }
      })
      yield* sleep(10)
      for (let i = 0; i < 4; i++) {
        log.push(`got ${yield* queue.get()}`)
        yield* sleep(10)
      }
    })
    return log
  })
  t.deepEqual(log, ['put 0', 'put 1', 'got 0', 'put 2', 'got 1', 'put 3', 'got 2', 'got 3'])
})

test('a cancelled get leaves the line and takes nothing', (t) => {
  covers(t, 'curio queue: queue_get_cancel')
  virtual({}, function* () {
    const queue = new Queue<number>()
    const getter = yield* spawn(() => queue.get())
    yield* checkpoint()
    t.is(queue.statistics().getting, 1)
    yield* getter.cancel()
    t.is(queue.statistics().getting, 0)
    yield* queue.put(1)
    t.is(yield* queue.get(), 1)
  })
})

test('a cancelled put has put nothing', (t) => {
  covers(t, 'curio queue: queue_put_cancel')
  virtual({}, function* () {
    const queue = new Queue<number>(1)
    yield* queue.put(0)
    const putter = yield* spawn(() => queue.put(1))
    yield* checkpoint()
    t.is(queue.statistics().putting, 1)
    yield* putter.cancel()
    t.deepEqual(queue.statistics(), { size: 1, capacity: 1, unfinished: 1, getting: 0, putting: 0, closed: false })
    t.is(yield* queue.get(), 0)
    t.is(yield* queue.tryGet(), undefined)
  })
})

test('a get that takes too long takes nothing', (t) => {
  covers(t, 'curio queue: queue_get_timeout')
  virtual({}, function* () {
    const queue = new Queue<number>()
    t.true((yield* thrownBy(timeout(10, queue.get()))) instanceof TimeoutError)
    t.true((yield* thrownBy(queue.get({ timeout: 10 }))) instanceof TimeoutError)
    yield* queue.put(1)
    t.is(yield* queue.get({ timeout: 10 }), 1)
  })
})

test('a put that takes too long has put nothing', (t) => {
  covers(t, 'curio queue: queue_put_timeout')
  virtual({}, function* () {
    const queue = new Queue<number>(1)
    yield* queue.put(0)
    t.is(yield* moveOn(10, queue.put(1), 'late'), 'late')
    t.true((yield* thrownBy(queue.put(1, { timeout: 10 }))) instanceof TimeoutError)
    t.is(queue.size, 1)
    t.is(queue.statistics().unfinished, 1)
  })
})

test('a queue knows how many items it has', (t) => {
  covers(t, 'curio queue: queue_qsize')
  virtual({}, function* () {
    const queue = new Queue<string>(2)
    t.is(queue.size, 0)
    t.true(yield* queue.tryPut('a'))
    t.is(queue.size, 1)
    t.true(yield* queue.tryPut('b'))
    t.false(yield* queue.tryPut('c'))
    t.is(queue.size, 2)
    t.is(yield* queue.tryGet(), 'a')
    t.is(queue.size, 1)
  })
})

test('the least item comes first, equal ones in the order in which they were put', (t) => {
  covers(t, 'curio queue: priority_queue')
  virtual({}, function* () {
    const numbers = new PriorityQueue<number>()
    for (const n of [5, 3, 9, 1, 7, 3]) yield* numbers.put(n)
    const got: number[] = []
    while (numbers.size > 0) got.push(yield* numbers.get())
    t.deepEqual(got, [1, 3, 3, 5, 7, 9])
    const jobs = new PriorityQueue<[number, string]>(10, { compare: ([a], [b]) => a - b })
    for (const job of ['1a', '0b', '1c', '0d', '1e']) yield* jobs.put([Number(job[0]), job])
    const order: string[] = []
    while (jobs.size > 0) order.push((yield* jobs.get())[1])
    t.deepEqual(order, ['0b', '0d', '1a', '1c', '1e'])
  })
})

test('the last item comes first', (t) => {
  covers(t, 'curio queue: lifo_queue')
  virtual({}, function* () {
    const stack = new LifoQueue<number>(3)
    for (const n of [1, 2, 3]) yield* stack.put(n)
    const putter = yield* spawn(() => stack.put(4))
    yield* checkpoint()
    const got: number[] = []
    for (let i = 0; i < 4; i++) got.push(yield* stack.get())
    t.deepEqual(got, [3, 4, 2, 1])
    yield* putter.join()
  })
})

test('a put does not overtake those that wait to put', (t) => {
  virtual({}, function* () {
    const queue = new Queue<string>(1)
    yield* queue.put('first')
    const second = yield* spawn(() => queue.put('second'))
    yield* checkpoint()
    t.is(yield* queue.get(), 'first')
    // Room for one is there, but it is taken.
    t.false(yield* queue.tryPut('third'))
    const third = yield* spawn(() => queue.put('third'))
    t.is(yield* queue.get(), 'second')
    yield* checkpoint()
    t.is(yield* queue.get(), 'third')
    yield* second.join()
    yield* third.join()
  })
})

test('an item goes straight to the longest waiting getter, and cannot be stolen', (t) => {
  covers(
    t,
    'trio unbounded_queue: UnboundedQueue_fairness',
    'effection queue: adds value to an already waiting listener; only adds value to one listener if there are multiple',
  )
  virtual({}, function* () {
    const queue = new Queue<number>()
    const got: string[] = []
    yield* nursery(function* (n) {
      for (const name of ['a', 'b']) {
        yield* n.spawn(function* () {
          got.push(`${name}${yield* queue.get()}`)
        })
      }
      yield* waitAllBlocked()
      t.is(queue.statistics().getting, 2)
      yield* queue.put(1)
      t.is(yield* queue.tryGet(), undefined)
      yield* queue.put(2)
    })
    t.deepEqual(got, ['a1', 'b2'])
  })
})

test('each put wakes one getter, and none in vain', (t) => {
  covers(t, 'trio unbounded_queue: UnboundedQueue_blocking', 'trio unbounded_queue: UnboundedQueue_no_spurious_wakeups')
  virtual({}, function* () {
    const queue = new Queue<number>()
    let steps = 0
    yield* nursery(function* (n) {
      for (let i = 0; i < 3; i++) {
        yield* n.spawn(function* () {
          yield* queue.get()
          steps++
        })
      }
      for (let i = 1; i <= 3; i++) {
        yield* waitAllBlocked()
        t.is(steps, i - 1)
        yield* queue.put(i)
      }
    })
    t.is(queue.size, 0)
  })
})

test('put and get are cancellation points even when they need not wait', (t) => {
  covers(t, 'trio unbounded_queue: UnboundedQueue_trivial_yields')
  virtual({}, function* () {
    const queue = new Queue<number>()
    yield* queue.put(1)
    const log: string[] = []
    function* cancelled(op: Operation<unknown>): Operation<void> {
      const task = yield* spawn(() => thrownBy(op))
      yield* task.cancel('x', { wait: false })
      log.push(((yield* task.join()) as Error).name)
    }
    yield* cancelled(queue.get())
    yield* cancelled(queue.put(2))
    yield* cancelled(queue.join())
    t.deepEqual(log, ['Cancelled', 'Cancelled', 'Cancelled'])
    t.is(queue.size, 1)
  })
})

test('taskDone once too often is an error that names the task', (t) => {
  virtual({}, function* () {
    const queue = new Queue<number>(5, { name: 'jobs' })
    yield* queue.put(1)
    yield* queue.get()
    yield* queue.taskDone()
    const task = yield* spawn(function* eager() {
      return yield* thrownBy(queue.taskDone())
    })
    const error = (yield* task.join()) as Error
    t.true(error instanceof KernelStateError)
    t.regex(error.message, /^Cannot call taskDone of the queue jobs: task \d+ \(eager\) calls it once too often$/)
    yield* queue.join()
  })
})

test('a queue that is shut down gives what it has, and then an error', (t) => {
  covers(t, 'effection queue: can close')
  virtual({}, function* () {
    const queue = new Queue<number>(2, { name: 'jobs' })
    yield* queue.put(1)
    yield* queue.put(2)
    const late = yield* spawn(function* late() {
      return yield* thrownBy(queue.put(3))
    })
    yield* checkpoint()
    t.is(yield* queue.shutdown(), 0)
    const error = (yield* late.join()) as Error
    t.true(error instanceof ClosedError)
    t.regex(
      error.message,
      /^Cannot put task \d+ \(late\)'s item into the queue jobs: task \d+ \(.*\) has shut it down; it was full \(2\)$/,
    )
    t.true((yield* thrownBy(queue.put(4))) instanceof ClosedError)
    t.true((yield* thrownBy(queue.tryPut(4))) instanceof ClosedError)
    t.is(yield* queue.get(), 1)
    t.is(yield* queue.tryGet(), 2)
    t.true((yield* thrownBy(queue.get())) instanceof ClosedError)
    t.true((yield* thrownBy(queue.tryGet())) instanceof ClosedError)
    t.true(queue.closed)
    yield* queue.taskDone()
    yield* queue.taskDone()
    yield* queue.join()
  })
})

test('a shutdown fails those who wait to get, and at once empties the queue if asked to', (t) => {
  virtual({}, function* () {
    const empty = new Queue<number>()
    const getter = yield* spawn(() => thrownBy(empty.get()))
    yield* checkpoint()
    yield* empty.shutdown()
    t.true((yield* getter.join()) instanceof ClosedError)
    const full = new Queue<number>()
    for (let i = 0; i < 3; i++) yield* full.put(i)
    yield* full.get()
    const joiner = yield* spawn(() => full.join())
    yield* checkpoint()
    t.is(yield* full.shutdown({ immediate: true }), 2)
    t.is(full.size, 0)
    t.is(full.statistics().unfinished, 1)
    yield* full.taskDone()
    yield* joiner.join()
    yield* full.shutdown()
  })
})

test('a capacity that is no count is an error', (t) => {
  for (const bad of [0, -1, 1.5, Number.NaN]) {
    t.true(thrown(() => new Queue(bad)) instanceof RangeError, String(bad))
    t.true(thrown(() => new PriorityQueue(bad)) instanceof RangeError, String(bad))
  }
  t.true(thrown(() => new Queue('1' as unknown as number)) instanceof TypeError)
})

test('undefined and null are items like others', (t) => {
  virtual({}, function* () {
    const queue = new Queue<undefined | null>(1)
    const putter = yield* spawn(function* () {
      yield* queue.put(undefined)
      yield* queue.put(null)
    })
    yield* waitAllBlocked()
    t.is(yield* queue.get(), undefined)
    t.is(yield* queue.get(), null)
    yield* putter.join()
  })
})

test('the ring of a queue keeps its order however it is used', (t) => {
  const ring = new Fifo<number>()
  let next = 0
  let expected = 0
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < (round * 7) % 23; i++) ring.add(next++)
    for (let i = 0; i < (round * 5) % 19 && ring.size > 0; i++) t.is(ring.take(), expected++)
  }
  ring.putBack(-1)
  t.is(ring.take(), -1)
  while (ring.size > 0) t.is(ring.take(), expected++)
  t.is(next, expected)
})

test('the heap of a priority queue sorts', (t) => {
  const heap = new Heap<number>((a, b) => a - b)
  const items = Array.from({ length: 300 }, (_, i) => (i * 7919) % 101)
  for (const item of items) heap.add(item)
  const got: number[] = []
  while (heap.size > 0) got.push(heap.take())
  t.deepEqual(
    got,
    items.sort((a, b) => a - b),
  )
})
