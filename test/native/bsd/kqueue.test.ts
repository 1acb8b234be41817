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
import { EVERY_PART } from '../../driver/conformance/every.js'
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
  conformance('kqueue', make(source), ...EVERY_PART)
  for (const abi of OTHER_LAYOUTS) {
    const other = kqueueFor(abi)
    if (typeof other !== 'string') conformance(`kqueue laid out as on ${abi}`, make(other), bytes, control)
  }
}
