/**
 * What does it cost when two tasks wake one another in turns?
 *
 * One idea: the floor of every lock, queue and channel: none of them can be faster than one park and one wake.
 */
import { go, microBench, node, ours, pythons } from './micro.js'

export const bench = microBench({
  name: 'handover',
  question: 'What does it cost when two tasks wake one another in turns?',
  note: '`ns`: per hand-over. Ours parks on a wait queue; await, Effection and Effect wait on a fresh promise or its like each time; Go uses two unbuffered channels, Python two futures.',
  columns: [{ key: 'ns', title: 'ns' }],
  variants: () => [
    node(ours, 'handover-drupe'),
    node('drupe runSync', 'handover-drupe', ['sync']),
    node('await', 'promises', ['handover']),
    node('effection', 'effection', ['handover'], 'effection'),
    node('effect', 'effect', ['handover'], 'effect'),
    go('handover'),
    ...pythons('handover'),
  ],
  claims: () => [],
})
