/**
 * Two streams, or two sockets of datagrams, that are connected to each other: between parts of a
 * program, and for tests of what speaks over sockets.
 *
 * Where the system has no such call, and in simulated networks, streams are a connection of TCP
 * within the machine. Anybody there could connect to that listener first, so each end looks who the
 * other one is.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Fd } from '../../kernel/protocol/io-op.js'
import { checkOptions, checkSwitch } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { ask } from '../raw/call.js'
import { connect } from './connect.js'
import type { Listener } from './listener.js'
import { Stream } from './stream.js'
import { listen } from './tcp.js'
import { UnixDatagramSocket } from './unix-datagram.js'

const HOST = '127.0.0.1'

/** What a pair of sockets is. */
export interface SocketPairOptions {
  /** Sockets for Unix datagrams. Default: streams. */
  readonly datagrams?: boolean
}

/**
 * Opens two streams that are connected to each other. Close both when done. If the task is
 * cancelled while it waits, nothing is left open.
 *
 * @param options Streams, or datagrams.
 * @throws SystemError if there are no more descriptors: `EMFILE`, …
 * @throws UnsupportedError where there are no sockets.
 * @throws Cancelled if a scope around the task is cancelled and it has to wait.
 * @example
 * import { run, socketPair } from 'drupe'
 *
 * await run(function* () {
 *   const [a, b] = yield* socketPair()
 *   yield* a.write('hello\n')
 *   console.log(yield* b.readLine()) // => hello
 *   yield* a.close()
 *   yield* b.close()
 * })
 */
export function socketPair(
  options?: SocketPairOptions & { readonly datagrams?: false },
): Operation<readonly [Stream, Stream]>
/**
 * Opens two sockets for datagrams that are connected to each other: whole messages, in order, none
 * lost. One does not hear that the other was closed, but `send` does (`ECONNREFUSED`). Close both.
 *
 * @param options As below.
 * @throws UnsupportedError where there are no Unix datagrams.
 */
export function socketPair(
  options: SocketPairOptions & { readonly datagrams: true },
): Operation<readonly [UnixDatagramSocket, UnixDatagramSocket]>
/**
 * Opens a pair as the options say.
 *
 * @param options Streams, or datagrams.
 */
export function socketPair(
  options?: SocketPairOptions,
): Operation<readonly [Stream, Stream] | readonly [UnixDatagramSocket, UnixDatagramSocket]>
export function socketPair(
  options: SocketPairOptions = {},
): Operation<readonly [Stream, Stream] | readonly [UnixDatagramSocket, UnixDatagramSocket]> {
  checkOptions('open a pair', 'options', options)
  checkSwitch('open a pair', 'datagrams', options.datagrams)
  return tracked('socketPair', options.datagrams ? datagramPair() : pairOperation())
}

function* datagramPair(): Operation<readonly [UnixDatagramSocket, UnixDatagramSocket]> {
  const [a, b] = yield* pairOf('unixDatagram')
  return [new UnixDatagramSocket(a, null, true), new UnixDatagramSocket(b, null, true)]
}

function* pairOf(kind: 'unix' | 'unixDatagram'): Operation<readonly [Fd, Fd]> {
  return (yield* ask('socketpair', (driver) => driver.socketPair(kind))) as readonly [Fd, Fd]
}

function* pairOperation(): Operation<readonly [Stream, Stream]> {
  try {
    const [a, b] = yield* pairOf('unix')
    return [new Stream(a), new Stream(b)]
  } catch (error) {
    // Where there is no such call, there may be sockets all the same.
    if (!(error instanceof UnsupportedError)) throw error
  }
  const listener = yield* listen({ host: HOST, port: 0 })
  try {
    return yield* overTcp(listener)
  } finally {
    yield* listener.close()
  }
}

function* overTcp(listener: Listener): Operation<readonly [Stream, Stream]> {
  for (;;) {
    // The backlog takes it. Of two at once one would be lost when the other fails or is cancelled.
    const a = yield* connect({ host: HOST, port: listener.port })
    let b: Stream | null = null
    try {
      b = yield* listener.accept()
      const [own, seen] = [yield* a.localAddress(), yield* b.remoteAddress()]
      if (own.family !== 'unix' && seen.family !== 'unix' && own.port === seen.port) return [a, b]
      throw new ClosedError('connect the pair', 'a stranger was faster')
    } catch (error) {
      yield* a.close()
      if (b !== null) yield* b.close()
      if (!(error instanceof ClosedError)) throw error
    }
  }
}
