/**
 * The I/O scenarios in every mode that has I/O. That none of them leaves a descriptor behind is counted in a process of
 * its own, see test/child.
 */

import test from 'ava'
import { timeout } from 'drupe'
import { covers } from '../covers.js'
import { MODES } from '../kit.js'
import { PATIENCE_MS } from '../patience.js'
import { BUFFER_SCENARIOS } from './buffers.js'
import { FILE_SCENARIOS } from './files.js'
import { SERVER_SCENARIOS } from './servers.js'
import { STREAM_SCENARIOS } from './streams.js'

for (const mode of MODES.filter(({ io }) => io)) {
  for (const { name, op, gives, lacking, peers = [] } of [
    ...STREAM_SCENARIOS,
    ...BUFFER_SCENARIOS,
    ...SERVER_SCENARIOS,
    ...FILE_SCENARIOS,
  ]) {
    test(`${mode.name}: ${name}`, async (t) => {
      covers(t, ...peers)
      if (lacking?.includes(process.platform)) {
        t.log(`skipped: there is no such thing on ${process.platform}`)
        return t.pass()
      }
      // A blocking run that hangs could not be stopped from outside, not even by AVA.
      t.deepEqual(await mode.run(timeout(PATIENCE_MS, op)), gives)
    })
  }
}

for (const mode of MODES.filter(({ io }) => !io)) {
  test(`${mode.name}: I/O is refused in words`, async (t) => {
    const error = await t.throwsAsync(mode.run(STREAM_SCENARIOS[0]?.op as never))
    t.is((error as { code?: string }).code, 'DRUPE_UNSUPPORTED')
    t.regex(error.message, /driver cannot/)
  })
}
