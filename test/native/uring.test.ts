/**
 * The io_uring driver against the contract: the whole conformance suite, on three rings. The usual one; one so small that requests
 * do not fit in and answers overflow; and one as Linux 6.0 has it.
 */
import { UringDriver } from '../../native/uring.js'
import { conformance } from './conformance.js'
import { bytes } from './conformance-bytes.js'
import { control } from './conformance-control.js'
import { files } from './conformance-files.js'
import { gather } from './conformance-gather.js'
import { memory } from './conformance-memory.js'
import { positions } from './conformance-positions.js'
import { pressure } from './conformance-pressure.js'
import { scatter } from './conformance-scatter.js'
import { sockets } from './conformance-sockets.js'

if (process.platform === 'linux') {
  conformance(
    'io_uring',
    () => new UringDriver(),
    bytes,
    gather,
    scatter,
    memory,
    control,
    sockets,
    pressure,
    files,
    positions,
  )
  conformance(
    'io_uring, tiny',
    () => new UringDriver({ requests: 2, answers: 4 }),
    bytes,
    gather,
    scatter,
    control,
    sockets,
    pressure,
    memory,
    files,
    positions,
  )
  conformance(
    'io_uring, cooperative',
    () => new UringDriver({ cooperative: true }),
    bytes,
    gather,
    scatter,
    control,
    sockets,
    pressure,
    memory,
    files,
    positions,
  )
}
