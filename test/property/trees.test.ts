/**
 * Random programs keep the promises of structured concurrency; the long run of the same is `npm run explore`.
 */
import test from 'ava'
import fc from 'fast-check'
import { digest } from './digest.js'
import { findings } from './findings.js'
import { play } from './play.js'
import { cases } from './tree.js'

test('random programs: every task ends, every cleanup runs once and in order, no error is lost, nothing leaks', (t) => {
  fc.assert(
    fc.property(cases, (one) => {
      const found = findings(one)
      if (found.length > 0) throw new Error(found.join('\n'))
    }),
    { seed: 1, numRuns: 500 },
  )
  t.pass()
})

test('the same seeds give the same traces, here and everywhere', (t) => {
  let all: number | undefined
  for (const one of fc.sample(cases, { seed: 2, numRuns: 100 })) all = digest(play(one).trace, all)
  let again: number | undefined
  for (const one of fc.sample(cases, { seed: 2, numRuns: 100 })) again = digest(play(one).trace, again)
  t.is(all, again)
})
