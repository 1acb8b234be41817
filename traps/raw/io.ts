/**
 * Raw traps: I/O on file descriptors, under the names that Unix gave them.
 *
 * `drupe/lowlevel` exports these; streams and listeners are built from them. Each waiting one takes
 * `{ timeout }`, which is one timer on the waiting task and neither a scope nor a task of its own.
 * The descriptor is a plain number: code that closes it and uses it again may meet another file, as
 * in C; streams are safe from that.
 */

import { ACCEPT, CONNECT, IoOp, READ, READABLE, WRITABLE, WRITE } from '../../kernel/protocol/io-op.js'
import { checkFd, checkPieces, timeoutOf, type WaitOptions } from '../../kernel/protocol/operands.js'
import type { Trap } from '../../kernel/protocol/trap.js'
import { STAYS } from '../../kernel/protocol/wait-queue.js'
import { type Endpoint, toAddress } from './ip.js'
import { BYTES_OR_STRING, type Bytes, encodedPieces } from './text.js'

export * from './sockets.js'

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
 * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `EBADF`, `EPIPE`, `ECONNRESET`, …
 * @throws BusyError if another task is writing to the fd.
 * @throws BufferError if some of the bytes were transferred or made smaller meanwhile.
 * @throws ClosedError if the fd is closed meanwhile.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run } from 'drupe'
 * import { close, openFile, write } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const fd = yield* openFile('/dev/null', 'w')
 *   console.log(yield* write(fd, ['hello, ', 'world'])) // => 12
 *   yield* close(fd)
 * })
 */
export function write(fd: number, bytes: Bytes | readonly Bytes[], options?: WaitOptions): Trap<number> {
  const op = new IoOp<number>(WRITE, checkFd('write', 'fd', fd), null, 0, 0, timeoutOf('write', options))
  const pieces = encodedPieces(bytes)
  load(op, pieces, checkPieces('write', 'bytes', pieces, BYTES_OR_STRING))
  return op
}

/**
 * Writes as `write` does, until all is written. If the task is cancelled while it waits, or it
 * fails, some of it may have been written. Errors are those of `write`.
 *
 * @param fd The descriptor.
 * @param bytes The bytes, in one piece or in several; a string stands for its UTF-8 bytes.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @example
 * import { run } from 'drupe'
 * import { accept, bind, close, connect, listen, localAddress, read, socket, writeAll } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const server = yield* socket('tcp4')
 *   yield* bind(server, { host: '127.0.0.1', port: 0 })
 *   yield* listen(server)
 *   const client = yield* socket('tcp4')
 *   yield* connect(client, yield* localAddress(server))
 *   const peer = yield* accept(server)
 *   console.log(yield* writeAll(peer, 'hello')) // => 5
 *   console.log(yield* read(client, new Uint8Array(100))) // => 5
 *   for (const fd of [peer, client, server]) yield* close(fd)
 * })
 */
export function writeAll(fd: number, bytes: Bytes | readonly Bytes[], options?: WaitOptions): Trap<number> {
  const op = write(fd, bytes, options) as IoOp<number>
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
 * @example
 * import { run } from 'drupe'
 * import { bind, close, connect, listen, localAddress, remoteAddress, socket } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const server = yield* socket('tcp4')
 *   yield* bind(server, { host: '127.0.0.1', port: 0 })
 *   yield* listen(server)
 *   const client = yield* socket('tcp4')
 *   yield* connect(client, yield* localAddress(server))
 *   console.log((yield* remoteAddress(client)).family) // => ipv4
 *   for (const fd of [client, server]) yield* close(fd)
 * })
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
 * @example
 * import { run } from 'drupe'
 * import { accept, bind, close, connect, listen, localAddress, read, readable, socket, writeAll } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const server = yield* socket('tcp4')
 *   yield* bind(server, { host: '127.0.0.1', port: 0 })
 *   yield* listen(server)
 *   const client = yield* socket('tcp4')
 *   yield* connect(client, yield* localAddress(server))
 *   const peer = yield* accept(server)
 *   yield* writeAll(peer, 'hello')
 *   yield* readable(client) // from here on other code could read it
 *   console.log(yield* read(client, new Uint8Array(100))) // => 5
 *   for (const fd of [peer, client, server]) yield* close(fd)
 * })
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
 * @example
 * import { run } from 'drupe'
 * import { bind, close, connect, listen, localAddress, socket, writable, write } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const server = yield* socket('tcp4')
 *   yield* bind(server, { host: '127.0.0.1', port: 0 })
 *   yield* listen(server)
 *   const client = yield* socket('tcp4')
 *   yield* connect(client, yield* localAddress(server))
 *   yield* writable(client)
 *   console.log(yield* write(client, 'hello')) // => 5
 *   for (const fd of [client, server]) yield* close(fd)
 * })
 */
export function writable(fd: number, options?: WaitOptions): Trap<number> {
  checkFd('wait until writable', 'fd', fd)
  return new IoOp<number>(WRITABLE, fd, null, 0, 0, timeoutOf('wait until writable', options))
}
