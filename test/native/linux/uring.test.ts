/**
 * The io_uring driver against the contract: the whole conformance suite, on three rings. The usual one; one so small that requests
 * do not fit in and answers overflow; and one as Linux 6.0 has it.
 */
import { UringDriver } from '../../../native/linux/uring/driver.js'
import { conformance } from '../../driver/conformance/all.js'
import { bytes } from '../../driver/conformance/bytes.js'
import { control } from '../../driver/conformance/control.js'
import { files } from '../../driver/conformance/files.js'
import { gather } from '../../driver/conformance/gather.js'
import { memory } from '../../driver/conformance/memory.js'
import { ownFiles } from '../../driver/conformance/own-files.js'
import { positions } from '../../driver/conformance/positions.js'
import { pressure } from '../../driver/conformance/pressure.js'
import { scatter } from '../../driver/conformance/scatter.js'
import { sockets } from '../../driver/conformance/sockets.js'

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
    ownFiles,
  )
  conformance(
    'io_uring, tiny',
    () => new UringDriver({ sqes: 2, cqes: 4 }),
    bytes,
    gather,
    scatter,
    control,
    sockets,
    pressure,
    memory,
    files,
    positions,
    ownFiles,
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
    ownFiles,
  )
}
