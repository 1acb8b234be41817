/**
 * The driver that docs/recipes/add-a-driver.md makes, against the whole suite that every driver passes.
 */
import test from 'ava'
import { PollDriver } from '../../examples/kernel/new-driver.js'
import { conformance } from '../driver/conformance/all.js'
import { EVERY_PART } from '../driver/conformance/every.js'

if (process.platform === 'linux') {
  conformance('poll', () => new PollDriver(), ...EVERY_PART)
} else
  test('poll', (t) => {
    t.log('skipped: it is made of the rooms for Linux')
    t.pass()
  })
