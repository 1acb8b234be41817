/**
 * The io_uring driver against the contract: the whole conformance suite, on three rings. The usual one; one so small that requests
 * do not fit in and answers overflow; and one as Linux 6.0 has it.
 */
import { UringDriver } from '../../../native/linux/uring/driver.js'
import { conformance } from '../../driver/conformance/all.js'
import { EVERY_PART } from '../../driver/conformance/every.js'

if (process.platform === 'linux') {
  conformance('io_uring', () => new UringDriver(), ...EVERY_PART)
  conformance('io_uring, tiny', () => new UringDriver({ sqes: 2, cqes: 4 }), ...EVERY_PART)
  conformance('io_uring, cooperative', () => new UringDriver({ cooperative: true }), ...EVERY_PART)
}
