/**
 * Raw traps: I/O on file descriptors, under the names that Unix gave them.
 *
 * `drupe/lowlevel` exports these; streams and listeners are built from them. Each waiting one takes
 * `{ timeout }`, which is one timer on the waiting task and neither a scope nor a task of its own.
 * The descriptor is a plain number: code that closes it and uses it again may meet another file, as
 * in C; streams are safe from that.
 */

import type { SocketKind, SocketOption } from '../../kernel/protocol/calls.js'
import { ACCEPT, type Address, CONNECT, IoOp, READ, READABLE, WRITABLE, WRITE } from '../../kernel/protocol/io-op.js'
import {
  checkCount,
  checkFd,
  checkPieces,
  checkWord,
  timeoutOf,
  type WaitOptions,
} from '../../kernel/protocol/operands.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { STAYS } from '../../kernel/protocol/wait-queue.js'
import { ask } from './call.js'
import { type Endpoint, toAddress } from './ip.js'

const KINDS: readonly SocketKind[] = ['tcp4', 'tcp6', 'udp4', 'udp6', 'unix', 'pipe']
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
 * Waits until there is something to read, reads into `buffer`, and returns how many bytes it read:
 * 0 at the end of the stream (or for a buffer without room). Several buffers are filled one after
 * the other, in one system call where that is possible. The memory may be shared between threads
 * (SharedArrayBuffer). If the task is cancelled while it waits, or `timeout` is over, nothing was
 * read.
 *
 * @param fd The descriptor.
 * @param buffer Where the bytes go, one piece or several.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `EBADF`, `ECONNRESET`, …
 * @throws BusyError if another task is reading from the fd.
 * @throws BufferError if a buffer was transferred or made smaller meanwhile.
 * @throws ClosedError if the fd is closed meanwhile.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run } from 'drupe'
 * import { close, openFile, read } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* openFile('package.json')
 *   const buffer = new Uint8Array(1)
 *   yield* read(fd, buffer)
 *   console.log(new TextDecoder().decode(buffer)) // => {
 *   yield* close(fd)
 * })
 */
export function read(fd: number, buffer: Uint8Array | readonly Uint8Array[], options?: WaitOptions): Trap<number> {
  const op = new IoOp<number>(READ, checkFd('read', 'fd', fd), null, 0, 0, timeoutOf('read', options))
  load(op, buffer, checkPieces('read', 'buffer', buffer))
  return op
}

/**
 * Waits until there is room, writes from `bytes`, and returns how many bytes it wrote, often less
 * than all: `writeAll` goes on to the end. Several pieces are written as if they were one, in one
 * system call where that is possible. The bytes must not change until it returns. If the task is
 * cancelled while it waits, or `timeout` is over, nothing was written.
 *
 * @param fd The descriptor.
 * @param bytes The bytes, in one piece or in several.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `EBADF`, `EPIPE`, `ECONNRESET`, …
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

/**
 * Writes as `write` does, until all is written. If the task is cancelled while it waits, or it
 * fails, some of it may have been written. Errors are those of `write`.
 *
 * @param fd The descriptor.
 * @param bytes The bytes, in one piece or in several.
 * @param options `timeout` in milliseconds. Default: no limit.
 */
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
 * Waits for a connection on a listening socket, and returns its fd, ready for use. If the task is
 * cancelled while it waits, no connection was taken. Errors are those of `read`. Some are of that
 * connection alone (`ECONNABORTED`, `EPROTO`, `EPERM`, …, see accept(2)), and the next accept may
 * succeed: a `Listener` goes on by itself.
 *
 * @param fd A listening socket.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @example
 * import { run, spawn } from 'drupe'
 * import { accept, bind, close, connect, listen, localAddress, read, socket, writeAll } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const server = yield* socket('tcp4')
 *   yield* bind(server, { host: '127.0.0.1', port: 0 })
 *   yield* listen(server)
 *   const accepting = yield* spawn(accept(server))
 *   const client = yield* socket('tcp4')
 *   yield* connect(client, yield* localAddress(server))
 *   const peer = yield* accepting.join()
 *   yield* writeAll(peer, new TextEncoder().encode('hello'))
 *   console.log(yield* read(client, new Uint8Array(100))) // => 5
 *   for (const fd of [peer, client, server]) yield* close(fd)
 * })
 */
export function accept(fd: number, options?: WaitOptions): Trap<number> {
  return new IoOp<number>(ACCEPT, checkFd('accept', 'fd', fd), null, 0, 0, timeoutOf('accept', options))
}

