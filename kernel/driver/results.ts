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
  REQUEST_NAMES,
  Request,
  requestAction,
  SEND,
  UNSUPPORTED,
} from './contract.js'

/** Results below this are the portable ones. */
const LOWEST_ERRNO = -100_000

const CLOCK_ALONE = 'it has a clock and nothing else; drupe/testing has networks and streams for virtual time'

/** The error of a completed operation with a negative result. */
export function ioError(driver: Driver, op: IoOp): Error {
  const syscall = IO_NAMES[op.kind] ?? 'io'
  if (!isIntact(op) && driver.describeError(op.result)[0] === 'EFAULT') return new BufferError(actionOf(op))
  const address = op.kind === CONNECT || op.kind === SEND ? op.address : null
  return resultError(driver, actionOf(op), syscall, op.result, address)
}

/** The error of a completed request with a negative result. */
export function requestError(driver: Driver, request: Request): Error {
  const { input, result, kind } = request
  const syscall = REQUEST_NAMES[kind]
  if (result <= LOWEST_ERRNO) return resultError(driver, requestAction(request), syscall, result, null)
  const [code, text] = driver.describeError(result, syscall)
  if ('path' in input) return new SystemError({ code, errno: result, syscall, text, path: input.path })
  if (!('host' in input)) return new SystemError({ code, errno: result, syscall, text })
  // As Node calls them, which does not tell a name without addresses from a name that there is not.
  const known = code === 'EAI_NONAME' || code === 'EAI_NODATA' ? 'ENOTFOUND' : code
  return new SystemError({ code: known, errno: result, syscall, text, address: input.host })
}

/** The error of whatever a task waited for. */
export function failureOf(driver: Driver, wait: IoOp | Request): Error {
  return wait instanceof Request ? requestError(driver, wait) : ioError(driver, wait)
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
  const [code, text] = driver.describeError(result, syscall)
  if (address === null) return new SystemError({ code, errno: result, syscall, text })
  if (address.family === 'unix') return new SystemError({ code, errno: result, syscall, text, address: address.path })
  return new SystemError({ code, errno: result, syscall, text, address: address.host, port: address.port })
}
