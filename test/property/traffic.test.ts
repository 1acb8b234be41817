/**
 * Random traffic on a network where things go wrong; the long run of the same is `npm run explore -- --traffic`.
 */
import test from 'ava'
import { Choices, explore } from 'drupe/testing'
import { traffic } from './traffic.js'

test('random traffic: bytes arrive in order, every task ends, every socket is closed, whatever goes wrong', (t) => {
  t.deepEqual(
    explore((choices) => void traffic(choices), { seeds: 100 }),
    { seeds: 100 },
  )
})

test('the same choices take the same course', (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const choices = new Choices(seed, null)
    t.deepEqual(traffic(choices), traffic(new Choices(seed, choices.drawn)))
  }
})
