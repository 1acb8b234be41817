/**
 * The errors that a simulated system knows, by Linux's numbers, and what they are called.
 */

export const EPERM = -1
export const ENOENT = -2
export const EBADF = -9
export const EAGAIN = -11
export const EACCES = -13
export const EFAULT = -14
export const EEXIST = -17
export const EINVAL = -22
export const EMFILE = -24
export const ESPIPE = -29
export const EPIPE = -32
export const EDESTADDRREQ = -89
export const EMSGSIZE = -90
export const EPROTOTYPE = -91
export const EAFNOSUPPORT = -97
export const EADDRINUSE = -98
export const EADDRNOTAVAIL = -99
export const ECONNABORTED = -103
export const ECONNRESET = -104
export const EISCONN = -106
export const ENOTCONN = -107
export const ETIMEDOUT = -110
export const ECONNREFUSED = -111
export const EHOSTUNREACH = -113

/** The server of names does not answer: libuv's number, as the resolver has no errno. */
export const EAI_AGAIN = -3001
/** There is no such name: libuv's number. */
export const EAI_NONAME = -3008

/** Name and words of each. */
export const SIM_ERRORS: ReadonlyMap<number, readonly [name: string, text: string]> = new Map([
  [EPERM, ['EPERM', 'operation not permitted']],
  [ENOENT, ['ENOENT', 'no such file or directory']],
  [EBADF, ['EBADF', 'bad file descriptor']],
  [EAGAIN, ['EAGAIN', 'resource temporarily unavailable']],
  [EACCES, ['EACCES', 'permission denied']],
  [EFAULT, ['EFAULT', 'bad address in system call argument']],
  [EEXIST, ['EEXIST', 'file already exists']],
  [EINVAL, ['EINVAL', 'invalid argument']],
  [EMFILE, ['EMFILE', 'too many open files']],
  [ESPIPE, ['ESPIPE', 'invalid seek']],
  [EPIPE, ['EPIPE', 'broken pipe']],
  [EDESTADDRREQ, ['EDESTADDRREQ', 'destination address required']],
  [EMSGSIZE, ['EMSGSIZE', 'message too long']],
  [EPROTOTYPE, ['EPROTOTYPE', 'protocol wrong type for socket']],
  [EAFNOSUPPORT, ['EAFNOSUPPORT', 'address family not supported']],
  [EADDRINUSE, ['EADDRINUSE', 'address already in use']],
  [EADDRNOTAVAIL, ['EADDRNOTAVAIL', 'address not available']],
  [ECONNABORTED, ['ECONNABORTED', 'software caused connection abort']],
  [ECONNRESET, ['ECONNRESET', 'connection reset by peer']],
  [EISCONN, ['EISCONN', 'socket is already connected']],
  [ENOTCONN, ['ENOTCONN', 'socket is not connected']],
  [ETIMEDOUT, ['ETIMEDOUT', 'connection timed out']],
  [ECONNREFUSED, ['ECONNREFUSED', 'connection refused']],
  [EAI_AGAIN, ['EAI_AGAIN', 'temporary failure']],
  [EAI_NONAME, ['EAI_NONAME', 'unknown node or service']],
  [EHOSTUNREACH, ['EHOSTUNREACH', 'host is unreachable']],
])
