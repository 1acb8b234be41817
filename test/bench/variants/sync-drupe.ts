/**
 * Drupe's locks, semaphores, queues and channels; the word among the arguments says which.
 */
import { checkpoint, nursery, type Operation } from 'drupe'
import { channel } from '../../../traps/sync/channel.js'
import { Lock } from '../../../traps/sync/lock.js'
import { Queue } from '../../../traps/sync/queue.js'
import { Semaphore } from '../../../traps/sync/semaphore.js'
import { drive } from './drive.js'
import { asked, now, perItem, print } from './measure.js'

function* lock(n: number): Operation<number> {
  const lock = new Lock()
  const begin = now()
  for (let i = 0; i < n; i++) {
    yield* lock.acquire()
    yield* lock.release()
  }
  return now() - begin
}

function* contended(n: number): Operation<number> {
  const lock = new Lock()
  const begin = now()
  yield* nursery(function* (group) {
    for (let task = 0; task < 2; task++) {
      yield* group.spawn(function* () {
        for (let i = 0; i < n; i += 2) {
          yield* lock.acquire()
          yield* checkpoint()
          yield* lock.release()
        }
      })
    }
  })
  return now() - begin
}

function* semaphore(n: number): Operation<number> {
  const semaphore = new Semaphore(2)
  const begin = now()
  for (let i = 0; i < n; i++) {
    yield* semaphore.acquire()
    yield* semaphore.release()
  }
  return now() - begin
}

function* queue(n: number): Operation<number> {
  const queue = new Queue<number>(1)
  const begin = now()
  yield* nursery(function* (group) {
    yield* group.spawn(function* () {
      for (let i = 0; i < n; i++) yield* queue.put(i)
    })
    yield* group.spawn(function* () {
      for (let i = 0; i < n; i++) yield* queue.get()
    })
  })
  return now() - begin
}

function* throughChannel(n: number): Operation<number> {
  const [sender, receiver] = channel<number>()
  const begin = now()
  yield* nursery(function* (group) {
    yield* group.spawn(function* () {
      for (let i = 0; i < n; i++) yield* sender.send(i)
    })
    yield* group.spawn(function* () {
      for (let i = 0; i < n; i++) yield* receiver.receive()
    })
  })
  return now() - begin
}

const parts = { lock, contended, semaphore, queue, channel: throughChannel }

const sample: Record<string, number> = {}
for (const [name, part] of Object.entries(parts)) {
  // So many that the engine's warming up again, which it does after each collection, does not count.
  if (asked(name)) sample[name] = await perItem(3_000_000, (n) => drive(() => part(n)), 5)
}
print(sample)
