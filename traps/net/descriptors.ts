/**
 * Passing descriptors to another process over a Unix socket.
 *
 * Descriptors travel with bytes and get lost with them: what a plain read takes, it takes without
 * them. So a socket on which they come is read by `receiveDescriptors` alone, which gives bytes as
 * well. Both calls are made at once or not at all, so a cancel finds a task that has them or has
 * not begun.
 */
import type { ReceivedDescriptors, ReceivedMessage } from '../../kernel/protocol/calls.js'
import { tracked } from '../../kernel/protocol/debug.js'
import { BrokenError, BufferError, SystemError, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Fd } from '../../kernel/protocol/io-op.js'
import {
  checkBytes,
  checkCount,
  checkFd,
  checkOptions,
  timeoutOf,
  type WaitOptions,
  wrong,
} from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ask, pass } from '../raw/call.js'
import * as io from '../raw/io.js'
import { BYTES_OR_STRING, type Bytes, encoded } from '../raw/text.js'
import { within } from '../scope/scope.js'
import { Stream } from './stream.js'

/** Linux passes no more with one message, and others pass as many. */
const MOST = 253
const SENDING = 'send descriptors'
const RECEIVING = 'receive descriptors'

/** How descriptors are received. */
export interface ReceiveDescriptorsOptions extends WaitOptions {
  /** If more come with some bytes, that is an error, 0 to 253. Default 253. */
  readonly maxDescriptors?: number
}

/**
 * Sends bytes over a Unix socket, and descriptors with the first of them; returns when the OS has
 * taken all. The peer gets descriptors of its own: those here stay open, and stay the caller’s, who
 * can close them as soon as this returns. A stream of which something was read should not be sent:
 * what it has read ahead stays here. If the task is cancelled while it waits, or it fails, nothing
 * was sent, or the descriptors and some of the bytes were.
 *
 * @param socket A stream over a Unix socket, or the descriptor of one.
 * @param bytes One byte at least; a string stands for its UTF-8 bytes.
 * @param descriptors 1 to 253 of them, each a number or a stream.
 * @param options `timeout` in milliseconds. Default: no limit.
 * @throws SystemError as the OS says: `EBADF` if one of them is none, `EPIPE`, `EMSGSIZE`,
 * `ETOOMANYREFS`, …; `ENOTSUP` if it is no Unix socket.
 * @throws BusyError if another task is writing.
 * @throws ClosedError if the stream is closed, before or meanwhile, or one that is sent.
 * @throws BufferError if the bytes were transferred or made smaller meanwhile.
 * @throws UnsupportedError where descriptors cannot be passed.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, socketPair } from 'drupe'
 * import { close, openFile, read, receiveDescriptors, sendDescriptors } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const [here, there] = yield* socketPair()
 *   const file = yield* openFile('package.json')
 *   yield* sendDescriptors(here, 'a file', [file])
 *   yield* close(file)
 *   const buffer = new Uint8Array(100)
 *   const { bytes, descriptors } = yield* receiveDescriptors(there, buffer)
 *   console.log(new TextDecoder().decode(buffer.subarray(0, bytes))) // => a file
 *   for (const fd of descriptors) {
 *     yield* read(fd, buffer.subarray(0, 1))
 *     console.log(String.fromCharCode(buffer[0] ?? 0)) // => {
 *     yield* close(fd)
 *   }
 *   yield* here.close()
 *   yield* there.close()
 * })
 */
export function sendDescriptors(
  socket: Fd | Stream,
  bytes: Bytes,
  descriptors: readonly (Fd | Stream)[],
  options?: WaitOptions,
): Operation<void> {
  checkSocket(SENDING, 'socket', socket)
  const content = checkBytes(SENDING, 'bytes', encoded(bytes), BYTES_OR_STRING)
  if (content.length === 0) throw new RangeError(`Cannot ${SENDING}: bytes must have one at least`)
  if (!Array.isArray(descriptors)) throw wrong(SENDING, 'descriptors', 'a list of descriptors', descriptors, '')
  if (descriptors.length === 0 || descriptors.length > MOST)
    throw new RangeError(`Cannot ${SENDING}: descriptors must be 1 to ${MOST}, not ${descriptors.length}`)
  const given = descriptors.map((one, i) => checkSocket(SENDING, `descriptors[${i}]`, one))
  const ms = timeoutOf(SENDING, options)
  return tracked('sendDescriptors', within(SENDING, ms, sendOperation(socket, content, content.length, given)))
}

function* sendOperation(
  socket: Fd | Stream,
  bytes: Uint8Array,
  length: number,
  descriptors: readonly (Fd | Stream)[],
): Operation<void> {
  const sent = yield* whenever(io.writable, socket, SENDING, function* (fd) {
    if (bytes.byteLength !== length) throw new BufferError(SENDING)
    const numbers = descriptors.map((one) => fdOf(SENDING, one))
    return yield* ask('sendmsg', (driver) => driver.sendDescriptors?.(fd, bytes, numbers) ?? null)
  })
  if (sent === length) return
  yield* io.writeAll(fdOf(SENDING, socket), bytes.subarray(sent as number))
}

