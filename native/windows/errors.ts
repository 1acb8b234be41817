/**
 * What Windows says in its own numbers, as results: errors of Win32 and Winsock, and the NTSTATUS
 * that a packet brings. Results are libuv's numbers, so an error has the name that Node gives it:
 * ECONNREFUSED, not 10061.
 *
 * Winsock's numbers are errno's names with 10000 in front, but a few mean something else here. A
 * packet whose status is not in the table is asked about again (WSAGetOverlappedResult), which
 * gives the number of Winsock.
 */
import { CANCELED } from '../../kernel/driver/contract.js'
import { numberOf } from '../posix/errno.js'
import { OPERATION_ABORTED } from './constants.js'

const NAMES: Readonly<Record<number, string>> = {
  1: 'ENOSYS',
  2: 'ENOENT',
  3: 'ENOENT',
  4: 'EMFILE',
  5: 'EPERM',
  6: 'EBADF',
  8: 'ENOMEM',
  14: 'ENOMEM',
  19: 'EROFS',
  32: 'EBUSY',
  33: 'EBUSY',
  39: 'ENOSPC',
  50: 'ENOTSUP',
  64: 'ECONNRESET',
  80: 'EEXIST',
  87: 'EINVAL',
  109: 'EPIPE',
  112: 'ENOSPC',
  121: 'ETIMEDOUT',
  123: 'ENOENT',
  183: 'EEXIST',
  // No program, or one for another machine.
  193: 'EFTYPE',
  206: 'ENAMETOOLONG',
  230: 'EPIPE',
  231: 'EBUSY',
  232: 'EPIPE',
  233: 'EPIPE',
  267: 'ENOENT',
  740: 'EACCES',
  998: 'EFAULT',
  1225: 'ECONNREFUSED',
  1231: 'ENETUNREACH',
  1232: 'EHOSTUNREACH',
  1236: 'ECONNABORTED',
  1816: 'ENOBUFS',
  10004: 'EINTR',
  10009: 'EBADF',
  10013: 'EACCES',
  10014: 'EFAULT',
  10022: 'EINVAL',
  10024: 'EMFILE',
  10035: 'EAGAIN',
  10036: 'EINPROGRESS',
  10037: 'EALREADY',
  10038: 'ENOTSOCK',
  10039: 'EDESTADDRREQ',
  10040: 'EMSGSIZE',
  10041: 'EPROTOTYPE',
  10042: 'ENOPROTOOPT',
  10043: 'EPROTONOSUPPORT',
  10044: 'EINVAL',
  10045: 'ENOTSUP',
  10047: 'EAFNOSUPPORT',
  10048: 'EADDRINUSE',
  10049: 'EADDRNOTAVAIL',
  10050: 'ENETDOWN',
  10051: 'ENETUNREACH',
  10052: 'ENETRESET',
  10053: 'ECONNABORTED',
  10054: 'ECONNRESET',
  10055: 'ENOBUFS',
  10056: 'EISCONN',
  10057: 'ENOTCONN',
  // Sending was shut down: to POSIX that is a pipe without a reader.
  10058: 'EPIPE',
  10060: 'ETIMEDOUT',
  10061: 'ECONNREFUSED',
  10063: 'ENAMETOOLONG',
  10064: 'EHOSTDOWN',
  10065: 'EHOSTUNREACH',
}

const known = new Map<number, number>()
for (const [code, name] of Object.entries(NAMES)) known.set(Number(code), numberOf(name))
known.set(OPERATION_ABORTED, CANCELED)

const unknown = numberOf('UNKNOWN')

/** The result that an error of Win32 or Winsock is; negative. */
export function resultOf(code: number): number {
  return known.get(code) ?? unknown
}
