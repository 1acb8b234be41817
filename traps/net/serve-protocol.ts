/**
 * Serving, and connecting, with a protocol: a connection lives as long as the operation that runs
 * it.
 *
 * One idea: callbacks inside, structure outside. The transport hands a protocol its bytes, and the
 * connection is a task in a nursery like any other; so a cancel ends it, and it is closed, and the
 * protocol told so, before the program goes on.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { checkBody, checkMethods, checkOperation, wrong } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { isAsync } from '../../kernel/protocol/value.js'
import { type ConnectOptions, connect } from './connect.js'
import type { Protocol } from './protocol.js'
import { type ServeOptions, serve } from './server.js'
import type { Listener } from './tcp.js'
import type { Connection } from './tls-stream.js'
import { Conversation } from './transport.js'

const METHODS = ['connected', 'dataReceived', 'eofReceived', 'pauseWriting', 'resumeWriting', 'closed'] as const

/**
 * Accepts connections and gives each a protocol of its own. Like `serve` in everything else: it
 * goes on until it is cancelled or the listener is closed by another task. If the task is cancelled
 * while it waits, the listener and all connections are closed, and `closed` of each protocol is
 * called once, with the Cancelled.
 *
 * @param listener Where to accept; it is closed at the end.
 * @param factory Returns the protocol of one connection.
 * @param options As those of `serve`. `onError` gets what a method of a protocol throws.
 * @throws Cancelled if a scope around the task is cancelled.
 * @throws ClosedError once the listener is closed and the connections are done.
 * @throws SystemError if accepting fails for good.
 * @see https://docs.python.org/3/library/asyncio-protocol.html
 * @example
 * import { connect, listen, run, serveProtocol, spawn, type Transport } from 'drupe'
 *
 * class Echo {
 *   private transport: Transport | null = null
 *   connected(transport: Transport): void {
 *     this.transport = transport
 *   }
 *   dataReceived(bytes: Uint8Array): void {
 *     this.transport?.write(bytes)
 *   }
 *   closed(error: unknown): void {
 *     console.log('closed', error)
 *   }
 * }
 * await run(function* () {
 *   const listener = yield* listen({ host: '127.0.0.1', port: 0 })
 *   const server = yield* spawn(serveProtocol(listener, () => new Echo()))
 *   const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
 *   yield* stream.write('hello\n')
 *   console.log(yield* stream.readLine()) // => hello
 *   yield* stream.end()
 *   yield* stream.readAll()
 *   // => closed null
 *   yield* server.cancel()
 * })
 */
export function serveProtocol(
  listener: Listener<Connection>,
  factory: () => Protocol,
  options?: ServeOptions<Connection>,
): Operation<never> {
  checkBody('serve', 'factory', factory, 'a function that returns a protocol')
  return serve(listener, (stream) => talk(stream, factory), options)
}

/**
 * Connects, and runs a protocol until the connection is over. If the task is cancelled while it
 * waits, the connection is closed, and the protocol's `closed` called once, with the Cancelled; it
 * is not called if there was no connection yet.
 *
 * @param options Where to connect, as for `connect`.
 * @param protocol What is done with the connection.
 * @throws what `connect` throws, what breaks the connection, and what a method of the protocol
 * throws.
 * @throws TypeError if the protocol has no `dataReceived`, or a method that is an async or a
 * generator function.
 * @throws Cancelled if a scope around the task is cancelled.
 * @example
 * import { connectProtocol, listen, run, serve, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const listener = yield* listen({ host: '127.0.0.1', port: 0 })
 *   const server = yield* spawn(serve(listener, (stream) => stream.write('welcome')))
 *   yield* connectProtocol({ host: '127.0.0.1', port: listener.port }, {
 *     dataReceived: (bytes) => console.log(new TextDecoder().decode(bytes)), // => welcome
 *     closed: (error) => console.log('closed', error), // => closed null
 *   })
 *   yield* server.cancel()
 * })
 */
export function connectProtocol(options: ConnectOptions, protocol: Protocol): Operation<void> {
  checkProtocol('connect', protocol)
  const connecting = checkOperation('connect', 'options', connect(options))
  return tracked('connectProtocol', connectOperation(connecting, protocol))
}

function* connectOperation(connecting: Operation<Connection>, protocol: Protocol): Operation<void> {
  yield* new Conversation(yield* connecting, protocol).live()
}

function talk(stream: Connection, factory: () => Protocol): Operation<void> {
  return new Conversation(stream, checkProtocol('serve', factory())).live()
}

/** What nobody would run, or wait for, is refused: a generator, and an async function. */
function checkProtocol(action: string, protocol: Protocol): Protocol {
  checkMethods(action, 'protocol', protocol, 'an object with a method dataReceived()', ['dataReceived'])
  for (const name of METHODS) {
    const method: unknown = protocol[name]
    if (method === undefined) continue
    const isPlain = typeof method === 'function' && !isAsync(method) && !isGenerator(method)
    if (!isPlain) throw wrong(action, name, 'a method that returns at once', method, '')
  }
  return protocol
}

function isGenerator(method: unknown): boolean {
  return Object.prototype.toString.call(method) === '[object GeneratorFunction]'
}
