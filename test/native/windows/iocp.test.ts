/**
 * The IOCP driver against the contract: the conformance suite, in all that Windows has.
 */
import test from 'ava'
import { IocpDriver } from '../../../native/windows/driver.js'
import { conformance } from '../../driver/conformance/all.js'
import { bytes } from '../../driver/conformance/bytes.js'
import { control } from '../../driver/conformance/control.js'
import { datagrams } from '../../driver/conformance/datagrams.js'
import { files } from '../../driver/conformance/files.js'
import { gather } from '../../driver/conformance/gather.js'
import { memory } from '../../driver/conformance/memory.js'
import { ownFiles } from '../../driver/conformance/own-files.js'
import { pressure } from '../../driver/conformance/pressure.js'
import { scatter } from '../../driver/conformance/scatter.js'
import { sockets } from '../../driver/conformance/sockets.js'

if (process.platform === 'win32') {
  conformance(
    'iocp',
    () => new IocpDriver(),
    bytes,
    gather,
    scatter,
    memory,
    control,
    sockets,
    datagrams,
    pressure,
    files,
    ownFiles,
  )
} else {
  test('iocp: the conformance suite', (t) => {
    t.log('skipped: it needs Windows, or Wine (npm run test:windows)')
    t.pass()
  })
}
