/**
 * What does a timeout cost that never expires?
 *
 * One idea: nearly every timeout is taken back, so setting and taking back is the path that has to be fast.
 */
import { ratio, value } from './harness.js'
import { go, microBench, node, ours, pythons } from './micro.js'
import type { Claim } from './report.js'

export const bench = microBench({
  name: 'timers',
  question: 'What does a timeout cost that never expires?',
  note: '`ns`: per timeout, set around an operation that ends at once and taken back, one after the other. `open, s`: seconds for a million (`--quick`: 200,000) waits under a timeout at once, all woken in time. `read`: ns that a timeout on a read adds, where the read has to wait a moment; `read at once`: where it has not. Ours: `{ timeout }` over a driver without a system; asyncio and uvloop: `asyncio.timeout` around a read of what is there; Go: SetReadDeadline before a read.',
  columns: [
    { key: 'ns', title: 'ns' },
    { key: 'seconds', title: 'open, s' },
    { key: 'readTimeout', title: 'read, ns' },
    { key: 'inlineTimeout', title: 'read at once, ns' },
  ],
  rounds: 5,
  parts: ['each', 'open', 'read', 'inline'],
  variants: ({ quick }) => {
    const n = `n=${quick ? 200_000 : 1_000_000}`
    return [
      node(ours, 'timers-drupe', [n]),
      node('drupe runSync', 'timers-drupe', ['sync', n]),
      node('setTimeout + Promise.race', 'promises', ['timers', n]),
      node('setTimeout + clearTimeout, bare', 'promises', ['timers', 'bare', n]),
      node('effection', 'effection', ['timers'], 'effection'),
      node('effect', 'effect', ['timers', n], 'effect'),
      go('timers', n),
      ...pythons('timers', n),
    ]
  },
  claims: (all) => {
    const race = 'setTimeout + Promise.race'
    const least = (peer: string, key: string): Claim => ({
      text: `${peer} ÷ ${key === 'ns' ? 'timeout()' : '{ timeout } on a read'}`,
      value: ratio(value(all, peer, key), value(all, ours, key === 'ns' ? key : 'readTimeout')),
      bound: 1,
      want: 'at least',
    })
    return [
      {
        text: 'timeout() around an operation that does not wait, ns',
        value: value(all, ours, 'ns'),
        bound: 400,
        want: 'at most',
      },
      {
        text: '{ timeout } on a read that waits, ns more',
        value: value(all, ours, 'readTimeout'),
        bound: 100,
        want: 'at most',
      },
      {
        text: '{ timeout } on a read that does not wait, ns more',
        value: value(all, ours, 'inlineTimeout'),
        bound: 100,
        want: 'at most',
      },
      ...['asyncio', 'effection', 'effect', 'go (1 P)'].map((peer) => least(peer, 'ns')),
      ...['asyncio', 'go (1 P)'].map((peer) => least(peer, 'inlineTimeout')),
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
