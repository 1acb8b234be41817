/**
 * How long do a million sleepers of one second take, and what does each one hold?
 *
 * One idea: a task is only cheap if a million of them may wait; time and memory are measured in processes of
 * their own, because memory needs them to stay asleep.
 */
import { ratio, value } from './harness.js'
import { go, microBench, node, ours, pythons } from './micro.js'
import { bytes } from './report.js'

export const bench = microBench({
  name: 'sleepers',
  question: 'How long do a million sleepers of one second take, and what does each one hold?',
  note: '`bare`: the task is the sleep itself, as the bare promise is nothing but its timer; the other tasks run a function, as the async functions do. `seconds`: from the first spawn to the last end, the second of sleep included (`--quick`: 200,000 sleepers). `CPU`: seconds of CPU time over the same interval; what is done while all sleep does not show in the seconds. `bytes`: per sleeper, measured in a process of its own: heap and external memory in Node, heap and stacks in Go, resident memory in Python.',
  columns: [
    { key: 'seconds', title: 'seconds' },
    { key: 'cpu', title: 'CPU, s' },
    { key: 'bytes', title: 'bytes', format: bytes },
    { key: 'rss', title: 'resident', format: bytes },
  ],
  rounds: 5,
  parts: ['time', 'bytes'],
  variants: ({ quick }) => {
    const n = `n=${quick ? 200_000 : 1_000_000}`
    return [
      node(ours, 'sleepers-drupe', [n]),
      node('drupe bare', 'sleepers-drupe', ['bare', n]),
      node('drupe runSync', 'sleepers-drupe', ['sync', n]),
      node('setTimeout promise', 'promises', ['sleepers', n]),
      node('async function', 'promises', ['sleepers', 'async', n]),
      node('effection', 'effection', ['sleepers', n], 'effection'),
      node('effect', 'effect', ['sleepers', n], 'effect'),
      go('sleepers', n),
      ...pythons('sleepers', n),
    ]
  },
  claims: (all) => {
    const seconds = (name: string): number | undefined => value(all, name, 'seconds')
    const cpu = (name: string): number | undefined => value(all, name, 'cpu')
    return [
      { text: 'bytes per sleeping task', value: value(all, ours, 'bytes'), bound: 500, want: 'at most' },
      {
        text: 'bare sleepers ÷ bare setTimeout promises, seconds',
        value: ratio(seconds('drupe bare'), seconds('setTimeout promise')),
        bound: 1,
        want: 'at most',
      },
      {
        text: 'sleepers ÷ setTimeout promises, seconds',
        value: ratio(seconds(ours), seconds('setTimeout promise')),
        bound: 1,
        want: 'at most',
      },
      {
        text: 'sleepers ÷ setTimeout promises, CPU time',
        value: ratio(cpu(ours), cpu('setTimeout promise')),
        bound: 1,
        want: 'at most',
      },
      {
        text: 'sleepers ÷ async functions on setTimeout, seconds',
        value: ratio(seconds(ours), seconds('async function')),
        bound: 1,
        want: 'at most',
      },
    ]
  },
})
