/**
 * The scenarios of programs without a shell, in every mode that has I/O.
 */
import test from 'ava'
import { timeout } from 'drupe'
import { covers } from '../covers.js'
import { MODES } from '../kit.js'
import { PATIENCE_MS } from '../patience.js'
import { PROGRAM_SCENARIOS } from './programs.js'

for (const mode of MODES.filter(({ io }) => io)) {
  for (const { name, op, gives, peers = [] } of PROGRAM_SCENARIOS) {
    test.serial(`${mode.name}: ${name}`, async (t) => {
      covers(t, ...peers)
      // A blocking run that hangs could not be stopped from outside.
      t.deepEqual(await mode.run(timeout(PATIENCE_MS, op)), gives)
    })
  }
}
