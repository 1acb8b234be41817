/**
 * What does a program pay before its first task runs?
 *
 * One idea: each round is a fresh process, and the variants take turns, because what is measured is the cold start: reading
 * modules, loading the native library, making the first kernel. Ours is the package as it is published.
 */
import { difference, ratio, value } from './harness.js'
import { microBench, node, ours } from './micro.js'

export const bench = microBench({
  name: 'start',
  question: 'What does a program pay before its first task runs?',
  note: '`import`, `first run`, `second run`: ms, each of `run(() => sleep(0))` or what is the same there. `RSS`: MiB at the end.',
  columns: [
    { key: 'importMs', title: 'import' },
    { key: 'firstMs', title: 'first run' },
    { key: 'secondMs', title: 'second run' },
    { key: 'mebibytes', title: 'RSS' },
  ],
  rounds: 15,
  variants: () => [
    node(ours, 'start', ['drupe']),
    node('drupe, host driver', 'start', ['drupe', 'host']),
    node('effection', 'start', ['effection'], 'effection'),
    node('effect', 'start', ['effect'], 'effect'),
  ],
  claims: (all) => {
    const cell = (name: string, key: string): number | undefined => value(all, name, key)
    return [
      {
        text: 'import ÷ Effection’s',
        value: ratio(cell(ours, 'importMs'), cell('effection', 'importMs')),
        bound: 1,
        want: 'at most',
      },
      {
        text: 'first run − Effection’s, ms',
        value: difference(cell(ours, 'firstMs'), cell('effection', 'firstMs')),
        bound: 10,
        want: 'at most',
      },
      { text: 'second run, ms', value: cell(ours, 'secondMs'), bound: 1, want: 'at most' },
    ]
  },
})
