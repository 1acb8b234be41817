/**
 * The epoll driver against the contract: the whole conformance suite, and nothing of its own.
 */
import { EpollDriver } from '../../native/epoll.js'
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
  )
