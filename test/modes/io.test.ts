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
import { DATAGRAM_SCENARIOS } from './datagrams.js'
import { DESCRIPTOR_SCENARIOS } from './descriptors.js'
import { FILE_NAME_SCENARIOS } from './file-names.js'
import { FILE_SCENARIOS } from './files.js'
import { MESSAGE_SCENARIOS } from './messages.js'
import { NAME_SCENARIOS } from './names.js'
import { OS_SCENARIOS } from './os-files.js'
import { PASSING_SCENARIOS } from './passing.js'
import { PROCESS_SCENARIOS } from './processes.js'
import { SERVER_SCENARIOS } from './servers.js'
import { STREAM_SCENARIOS } from './streams.js'
import { UNIX_SCENARIOS } from './unix.js'
import { UNIX_DATAGRAM_SCENARIOS } from './unix-datagrams.js'

/** What kqueue cannot, it cannot on Linux either. */
const HERE = process.env['DRUPE_DRIVER'] === 'kqueue' ? 'darwin' : process.platform

for (const mode of MODES.filter(({ io }) => io)) {
  for (const { name, op, gives, lacking, peers = [] } of [
    ...STREAM_SCENARIOS,
    ...BUFFER_SCENARIOS,
    ...SERVER_SCENARIOS,
    ...FILE_SCENARIOS,
    ...UNIX_SCENARIOS,
    ...DATAGRAM_SCENARIOS,
    ...UNIX_DATAGRAM_SCENARIOS,
    ...DESCRIPTOR_SCENARIOS,
    ...NAME_SCENARIOS,
    ...PASSING_SCENARIOS,
    ...PROCESS_SCENARIOS,
    ...OS_SCENARIOS,
    ...FILE_NAME_SCENARIOS,
    ...MESSAGE_SCENARIOS,
  ]) {
    test(`${mode.name}: ${name}`, async (t) => {
      covers(t, ...peers)
      if (lacking?.includes(HERE)) {
        t.log(`skipped: there is no such thing on ${HERE}`)
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