/**
 * Connects a socket, and waits until it is. If the task is cancelled while it waits, or `timeout`
 * is over, the socket can only be closed.
 *
 * @param fd A socket of `socket()`.
 * @param endpoint An address, or a host and a port.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says (`ECONNREFUSED`, …), with `address` and `port`.
 */
export function connect(fd: number, endpoint: Endpoint, options?: WaitOptions): Trap<number> {
  const op = new IoOp<number>(CONNECT, checkFd('connect', 'fd', fd), null, 0, 0, timeoutOf('connect', options), STAYS)
  op.address = toAddress('connect', endpoint)
  return op
}

/**
 * Waits until reading would not wait; for descriptors that other code reads. Errors are those of
 * `read`.
 *
 * @param fd The descriptor.
 * @param options `timeout` in milliseconds. Default: no limit.
 */
export function readable(fd: number, options?: WaitOptions): Trap<number> {
  checkFd('wait until readable', 'fd', fd)
  return new IoOp<number>(READABLE, fd, null, 0, 0, timeoutOf('wait until readable', options))
}

/**
 * Waits until writing would not wait; for descriptors that other code writes. Errors are those of
 * `write`.
 *
 * @param fd The descriptor.
 * @param options `timeout` in milliseconds. Default: no limit.
 */
export function writable(fd: number, options?: WaitOptions): Trap<number> {
  checkFd('wait until writable', 'fd', fd)
  return new IoOp<number>(WRITABLE, fd, null, 0, 0, timeoutOf('wait until writable', options))
}

/**
 * Closes a descriptor; tasks that wait on it get a ClosedError. Does not wait.
 *
 * @param fd The descriptor.
 */
export function close(fd: number): Trap<number> {
  checkFd('close', 'fd', fd)
  return ask('close', (driver) => driver.closeFd(fd))
}

/**
 * Opens a socket, and returns its fd. Does not wait.
 *
 * @param kind `'tcp4'`, `'tcp6'`, `'udp4'`, `'udp6'`, `'unix'`, or `'pipe'` on Windows.
 */
export function socket(kind: SocketKind): Trap<number> {
  checkWord('open a socket', 'kind', kind, KINDS)
  return ask('socket', (driver) => driver.socket(kind))
}

/**
 * Gives a socket its address. Does not wait.
 *
 * @param fd The descriptor.
 * @param endpoint An address, or a host and a port.
 */
export function bind(fd: number, endpoint: Endpoint): Trap<number> {
  checkFd('bind', 'fd', fd)
  const address = toAddress('bind', endpoint)
  return ask('bind', (driver) => driver.bind(fd, address), address)
}

/**
 * Makes a socket accept connections, `backlog` of them before they are accepted. Does not wait.
 *
 * @param fd The descriptor.
 * @param backlog How many connections wait to be accepted before more are refused.
 * @param address Where it listens, for errors.
 */
export function listen(fd: number, backlog = 511, address: Address | null = null): Trap<number> {
  checkFd('listen', 'fd', fd)
  checkCount('listen', 'backlog', backlog, 0, 0x7fffffff)
  if (address !== null) toAddress('listen', address)
  return ask('listen', (driver) => driver.listen(fd, backlog), address)
}

/**
 * Sets a socket option: a switch (true or false), or a size in bytes. Does not wait.
 *
 * @param fd The descriptor.
 * @param option Which one.
 * @param value True or false, or a size in bytes.
 */
export function setOption(fd: number, option: SocketOption, value: boolean | number): Trap<number> {
  checkFd('set the option', 'fd', fd)
  checkWord('set the option', 'option', option, OPTIONS)
  if (typeof value !== 'boolean') checkCount('set the option', 'value', value, 0, 0x7fffffff)
  return ask('setsockopt', (driver) => driver.setOption(fd, option, Number(value)))
}

/**
 * Returns the address of this end. Does not wait.
 *
 * @param fd The descriptor.
 */
export function localAddress(fd: number): Trap<Address> {
  checkFd('ask for the address', 'fd', fd)
  return ask('getsockname', (driver) => driver.localAddress(fd)) as Trap<Address>
}

/**
 * Returns the address of the other end. Does not wait.
 *
 * @param fd The descriptor.
 */
export function remoteAddress(fd: number): Trap<Address> {
  checkFd('ask for the peer', 'fd', fd)
  return ask('getpeername', (driver) => driver.remoteAddress(fd)) as Trap<Address>
}

/**
 * Ends the writing side: the peer reads an end. Does not wait.
 *
 * @param fd The descriptor.
 */
export function shutdown(fd: number): Trap<number> {
  checkFd('shut down', 'fd', fd)
  return ask('shutdown', (driver) => driver.shutdown(fd))
}
