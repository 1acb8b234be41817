/**
 * What does a deep stack of calls cost at a switch?
 *
 * One idea: `yield*` resumes through every frame and `await` does not, so this is where generators have to lose;
 * the number says how much, at a depth that few programs reach. `call` puts the frames into the kernel and so does without.
 */
import { ratio, value } from './harness.js'
import { microBench, node, ours } from './micro.js'

const calls = 'drupe call'

export const bench = microBench({
  name: 'depth',
  question: 'What does a deep stack of calls cost at a switch?',
  note: '`ns`: 50 nested calls are made, the innermost switches once, all return. `held`: the 50 frames stay and the innermost switches; a generator is resumed through all of them, a callee of `call` and an async function are not.',
  columns: [
    { key: 'ns', title: 'ns' },
    { key: 'nsHeld', title: 'held, ns' },
  ],
  variants: () => [
    node(ours, 'depth-drupe'),
    node('drupe runSync', 'depth-drupe', ['sync']),
    node(calls, 'depth-call'),
    node('await', 'promises', ['depth']),
    node('effection', 'effection', ['depth'], 'effection'),
    node('effect', 'effect', ['depth'], 'effect'),
  ],
  claims: (all) => {
    const against = (key: string): number | undefined => ratio(value(all, calls, key), value(all, 'await', key))
    return [
      { text: '50 calls, a switch, 50 returns ÷ native await', value: against('ns'), bound: 1, want: 'at most' },
      { text: 'a switch under 50 calls ÷ native await', value: against('nsHeld'), bound: 1, want: 'at most' },
    ]
  },
})
