/**
 * What everything that can serve as a lock has in common, tested once for all.
 */

import test from 'ava'
import { checkpoint, nursery, type Operation, sleep, spawn, type Trap } from 'drupe'
import { virtual, waitAllBlocked } from 'drupe/testing'
import { channel } from '../../../traps/sync/channel.js'
import { Condition } from '../../../traps/sync/condition.js'
import { CapacityLimiter } from '../../../traps/sync/limiter.js'
import { Lock, RLock } from '../../../traps/sync/lock.js'
import { LifoQueue } from '../../../traps/sync/ordered.js'
import { Queue } from '../../../traps/sync/queue.js'
import { BoundedSemaphore, Semaphore } from '../../../traps/sync/semaphore.js'
import { covers } from '../../covers.js'

interface Lockish {
  acquire(): Trap<unknown>
  tryAcquire(): Trap<boolean>
  release(): Trap<unknown>
}

/** A channel as a lock: the one place in it is the right to go on. */
function channelLock(): Lockish {
  const [sender, receiver] = channel<string>(1)
  return {
    acquire: () => sender.send('x'),
    tryAcquire: () => sender.trySend('x'),
    release: () => receiver.tryReceive(),
  }
}

/** A queue as a lock, in the same way. */
function queueLock(queue: Queue<string>): Lockish {
  return { acquire: () => queue.put('x'), tryAcquire: () => queue.tryPut('x'), release: () => queue.tryGet() }
}

const LOCKS: Readonly<Record<string, () => Lockish>> = {
  Lock: () => new Lock(),
  RLock: () => new RLock(),
  'Semaphore of 1': () => new Semaphore(1),
  'BoundedSemaphore of 1': () => new BoundedSemaphore(1),
  'CapacityLimiter of 1': () => new CapacityLimiter(1),
  Condition: () => new Condition(),
  'channel of 1': channelLock,
  'Queue of 1': () => queueLock(new Queue(1)),
  'LifoQueue of 1': () => queueLock(new LifoQueue(1)),
}

for (const [name, make] of Object.entries(LOCKS)) {
  test(`${name}: one at a time, whatever the order of tasks`, (t) => {
    covers(t, 'trio sync: generic_lock_exclusion')
    for (let seed = 1; seed <= 20; seed++) {
      virtual({ seed }, function* () {
        const lock = make()
        let inside = 0
        let turns = 0
        function* loop(): Operation<void> {
          for (let i = 0; i < 10; i++) {
            yield* lock.acquire()
            if (inside !== 0) t.fail(`seed ${seed}: two at a time`)
            inside++
            for (let j = 0; j < 3; j++) yield* checkpoint()
            inside--
            turns++
            yield* lock.release()
          }
        }
        yield* nursery(function* (n) {
          for (let i = 0; i < 5; i++) yield* n.spawn(loop)
        })
        t.is(turns, 50)
        t.is(inside, 0)
      })
    }
  })

  test(`${name}: first come, first served`, (t) => {
    covers(t, 'trio sync: generic_lock_fifo_fairness')
    virtual({}, function* () {
      const lock = make()
      const log: number[] = []
      function* loop(id: number): Operation<void> {
        log.push(id)
        yield* lock.acquire()
        // Until all have come: taking a lock that is free does not let others run.
        yield* checkpoint()
        for (let i = 0; i < 3; i++) {
          yield* lock.release()
          yield* lock.acquire()
          log.push(id)
        }
        yield* lock.release()
      }
      yield* nursery(function* (n) {
        yield* n.spawn(() => loop(1))
        yield* n.spawn(() => loop(2))
        yield* n.spawn(() => loop(3))
      })
      // The first round of three is the start; from then on nobody has two turns while another one
      // waits.
      for (let i = 3; i + 3 <= 9; i += 3) t.deepEqual(log.slice(i, i + 3).sort(), [1, 2, 3], log.join(' '))
    })
  })

  test(`${name}: taken without waiting, it is taken`, (t) => {
    covers(t, 'trio sync: generic_lock_acquire_nowait_blocks_acquire')
    virtual({}, function* () {
      const lock = make()
      t.true(yield* lock.tryAcquire())
      let got = false
      yield* spawn(function* () {
        t.false(yield* lock.tryAcquire())
        yield* lock.acquire()
        got = true
        yield* lock.release()
      })
      yield* waitAllBlocked()
      t.false(got)
      yield* lock.release()
      yield* waitAllBlocked()
      t.true(got)
    })
  })

  test(`${name}: what was handed to a task that is cancelled at once is given back by it, not lost`, (t) => {
    virtual({}, function* () {
      const lock = make()
      yield* lock.acquire()
      function* user(): Operation<void> {
        yield* lock.acquire()
        try {
          yield* sleep(1)
        } finally {
          yield* lock.release()
        }
      }
      const first = yield* spawn(user)
      const second = yield* spawn(user)
      const third = yield* spawn(user)
      yield* waitAllBlocked()
      yield* lock.release()
      yield* first.cancel()
      yield* second.cancel()
      yield* third.join()
      t.true(yield* lock.tryAcquire())
      yield* lock.release()
    })
  })
}
