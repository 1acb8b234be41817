/**
 * A wait that ran out of time says what was waited for, by the name of the thing; debug mode says at which line, too.
 */
import test from 'ava'
import {
  Barrier,
  broadcast,
  CapacityLimiter,
  Condition,
  channel,
  checkpoint,
  Event,
  Lock,
  type Operation,
  Queue,
  Result,
  RLock,
  Semaphore,
  sleep,
  spawn,
  TimeoutError,
  timeout,
} from 'drupe'
import { park, WaitQueue } from 'drupe/lowlevel'
import { memoryStreams, virtual } from 'drupe/testing'
import { thrownBy } from '../../kit.js'

const options = { timeout: 5 }

/** What each says, and how it comes to wait in vain. */
const WAITS: readonly [text: string, wait: () => Operation<unknown>][] = [
  ['get from the queue jobs', () => new Queue(1, { name: 'jobs' }).get(options)],
  ['get from the queue', () => new Queue().get(options)],
  [
    'put into the queue jobs',
    function* () {
      const queue = new Queue<number>(1, { name: 'jobs' })
      yield* queue.put(1)
      yield* queue.put(2, options)
    },
  ],
  [
    'join the queue jobs',
    function* () {
      const queue = new Queue<number>(1, { name: 'jobs' })
      yield* queue.put(1)
      yield* queue.join(options)
    },
  ],
  [
    'acquire the lock db',
    function* () {
      const lock = new Lock({ name: 'db' })
      yield* heldByAnother(lock)
      yield* lock.acquire(options)
    },
  ],
  [
    'acquire the rlock db',
    function* () {
      const lock = new RLock({ name: 'db' })
      yield* heldByAnother(lock)
      yield* lock.acquire(options)
    },
  ],
  ['acquire the semaphore slots', () => new Semaphore(0, { name: 'slots' }).acquire(options)],
  ['acquire the limiter cpu', () => new CapacityLimiter(0, { name: 'cpu' }).acquire(options)],
  ['wait for the event ready', () => new Event({ name: 'ready' }).wait(options)],
  ['wait for the result answer', () => new Result({ name: 'answer' }).join(options)],
  ['wait at the barrier start', () => new Barrier(2, { name: 'start' }).wait(options)],
  [
    'wait for the condition changed',
    function* () {
      const changed = new Condition(new Lock(), { name: 'changed' })
      yield* changed.with(changed.wait(options))
    },
  ],
  ['receive from the channel news', () => channel(1, { name: 'news' })[1].receive(options)],
  ['send to the channel news', () => channel<number>(0, { name: 'news' })[0].send(1, options)],
  ['receive from the broadcast news', () => broadcast({ name: 'news' }).subscribe().receive(options)],
  ['take the key', () => park(new WaitQueue('take the key'), options)],
  ['read a line', () => memoryStreams()[0].readLine(100, options)],
  ['read 3 bytes', () => memoryStreams()[0].readExactly(3, options)],
  ['read until the delimiter', () => memoryStreams()[0].readUntil(',', 100, options)],
  ['read all of the stream', () => memoryStreams()[0].readAll(options)],
  ['read from the stream in memory', () => memoryStreams()[0].read(100, options)],
  ['write to the stream in memory', () => memoryStreams({ capacity: 0 })[0].write(new Uint8Array(1), options)],
  ['finish work', () => timeout(5, work)],
  ['finish in time', () => timeout(5, sleep(10))],
]

function* heldByAnother(lock: Lock): Operation<void> {
  yield* spawn(() => lock.with(sleep(1000)), { daemon: true })
  yield* checkpoint()
}

function* work(): Operation<void> {
  yield* sleep(10)
}

for (const [text, wait] of WAITS) {
  test(`out of time, it says that it cannot ${text}`, (t) => {
    const error = virtual({}, () => thrownBy(wait())) as TimeoutError
    t.true(error instanceof TimeoutError)
    t.is(error.message, `Cannot ${text}: not done within 5 ms`)
    t.is(error.ms, 5)
  })
}
