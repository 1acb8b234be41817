/**
 * I/O results as errors: what a negative result of the driver means to the task that asked.
 *
 * The portable results become Drupe's own classes, an errno becomes a SystemError with the fields
 * of Node's.
 */

import { BufferError, BusyError, ClosedError, SystemError, UnsupportedError } from '../protocol/errors.js'
import {
  type Address,
  actionOf,
  BUSY,
  CLOSED,
  CONNECT,
  type Driver,
  IO_NAMES,
  type IoOp,
  isIntact,
  SEND,
  UNSUPPORTED,
} from './contract.js'

/** Results below this are the portable ones. */
const LOWEST_ERRNO = -100_000

const CLOCK_ALONE = 'it has a clock and nothing else; drupe/testing has networks and streams for virtual time'

/** The error of a completed operation with a negative result. */
export function ioError(driver: Driver, op: IoOp): Error {
  const syscall = IO_NAMES[op.kind] ?? 'io'
  if (op.path !== null && op.result > LOWEST_ERRNO) {
    const [code, text] = driver.describeError(op.result)
    return new SystemError({ code, errno: op.result, syscall, text, path: op.path })
  }
  if (!isIntact(op) && driver.describeError(op.result)[0] === 'EFAULT') return new BufferError(actionOf(op))
  const address = op.kind === CONNECT || op.kind === SEND ? op.address : null
  return resultError(driver, actionOf(op), syscall, op.result, address)
}

/** The error of a negative result: `syscall` is what Node would call the failed call. */
export function resultError(
  driver: Driver,
  action: string,
  syscall: string,
  result: number,
  address: Address | null,
): Error {
  if (result === CLOSED) return new ClosedError(action, 'it was closed while this task waited')
  if (result === BUSY)
    return new BusyError(action, 'another task is waiting there; one reader and one writer at a time')
  if (result === UNSUPPORTED) {
    const { can, name } = driver
    const { note = can.sockets ? 'it has nothing of the kind' : CLOCK_ALONE } = driver
    return new UnsupportedError(action, `the ${name} driver cannot; ${note}`)
  }
  const [code, text] = driver.describeError(result)
  if (address === null) return new SystemError({ code, errno: result, syscall, text })
  if (address.family === 'unix') return new SystemError({ code, errno: result, syscall, text, address: address.path })
  return new SystemError({ code, errno: result, syscall, text, address: address.host, port: address.port })
}
