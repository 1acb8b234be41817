/**
 * What is eight times as large takes eight times as many steps, not sixty-four: counted, without a clock, for each structure.
 *
 * A step is a call of a function of Drupe's or a turn of one of its loops; see steps.ts. The table of structures is in
 * structures.ts.
 */
import test from 'ava'
import { type Counted, counted, steps } from './steps.js'
import { STRUCTURES } from './structures.js'

let copy: Counted
test.before(async () => {
  copy = await counted()
})
test.after.always(() => copy.remove())

const SMALL = 60
const LARGE = 8 * SMALL

for (const [name, { grows = 'n', run }] of Object.entries(STRUCTURES)) {
  test(`in proportion to its size: ${name}`, (t) => {
    // Once before: what is made when it is first used does not count.
    run(copy, 2)
    const [small, large] = [steps(() => run(copy, SMALL)), steps(() => run(copy, LARGE))]
    const factor = { n: 8, 'n log n': 8 * (Math.log2(LARGE) / Math.log2(SMALL)), 'n × depth': 64 }[grows]
    t.true(small > SMALL, `nothing was counted: ${small}`)
    t.true(large <= factor * small * 1.1, `${small} steps for ${SMALL}, ${large} for ${LARGE}`)
  })
}
