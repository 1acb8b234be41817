/**
 * What does a call to another thread cost, beside piscina, and how soon is it cancelled?
 *
 * One idea: the same functions of the same module in two threads, from nothing at all to a millisecond of computing. With
 * nothing it is the price of a call; with a millisecond it is what is left of that.
 */
import { createRequire } from 'node:module'
import { ratio, value } from './harness.js'
import { microBench, node, ours } from './micro.js'

const PEER = 'piscina'
const PARTS = ['nothing', 'short', 'long', 'alone'] as const

function missing(name: string): string | undefined {
  try {
    createRequire(import.meta.url).resolve(name)
    return undefined
  } catch {
    return `npm package ${name} is not installed`
  }
}

export const bench = microBench({
  name: 'threads',
  question: 'What does a call to another thread cost, beside piscina, and how soon is it cancelled?',
  note: 'Microseconds per call, two threads. `nothing`, `short` (0.1 ms of computing), `long` (1 ms): many at once. `alone`: nothing, one call after the other. `cancel`: from the cancel of a call that computes, and looks up, to the end of its wait, in milliseconds; the median and the slowest but one of 100.',
  columns: [
    ...PARTS.map((key) => ({ key, title: key })),
    { key: 'cancelMs', title: 'cancel, ms' },
    { key: 'cancelP99Ms', title: 'p99' },
  ],
  parts: [...PARTS, 'cancel'],
  rounds: 7,
  everyCore: true,
  variants: () => [node(ours, 'threads-drupe'), { ...node(PEER, 'threads-piscina'), skip: missing(PEER) }],
  claims: (all) => [
    ...PARTS.map((key) => ({
      text: `${key}: a call ÷ piscina`,
      value: ratio(value(all, ours, key), value(all, PEER, key)),
      bound: 1,
      want: 'at most' as const,
    })),
    { text: 'a cancel there and back, ms', value: value(all, ours, 'cancelMs'), bound: 5, want: 'at most' },
  ],
})
