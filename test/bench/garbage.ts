/**
 * How much garbage does a message make?
 *
 * One idea: one connection inside one process, both ends of it ours, so that what is counted is what the layers leave
 * behind and not what a load generator does.
 */
import { ratio, value } from './harness.js'
import { microBench, node, ours } from './micro.js'

export const bench = microBench({
  name: 'garbage',
  question: 'How much garbage does a message make?',
  note: 'Echo of 1 KiB over loopback, both ends in one process; the client writes from one buffer and reads into another. `heap`: bytes allocated in the heap per message (to and fro); `buffers`: bytes of buffers allocated outside; `GCs`: collections per million messages; `GC µs`: time in them per message.',
  columns: [
    { key: 'heapBytes', title: 'heap B' },
    { key: 'bufferBytes', title: 'buffers B' },
    { key: 'collections', title: 'GCs' },
    { key: 'collectorUs', title: 'GC µs' },
  ],
  rounds: 3,
  variants: () => [
    node(ours, 'garbage-drupe'),
    node('drupe readInto', 'garbage-drupe', ['into']),
    node('drupe read', 'garbage-drupe', ['read']),
    node('node:net', 'node-net', ['garbage']),
  ],
  claims: (all) => [
    {
      text: 'collections per million messages, borrow',
      value: value(all, ours, 'collections'),
      bound: 100,
      want: 'at most',
    },
    {
      text: 'node:net ÷ borrow, collections',
      value: ratio(value(all, 'node:net', 'collections'), value(all, ours, 'collections')),
      bound: 10,
      want: 'at least',
    },
  ],
})
