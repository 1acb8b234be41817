/**
 * The kqueue driver against the contract, on Linux: the whole conformance suite. The library is ours, or the one that
 * DRUPE_KQUEUE_LIB names. Then the other ways in which systems lay struct kevent out.
 */
import test from 'ava'
import { KqueueDriver } from '../../../native/bsd/driver.js'
import type { AbiName } from '../../../native/bsd/kevent.js'
import type { KqueueSource } from '../../../native/bsd/kqueue.js'
import { CAN } from '../../../native/linux/constants.js'
import { openLibc } from '../../../native/linux/libc.js'
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
import { kqueueFor } from './shim.js'

const make = (source: KqueueSource) => () => new KqueueDriver({ libc: openLibc(), can: CAN, source })

const OTHER_LAYOUTS: readonly AbiName[] = ['darwin', 'freebsd', 'openbsd', 'netbsd']

const source = kqueueFor()
if (typeof source === 'string')
  test('kqueue: the conformance suite', (t) => {
    t.log(`skipped: ${source}`)
    t.pass()
  })
else {
  const parts = [bytes, gather, scatter, memory, control, sockets, pressure, files, positions, ownFiles]
  conformance('kqueue', make(source), ...parts)
  for (const abi of OTHER_LAYOUTS) {
    const other = kqueueFor(abi)
    if (typeof other !== 'string') conformance(`kqueue laid out as on ${abi}`, make(other), bytes, control)
  }
}
