/**
 * What does a timeout cost that never expires?
 *
 * One idea: nearly every timeout is taken back, so setting and taking back is the path that has to be fast.
 */
import { ratio, value } from './harness.js'
import { go, microBench, node, ours, pythons } from './micro.js'

export const bench = microBench({
  name: 'timers',
  question: 'What does a timeout cost that never expires?',
  note: '`ns`: per timeout, set around an operation that ends at once and taken back, one after the other. `open, s`: seconds for a million (`--quick`: 200,000) waits under a timeout at once, all woken in time.',
  columns: [
    { key: 'ns', title: 'ns' },
    { key: 'seconds', title: 'open, s' },
  ],
  rounds: 5,
  parts: ['each', 'open'],
  variants: ({ quick }) => {
    const n = `n=${quick ? 200_000 : 1_000_000}`
    return [
      node(ours, 'timers-drupe', [n]),
      node('drupe runSync', 'timers-drupe', ['sync', n]),
      node('setTimeout + Promise.race', 'timers-await', [n]),
      node('setTimeout + clearTimeout, bare', 'timers-await', ['bare', n]),
      node('effection', 'timers-effection', [], 'effection'),
      node('effect', 'timers-effect', [n], 'effect'),
      go('timers', n),
      ...pythons('timers', n),
    ]
  },
  claims: (all) => {
    const race = 'setTimeout + Promise.race'
    return [
      {
        text: 'timeout ÷ setTimeout + race',
        value: ratio(value(all, ours, 'ns'), value(all, race, 'ns')),
        bound: 1,
        want: 'at most',
      },
      {
        text: 'open timeouts ÷ setTimeout + race',
        value: ratio(value(all, ours, 'seconds'), value(all, race, 'seconds')),
        bound: 1,
        want: 'at most',
      },
    ]
  },
})
