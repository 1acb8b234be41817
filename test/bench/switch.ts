/**
 * What does it cost to leave one task and enter another?
 *
 * One idea: each side uses the cheapest thing it has that lets another task run, and what counts is the ratio
 * to `await`, which is the price that everyone on this host already pays.
 */
import { ratio, value } from './harness.js'
import { go, microBench, node, ours, pythons } from './micro.js'

export const bench = microBench({
  name: 'switch',
  question: 'What does it cost to leave one task and enter another?',
  note: '`ns`: per switch among 100 tasks. `pair`: per switch between 2 tasks, where each pass of the loop is only two steps.',
  columns: [
    { key: 'ns', title: 'ns' },
    { key: 'nsPair', title: 'pair, ns' },
  ],
  variants: () => [
    node(ours, 'switch-drupe'),
    node('drupe runSync', 'switch-drupe', ['sync']),
    node('await', 'promises', ['switch']),
    node('effection', 'effection', ['switch'], 'effection'),
    node('effect', 'effect', ['switch'], 'effect'),
    go('switch'),
    ...pythons('switch'),
  ],
  claims: (all) => {
    const ns = (name: string): number | undefined => value(all, name, 'ns')
    return [
      { text: 'switch ÷ native await', value: ratio(ns(ours), ns('await')), bound: 1.3, want: 'at most' },
      { text: 'Effection ÷ switch', value: ratio(ns('effection'), ns(ours)), bound: 10, want: 'at least' },
      { text: 'Effect ÷ switch', value: ratio(ns('effect'), ns(ours)), bound: 10, want: 'at least' },
    ]
  },
})
