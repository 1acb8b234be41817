/**
 * Whatever can be taken is taken once, or is still there; the long run of the same is `npm run explore -- --takes`.
 */
import test from 'ava'
import { explore } from 'drupe/testing'
import { puts, takes } from './takes.js'

test('random takers in races, with time limits and cancels: nothing is lost, nothing doubled, order is kept', (t) => {
  t.deepEqual(explore(takes, { seeds: 2000 }), { seeds: 2000 })
})

test('random puts in races: what the losers put is taken out again', (t) => {
  t.deepEqual(explore(puts, { seeds: 500 }), { seeds: 500 })
})