/**
 * Waits for bytes on a Unix socket, puts them into `buffer`, and returns how many came and which
 * descriptors came with them. These are new ones of this process, closed in programs that it
 * starts, and they belong to the caller, who has to close each of them; the kernel does not. What
 * they are is for the peer to say, and it may be anything: only take them from one that you trust.
 *
 * Read such a socket with this alone, from its beginning: what comes with bytes that `read` takes,
 * or has taken ahead, is lost. If the task is cancelled while it waits, or `timeout` is over,
 * nothing was read.
 *
 * @param socket A stream over a Unix socket, or the descriptor of one.
 * @param buffer Where the bytes go; it has room for one at least.
 * @param options `maxDescriptors`, default 253; `timeout` in milliseconds, default: no limit.
 * @throws BrokenError if more than `maxDescriptors` came, or more than this process may have open:
 * all of them are closed. The bytes that came with them are its `partial`.
 * @throws SystemError as the OS says: `ECONNRESET`, …; `ENOTSUP` if it is no Unix socket.
 * @throws BusyError if another task is reading.
 * @throws ClosedError if the stream is closed, before or meanwhile.
 * @throws BufferError if the buffer was transferred meanwhile.
 * @throws UnsupportedError where descriptors cannot be passed.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { run, socketPair } from 'drupe'
 * import { close, receiveDescriptors, sendDescriptors } from 'drupe/lowlevel'
 *
 * await run(function* () {
 *   const [here, there] = yield* socketPair()
 *   yield* sendDescriptors(here, 'two', [here, there])
 *   const buffer = new Uint8Array(100)
 *   const { bytes, descriptors } = yield* receiveDescriptors(there, buffer, { maxDescriptors: 2 })
 *   console.log(bytes, descriptors.length) // => 3 2
 *   for (const fd of descriptors) yield* close(fd)
 *   yield* here.close()
 *   yield* there.close()
 * })
 */
export function receiveDescriptors(
  socket: Fd | Stream,
  buffer: Uint8Array,
  options?: ReceiveDescriptorsOptions,
): Operation<ReceivedDescriptors> {
  checkSocket(RECEIVING, 'socket', socket)
  if (checkBytes(RECEIVING, 'buffer', buffer).length === 0)
    throw new RangeError(`Cannot ${RECEIVING}: buffer must have room for one byte at least`)
  if (options !== undefined) checkOptions(RECEIVING, 'options', options)
  const most = checkCount(RECEIVING, 'maxDescriptors', options?.maxDescriptors ?? MOST, 0, MOST)
  const ms = timeoutOf(RECEIVING, options)
  return tracked('receiveDescriptors', within(RECEIVING, ms, receiveOperation(socket, buffer, most)))
}

function* receiveOperation(socket: Fd | Stream, buffer: Uint8Array, most: number): Operation<ReceivedDescriptors> {
  const received = yield* whenever(io.readable, socket, RECEIVING, function* (fd) {
    if (buffer.byteLength === 0) throw new BufferError(RECEIVING)
    return (yield* ask('recvmsg', (driver) => {
      const early = socket instanceof Stream ? socket.takeAhead(buffer) : 0
      if (early > 0) return { bytes: early, descriptors: [], lost: false, truncated: false }
      return driver.receiveDescriptors?.(fd, buffer, most) ?? null
    })) as ReceivedMessage | null
  })
  const { bytes, descriptors, lost, truncated } = received
  if (lost)
    throw new BrokenError(RECEIVING, `more than ${most} came, or more than can be open here`, buffer.slice(0, bytes))
  return { bytes, descriptors, truncated }
}

/** Tries, and waits until it is worth another try. */
function* whenever<T>(
  wait: (fd: Fd) => Operation<unknown>,
  socket: Fd | Stream,
  action: string,
  attempt: (fd: Fd) => Operation<T | null>,
): Operation<T> {
  yield* pass()
  for (;;) {
    const fd = fdOf(action, socket)
    try {
      const result = yield* attempt(fd)
      if (result === null) throw new UnsupportedError(action, 'the driver cannot')
      return result
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'EAGAIN') throw error
    }
    // Its number may be another socket's by now.
    yield* wait(fdOf(action, socket))
  }
}

function checkSocket(action: string, name: string, socket: Fd | Stream): Fd | Stream {
  return socket instanceof Stream ? socket : checkFd(action, name, socket)
}

function fdOf(action: string, socket: Fd | Stream): Fd {
  return socket instanceof Stream ? socket.descriptor(action) : socket
}
