/**
 * From a stream, an address or a port to messages, once both ends have proved that they have the
 * same key.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { checkCount, checkFunction, checkMethods, checkOperation, checkWord } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { withSignal } from '../bridge/abort-signal.js'
import type { ByteStream } from '../net/byte-stream.js'
import { connect } from '../net/connect.js'
import { listen } from '../net/tcp.js'
import type { Connection } from '../net/tls-stream.js'
import { nursery } from '../scope/nursery.js'
import { namedResource } from '../scope/resource.js'
import { MessageListener } from './message-listener.js'
import {
  type ConnectMessagesOptions,
  type ListenMessagesOptions,
  limitsFor,
  limitsOf,
  type MessageLimits,
  type StartMessagesOptions,
} from './message-options.js'
import { type MessageStream, openMessages } from './message-stream.js'

const MAX_HANDSHAKES = 128

/**
 * Begins messages on a stream, and waits until both ends have proved that they have the same key.
 * What it returns owns the stream, which must not be used for anything else. If the task is
 * cancelled while it waits, or it fails, the stream is closed.
 *
 * @param stream What is to carry the messages: any stream of bytes, one over TLS included.
 * @param options `key`: what both ends know, or null; `side`: which of the two this is; `maxBytes`
 * of a message; `handshakeTimeout` in milliseconds.
 * @throws AuthenticationError if the two ends do not have the same key. Both ends get one.
 * @throws BrokenError if the peer speaks something else, is on the same side, or ends meanwhile.
 * @throws TimeoutError after `handshakeTimeout` milliseconds.
 * @throws TypeError or RangeError if an option is wrong, or the key has less than 16 bytes.
 * @throws UnsupportedError if this host has no `node:crypto`.
 * @throws ClosedError, BusyError, SystemError as the stream.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { all, startMessages } from 'drupe'
 * import { memoryStreams, virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const key = 'a key that is made at random'
 *   const [a, b] = memoryStreams()
 *   const [client, server] = yield* all([
 *     startMessages(a, { key }),
 *     startMessages(b, { key, side: 'server' }),
 *   ])
 *   yield* client.send({ jobs: new Map([['primes', [2, 3, 5]]]) })
 *   yield* client.end()
 *   console.log(yield* server.receive()) // => { jobs: Map(1) { 'primes' => [ 2, 3, 5 ] } }
 *   console.log(yield* server.receive()) // => null
 *   yield* client.close()
 *   yield* server.close()
 * })
 * @see https://curio.readthedocs.io/en/latest/reference.html#channels
 */
export function startMessages<T = unknown>(
  stream: ByteStream,
  options: StartMessagesOptions,
): Operation<MessageStream<T>> {
  const action = 'start messages'
  checkMethods(action, 'stream', stream, 'a stream of bytes', ['readExactly', 'write', 'writeSome', 'end', 'close'])
  const limits = limitsOf(action, options)
  const side = checkWord(action, 'side', options.side ?? 'client', ['client', 'server'])
  return tracked('startMessages', openMessages<T>(stream, side, limits))
}

/**
 * Connects to a listener of messages, as its client. A peer that does not listen yet is an error;
 * `retry` tries again. If the task is cancelled while it waits, no socket is left behind.
 *
 * @param options Where to connect, as for `connect`; `key`, `maxBytes` and `handshakeTimeout` as
 * for `startMessages`. `timeout` is for connecting alone.
 * @throws what `connect` and `startMessages` throw.
 * @throws the signal's reason.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { connectMessages, exponential, retry, run } from 'drupe'
 *
 * const options = { host: '127.0.0.1', port: 1, key: 'a key that is made at random' }
 * try {
 *   await run(() => retry(() => connectMessages(options), {
 *     times: 3,
 *     backoff: exponential({ first: 1 }),
 *     while: (error) => (error as { code?: unknown }).code === 'ECONNREFUSED',
 *   }))
 * } catch (error) {
 *   console.log((error as { code: string }).code) // => ECONNREFUSED
 * }
 */
export function connectMessages<T = unknown>(options: ConnectMessagesOptions): Operation<MessageStream<T>> {
  const limits = limitsFor('connect for messages', options)
  const { signal, ...place } = options
  const connecting = checkOperation('connect for messages', 'options', connect(place))
  const op = connectOperation<T>(connecting, limits)
  return tracked('connectMessages', signal === undefined ? op : withSignal(signal, op))
}

function* connectOperation<T>(connecting: Operation<Connection>, limits: MessageLimits): Operation<MessageStream<T>> {
  return yield* openMessages<T>(yield* connecting, 'client', limits)
}

/**
 * Listens for clients that have the key, as a resource: it ends with the block, and what was not
 * accepted by then is closed. All handshakes happen at the same time, so a peer that is slow, or
 * does not have the key, holds up nobody else. For a task for each connection there is `serve`,
 * whose handler begins with `startMessages`.
 *
 * @param options Where to listen, as for `listen`; `key`, `maxBytes` and `handshakeTimeout` as for
 * `startMessages`; `maxHandshakes`: how many at a time; `onError`: is told why a handshake failed.
 * @throws what `listen` throws.
 * @throws TypeError or RangeError if an option is wrong, or the key has less than 16 bytes.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { connectMessages, listenMessages, run, spawn, use } from 'drupe'
 *
 * const key = 'a key that is made at random'
 * const place = { host: '127.0.0.1', key }
 * await run(() => use(listenMessages<number>({ ...place, port: 0 }), function* (listener) {
 *   const connecting = connectMessages({ ...place, port: listener.port })
 *   yield* spawn(() => use(connecting, function* (client) {
 *     for (const n of [1, 2, 3]) yield* client.send(n)
 *   }))
 *   const messages = yield* listener.accept()
 *   let sum = 0
 *   for (let n = yield* messages.receive(); n !== null; n = yield* messages.receive()) sum += n
 *   console.log(sum) // => 6
 *   yield* messages.close()
 * }))
 */
export function listenMessages<T = unknown>(options: ListenMessagesOptions): Operation<MessageListener<T>> {
  const action = 'listen for messages'
  const limits = limitsFor(action, options)
  const { maxHandshakes = MAX_HANDSHAKES, onError } = options
  checkCount(action, 'maxHandshakes', maxHandshakes, 1)
  if (onError !== undefined) checkFunction(action, 'onError', onError)
  const listening = checkOperation(action, 'options', listen(options))
  return namedResource<MessageListener<T>>('messageListener', function* (provide) {
    const listener = new MessageListener<T>(yield* listening, limits, maxHandshakes, onError)
    yield* nursery(function* (n) {
      yield* listener.begin(n)
      yield* provide(listener)
    })
  })
}
