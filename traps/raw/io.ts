/**
 * Raw traps: I/O on file descriptors, under the names that Unix gave them.
 *
 * `drupe/lowlevel` exports these; streams and listeners are built from them. Each waiting one takes `{ timeout }`, which is
 * one timer on the waiting task and neither a scope nor a task of its own. The descriptor is a plain number: who closes it
 * and uses it again gets what he asked for, as in C; streams are safe from that.
 */

import { ACCEPT, type Address, CONNECT, IoOp, READ, READABLE, WRITABLE, WRITE } from '../../kernel/protocol/io-op.js'
import {
  checkCount,
  checkFd,
  checkPieces,
  checkWord,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import type { SocketKind, SocketOption } from '../../kernel/protocol/request.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { STAYS } from '../../kernel/protocol/wait-queue.js'
import { ask } from './call.js'
import { type Endpoint, toAddress } from './ip.js'

const KINDS: readonly SocketKind[] = ['tcp4', 'tcp6', 'udp4', 'udp6', 'unix']
const OPTIONS: readonly SocketOption[] = [
  'broadcast',
  'noDelay',
  'reuseAddress',
  'reusePort',
  'keepAlive',
  'ipv6Only',
  'receiveBufferBytes',
  'sendBufferBytes',
]

/**
 * Waits until there is something to read, and reads into `buffer`; how many bytes, 0 at the end of the stream (or for a
 * buffer without room). Several buffers are filled one after the other, in one system call where it can be. Cancelled or timed out,
 * nothing was read. The memory may be shared between threads (SharedArrayBuffer).
 *
 * @throws SystemError as the system says: `EBADF`, `ECONNRESET`, …
 * @throws BusyError if another task is reading from the fd.
 * @throws BufferError if a buffer was transferred or made smaller meanwhile.
 * @throws ClosedError if the fd is closed meanwhile.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 */
export function read(fd: number, buffer: Uint8Array | readonly Uint8Array[], options?: WaitOptions): Trap<number> {
  const op = new IoOp<number>(READ, checkFd('read', 'fd', fd), null, 0, 0, timeoutOf('read', options))
  load(op, buffer, checkPieces('read', 'buffer', buffer))
  return op
}

/**
 * Waits until there is room, and writes from `bytes`; how many were written, often less than all: `writeAll` goes on to the
 * end. Several pieces are written as if they were one, in one system call where it can be. Cancelled or timed out, nothing
 * was written. The bytes must not change until it returns.
 *
 * @throws SystemError as the system says: `EBADF`, `EPIPE`, `ECONNRESET`, …
 * @throws BusyError if another task is writing to the fd.
 * @throws BufferError if some of the bytes were transferred or made smaller meanwhile.
 * @throws ClosedError if the fd is closed meanwhile.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 */
export function write(fd: number, bytes: Uint8Array | readonly Uint8Array[], options?: WaitOptions): Trap<number> {
  const op = new IoOp<number>(WRITE, checkFd('write', 'fd', fd), null, 0, 0, timeoutOf('write', options))
  load(op, bytes, checkPieces('write', 'bytes', bytes))
  return op
}

/** Like `write`, until all is written. Cancelled, timed out or failed, some of it may have been written. Errors as for `write`. */
export function writeAll(fd: number, bytes: Uint8Array | readonly Uint8Array[], options?: WaitOptions): Trap<number> {
  const op = new IoOp<number>(WRITE, checkFd('write', 'fd', fd), null, 0, 0, timeoutOf('write', options))
  load(op, bytes, checkPieces('write', 'bytes', bytes))
  op.all = true
  return op
}

/** Gives a READ or a WRITE its `length` bytes, in one piece or in several. */
export function load(op: IoOp, bytes: Uint8Array | readonly Uint8Array[], length: number): void {
  op.length = length
  if (Array.isArray(bytes)) {
    op.buffer = null
    op.vector = bytes
  } else {
    op.buffer = bytes as Uint8Array
    op.vector = null
  }
}

/**
 * Waits for a connection on a listening socket; its fd, ready for use. Errors as for `read`. Some are of that connection alone
 * (`ECONNABORTED`, `EPROTO`, `EPERM`, …, see accept(2)), and the next accept may succeed: a `Listener` goes on by itself.
 */
export function accept(fd: number, options?: WaitOptions): Trap<number> {
  return new IoOp<number>(ACCEPT, checkFd('accept', 'fd', fd), null, 0, 0, timeoutOf('accept', options))
}

/**
 * Connects a socket, and waits until it is. Cancelled or timed out, the socket can only be closed.
 *
 * @throws SystemError as the system says (`ECONNREFUSED`, …), with `address` and `port`.
 */
export function connect(fd: number, endpoint: Endpoint, options?: WaitOptions): Trap<number> {
  const op = new IoOp<number>(CONNECT, checkFd('connect', 'fd', fd), null, 0, 0, timeoutOf('connect', options), STAYS)
  op.address = toAddress('connect', endpoint)
  return op
}

/** Waits until reading would not wait; for descriptors that other code reads. Errors as for `read`. */
export function readable(fd: number, options?: WaitOptions): Trap<number> {
  return new IoOp<number>(
    READABLE,
    checkFd('wait until readable', 'fd', fd),
    null,
    0,
    0,
    timeoutOf('wait until readable', options),
  )
}

/** Waits until writing would not wait; for descriptors that other code writes. Errors as for `write`. */
export function writable(fd: number, options?: WaitOptions): Trap<number> {
  return new IoOp<number>(
    WRITABLE,
    checkFd('wait until writable', 'fd', fd),
    null,
    0,
    0,
    timeoutOf('wait until writable', options),
  )
}

/** Closes a descriptor; tasks that wait on it get a ClosedError. Does not wait. */
export function close(fd: number): Trap<number> {
  checkFd('close', 'fd', fd)
  return ask('close', (driver) => driver.closeFd(fd))
}

/** Opens a socket; its fd. Does not wait. */
export function socket(kind: SocketKind): Trap<number> {
  checkWord('open a socket', 'kind', kind, KINDS)
  return ask('socket', (driver) => driver.socket(kind))
}

/** Gives a socket its address. Does not wait. */
export function bind(fd: number, endpoint: Endpoint): Trap<number> {
  checkFd('bind', 'fd', fd)
  const address = toAddress('bind', endpoint)
  return ask('bind', (driver) => driver.bind(fd, address), address)
}

/** Makes a socket accept connections, `backlog` of them before they are accepted. Does not wait. */
export function listen(fd: number, backlog = 511, address: Address | null = null): Trap<number> {
  checkFd('listen', 'fd', fd)
  checkCount('listen', 'backlog', backlog, 0, 0x7fffffff)
  if (address !== null) toAddress('listen', address)
  return ask('listen', (driver) => driver.listen(fd, backlog), address)
}

/** Sets a socket option: a switch (true or false), or a size in bytes. Does not wait. */
export function setOption(fd: number, option: SocketOption, value: boolean | number): Trap<number> {
  checkFd('set the option', 'fd', fd)
  checkWord('set the option', 'option', option, OPTIONS)
  if (typeof value !== 'boolean') checkCount('set the option', 'value', value, 0, 0x7fffffff)
  return ask('setsockopt', (driver) => driver.setOption(fd, option, Number(value)))
}

/** The address of this end. Does not wait. */
export function localAddress(fd: number): Trap<Address> {
  checkFd('ask for the address', 'fd', fd)
  return ask('getsockname', (driver) => driver.localAddress(fd)) as Trap<Address>
}

/** The address of the other end. Does not wait. */
export function remoteAddress(fd: number): Trap<Address> {
  checkFd('ask for the peer', 'fd', fd)
  return ask('getpeername', (driver) => driver.remoteAddress(fd)) as Trap<Address>
}

/** Ends the writing side: the peer reads an end. Does not wait. */
export function shutdown(fd: number): Trap<number> {
  checkFd('shut down', 'fd', fd)
  return ask('shutdown', (driver) => driver.shutdown(fd))
}
