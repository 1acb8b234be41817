/**
 * What does it cost to spawn a task that ends at once, and to join it?
 *
 * One idea: the child does nothing, so the number is the price of being a task: identity, a place in the tree,
 * a result, an end that is waited for.
 */
import { ratio, value } from './harness.js'
import { go, microBench, node, ours, pythons } from './micro.js'

export const bench = microBench({
  name: 'spawn',
  question: 'What does it cost to spawn a task that ends at once, and to join it?',
  note: '`ns`: per task, 100 spawned and then joined. `one by one`: spawn, join, spawn, join. For `await` it is the call of an async function.',
  columns: [
    { key: 'ns', title: 'ns' },
    { key: 'nsSingle', title: 'one by one, ns' },
  ],
  variants: () => [
    node(ours, 'spawn-drupe'),
    node('drupe runSync', 'spawn-drupe', ['sync']),
    node('await', 'promises', ['spawn']),
    node('effection', 'effection', ['spawn'], 'effection'),
    node('effect', 'effect', ['spawn'], 'effect'),
    go('spawn'),
    ...pythons('spawn'),
  ],
  claims: (all) => {
    const ns = (name: string): number | undefined => value(all, name, 'ns')
    const single = (name: string): number | undefined => value(all, name, 'nsSingle')
    return [
      { text: 'spawn + join, ns', value: ns(ours), bound: 300, want: 'at most' },
      { text: 'spawn + join one by one, ns', value: single(ours), bound: 300, want: 'at most' },
      { text: 'Effection ÷ spawn + join', value: ratio(ns('effection'), ns(ours)), bound: 10, want: 'at least' },
      { text: 'Effect ÷ spawn + join', value: ratio(ns('effect'), ns(ours)), bound: 10, want: 'at least' },
      {
        text: 'Effection ÷ spawn + join, one by one',
        value: ratio(single('effection'), single(ours)),
        bound: 10,
        want: 'at least',
      },
      {
        text: 'Effect ÷ spawn + join, one by one',
        value: ratio(single('effect'), single(ours)),
        bound: 10,
        want: 'at least',
      },
    ]
  },
})
