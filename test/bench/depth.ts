/**
 * What does a deep stack of calls cost at a switch?
 *
 * One idea: `yield*` resumes through every frame and `await` does not, so this is where generators have to lose;
 * the number says how much, at a depth that few programs reach.
 */
import { microBench, node, ours } from './micro.js'

export const bench = microBench({
  name: 'depth',
  question: 'What does a deep stack of calls cost at a switch?',
  note: '`ns`: 50 nested calls are made, the innermost switches once, all return. `held`: the 50 frames stay and the innermost switches; a generator is resumed through all of them, an async function is not.',
  columns: [
    { key: 'ns', title: 'ns' },
    { key: 'nsHeld', title: 'held, ns' },
  ],
  variants: () => [
    node(ours, 'depth-drupe'),
    node('drupe runSync', 'depth-drupe', ['sync']),
    node('await', 'depth-await'),
    node('effection', 'depth-effection', [], 'effection'),
    node('effect', 'depth-effect', [], 'effect'),
  ],
  claims: () => [],
})
