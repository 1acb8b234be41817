/**
 * The epoll driver against the contract: the whole conformance suite, and nothing of its own.
 */
import { EpollDriver } from '../../../native/linux/epoll.js'
import { conformance } from '../../driver/conformance/all.js'
import { EVERY_PART } from '../../driver/conformance/every.js'

if (process.platform === 'linux') conformance('epoll', () => new EpollDriver(), ...EVERY_PART)
