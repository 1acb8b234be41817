/**
 * What do locks, semaphores, queues and channels cost?
 *
 * One idea: the same five shapes everywhere: a lock nobody else wants, a lock that two tasks want all the time, a
 * permit that is there, and an item that goes from one task to another, by a queue with room for one and by a channel
 * without room.
 */
import { ratio, value } from './harness.js'
import { go, microBench, node, ours, pythons } from './micro.js'

export const bench = microBench({
  name: 'sync',
  question: 'What do locks, semaphores, queues and channels cost?',
  note: '`lock`, `semaphore`: ns per acquire and release that need not wait. `contended`: ns per turn, two tasks that hold the lock over a switch. `queue`, `channel`: ns per item, one task puts and one gets, with room for one item and for none. Go: Mutex, a buffered channel as semaphore and queue, an unbuffered one as channel. Effection: its queue, which has no limit, and its channel; Effect: a semaphore as lock.',
  columns: [
    { key: 'lock', title: 'lock' },
    { key: 'contended', title: 'contended' },
    { key: 'semaphore', title: 'semaphore' },
    { key: 'queue', title: 'queue' },
    { key: 'channel', title: 'channel' },
  ],
  parts: ['lock', 'contended', 'semaphore', 'queue', 'channel'],
  rounds: 5,
  variants: () => [
    node(ours, 'sync-drupe'),
    node('drupe runSync', 'sync-drupe', ['sync']),
    node('effection', 'effection', ['sync'], 'effection'),
    node('effect', 'effect', ['sync'], 'effect'),
    go('sync'),
    ...pythons('sync').filter(({ name }) => name !== 'curio'),
  ],
  claims: (all) => {
    const ns = (name: string, key: string): number | undefined => value(all, name, key)
    return [
      { text: 'uncontended lock, ns', value: ns(ours, 'lock'), bound: 60, want: 'at most' },
      { text: 'queue hand-over, ns', value: ns(ours, 'queue'), bound: 120, want: 'at most' },
      {
        text: 'asyncio ÷ uncontended lock',
        value: ratio(ns('asyncio', 'lock'), ns(ours, 'lock')),
        bound: 1,
        want: 'at least',
      },
      {
        text: 'asyncio ÷ queue hand-over',
        value: ratio(ns('asyncio', 'queue'), ns(ours, 'queue')),
        bound: 5,
        want: 'at least',
      },
      {
        text: 'Effection ÷ queue hand-over',
        value: ratio(ns('effection', 'queue'), ns(ours, 'queue')),
        bound: 5,
        want: 'at least',
      },
      {
        text: 'queue hand-over ÷ Go',
        value: ratio(ns(ours, 'queue'), ns('go (1 P)', 'queue')),
        bound: 2,
        want: 'at most',
      },
      {
        text: 'channel hand-over ÷ Go',
        value: ratio(ns(ours, 'channel'), ns('go (1 P)', 'channel')),
        bound: 2,
        want: 'at most',
      },
    ]
  },
})
