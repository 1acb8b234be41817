/**
 * What does a message from another process cost, authenticated over a Unix socket, beside `process.send`?
 *
 * One idea: a small object, many in one direction, and one there and back at a time. Ours prove each message and wait for the
 * receiver; `process.send` does neither, so what is compared is what programs would use.
 */
import { ratio, value } from './harness.js'
import { microBench, node, ours } from './micro.js'

const ADVANCED = 'process.send, advanced'
const JSON_PEER = 'process.send, JSON'
const PARTS = ['flood', 'pingPong'] as const

export const bench = microBench({
  name: 'messages',
  question: 'What does a message from another process cost, beside process.send?',
  note: 'Microseconds per message, an object of three fields. `flood`: many in one direction, at the receiver; `pingPong`: one there and back, one after the other.',
  columns: PARTS.map((key) => ({ key, title: key })),
  parts: [...PARTS],
  rounds: 7,
  everyCore: true,
  variants: () => [
    node(ours, 'messages-drupe'),
    node(ADVANCED, 'messages-node', ['advanced']),
    node(JSON_PEER, 'messages-node', ['json']),
  ],
  claims: (all) => [
    {
      text: 'flood: a message ÷ process.send with structured cloning',
      value: ratio(value(all, ours, 'flood'), value(all, ADVANCED, 'flood')),
      bound: 1.5,
      want: 'at most',
    },
  ],
})
