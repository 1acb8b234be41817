/**
 * The epoll driver against the contract: the whole conformance suite, and nothing of its own.
 */
import { EpollDriver } from '../../../native/linux/epoll.js'
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

if (process.platform === 'linux')
  conformance(
    'epoll',
    () => new EpollDriver(),
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
