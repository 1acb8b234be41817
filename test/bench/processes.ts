/**
 * How many short processes a second are started, awaited and gone, beside node:child_process?
 *
 * One idea: the program does nothing, and both outputs are pipes that are read to their ends, so the number is the price of
 * a process: its start, its pipes, its end.
 */
import { ratio, value } from './harness.js'
import { microBench, node, ours } from './micro.js'

const PEER = 'node:child_process'
const PARTS = ['inTurn', 'together'] as const

export const bench = microBench({
  name: 'processes',
  question: 'How many short processes a second are started, awaited and gone, beside node:child_process?',
  note: '`/bin/true` 2,000 times (300 with --quick), outputs as pipes. `in turn`: one after the other; `64 at a time`. What is left afterwards: zombies, descriptors.',
  columns: [
    { key: 'inTurn', title: 'in turn, per s' },
    { key: 'together', title: '64 at a time, per s' },
    { key: 'zombies', title: 'zombies' },
    { key: 'descriptors', title: 'descriptors more' },
  ],
  parts: [...PARTS],
  rounds: 3,
  everyCore: true,
  variants: ({ quick }) => {
    const size = [quick ? 'n=300' : 'n=2000']
    return [
      node(ours, 'processes-drupe', size),
      { ...node('drupe epoll', 'processes-drupe', size), env: { DRUPE_DRIVER: 'epoll' } },
      node(PEER, 'processes-node', size),
    ]
  },
  claims: (all) => [
    ...PARTS.map((key) => ({
      text: `${key} ÷ node:child_process`,
      value: ratio(value(all, ours, key), value(all, PEER, key)),
      bound: 1,
      want: 'at least' as const,
    })),
    { text: 'zombies', value: value(all, ours, 'zombies'), bound: 0, want: 'at most' },
    { text: 'descriptors more', value: value(all, ours, 'descriptors'), bound: 0, want: 'at most' },
  ],
})
