/**
 * Effection's queue and channel; it has no locks and no semaphores.
 */
import { createChannel, createQueue, type Operation, run, spawn } from 'effection'
import { asked, now, perItem, print } from './measure.js'

function* queue(n: number): Operation<number> {
  const queue = createQueue<number, void>()
  const begin = now()
  const taker = yield* spawn(function* () {
    for (let i = 0; i < n; i++) yield* queue.next()
  })
  for (let i = 0; i < n; i++) queue.add(i)
  yield* taker
  return now() - begin
}

function* channel(n: number): Operation<number> {
  const channel = createChannel<number, void>()
  const begin = now()
  const subscription = yield* channel
  const taker = yield* spawn(function* () {
    for (let i = 0; i < n; i++) yield* subscription.next()
  })
  for (let i = 0; i < n; i++) yield* channel.send(i)
  yield* taker
  return now() - begin
}

const sample: Record<string, number> = {}
if (asked('queue')) sample['queue'] = await perItem(20_000, (n) => run(() => queue(n)), 5)
if (asked('channel')) sample['channel'] = await perItem(20_000, (n) => run(() => channel(n)), 5)
print(sample)
