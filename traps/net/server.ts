/**
 * Servers: a task for each connection, in one thread or in several.
 *
 * The nursery of `serve` holds all connections, so that cancelling the one task that serves ends
 * them all, each with its cleanup, and the listener is closed whatever happens. Other threads that
 * serve are children of the same nursery (threads.ts); each has a kernel and a listener of its own,
 * and runs this file in it.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import {
  checkBody,
  checkCount,
  checkFunction,
  checkMethods,
  checkOptions,
  wrong,
} from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { call } from '../raw/call.js'
import { until } from '../raw/promise.js'
import { nursery } from '../scope/nursery.js'
import { isLeaving } from '../scope/place.js'
import { handshake, reportError } from './serve-errors.js'
import { checkLimits, Limits, type ServeLimits } from './serve-limits.js'
import type { Stream } from './stream.js'
import type { Listener } from './tcp.js'
import { checkSharing, ServerThread } from './threads.js'
import { type Connection, TlsStream } from './tls-stream.js'

/** How to serve; `S`: what connections are. */
export interface ServeOptions<S extends Connection = Stream> extends ServeLimits {
  /**
   * Is called with every error that leaves a handler, or a task that it has started; that
   * connection is closed, the others go on.
   * Default: `console.error`, except for connections that the peer broke (`ECONNRESET`, `EPIPE`),
   * and for handshakes of TLS that failed, which is a server's daily life.
   */
  readonly onError?: (error: unknown, stream: S) => void
}

/** How to serve with a handler that is a module. */
export interface ServeModuleOptions<D = unknown> extends ServeLimits {
  /** In how many threads, this one included. Default 1. */
  readonly threads?: number
  /** The second argument of the handler. Each thread has a copy, as `postMessage` makes it. */
  readonly data?: D
}

/** What a handler's module exports. */
interface Handlers {
  readonly default: (stream: Connection, data: unknown) => Operation<unknown>
  readonly onError?: (error: unknown, stream: Connection) => void
}

/**
 * Accepts connections and runs the handler for each, in a task with a nursery of its own. A
 * connection is closed when its handler is done, and all that the handler has started. Goes on
 * until it is cancelled or the listener is closed by another task. If the task is cancelled while
 * it waits, the listener is closed at once and the connections are cancelled; if the listener is
 * closed, they are awaited.
 *
 * @param listener Where to accept; it is closed at the end. With TLS each connection shakes hands
 * before its handler begins.
 * @param handler Gets the stream, and returns the operation to run for it.
 * @param options `onError`: is called with the errors of handlers; `maxConnections`,
 * `drainTimeout`, `idleTimeout`: how much it takes, and for how long.
 * @throws Cancelled if a scope around the task is cancelled.
 * @throws ClosedError once the listener is closed and the connections are done.
 * @throws SystemError if accepting fails for good.
 * @example
 * import { connect, listen, run, serve, spawn } from 'drupe'
 *
 * await run(function* () {
 *   const listener = yield* listen({ host: '127.0.0.1', port: 0 })
 *   const server = yield* spawn(serve(listener, function* echo(stream) {
 *     for (let bytes = yield* stream.read(); bytes !== null; bytes = yield* stream.read()) yield* stream.write(bytes)
 *   }))
 *   const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
 *   yield* stream.write(new Uint8Array([1, 2, 3]))
 *   console.log(yield* stream.readExactly(3)) // => Uint8Array(3) [ 1, 2, 3 ]
 *   yield* stream.close()
 *   yield* server.cancel()
 * })
 */
export function serve<S extends Connection = Stream>(
  listener: Listener<S>,
  handler: (stream: S) => Operation<unknown>,
  options?: ServeOptions<S>,
): Operation<never>
/**
 * Serves in several threads: this one, and `threads - 1` workers, each with a kernel of its own
 * that listens on the same port (`reusePort`), so that the OS shares out new connections. A
 * function cannot be sent to another thread, so the handler is the default export of a module,
 * which every thread loads; its export `onError`, if there is one, is called with errors. It must
 * not be the module of a program that waits for `serve` at its top level: that would wait for
 * itself.
 *
 * All threads are one: what ends one of them, an error in loading the module, an uncaught
 * exception, `process.exit` in a worker, ends `serve` with that error. If the task is cancelled
 * while it waits, all listeners are closed, then connections are cancelled and may clean up within
 * the kernel's grace; when this returns the workers are gone and the port is free. If the listener
 * is closed by another task, the workers close theirs, and all connections are awaited. A worker
 * that is stuck in code that never waits is terminated half a second after the grace, with its
 * connections left open, and this throws.
 *
 * Needs the host's event loop, so it does not work in a blocking run.
 *
 * @param listener Where to accept, opened with `reusePort: true`; it is closed at the end.
 * @param module The URL of the module of the handler.
 * @param options `threads`: how many; `data`: what the handler gets beside the stream.
 * @throws Cancelled if a scope around the task is cancelled.
 * @throws what loading the module throws, and what a worker dies of.
 * @throws BrokenError if a worker exits by itself.
 * @throws ClosedError once the listener is closed and the connections of all threads are done.
 * @throws SystemError if accepting fails for good.
 * @throws UnsupportedError if the kernel's driver knows no other threads.
 * @throws TypeError if the handler is a function and `threads` more than 1, if the listener was
 * opened without `reusePort`, or if the module has no function to export.
 * @throws RangeError if `threads` is no whole number from 1 on.
 * @example
 * import { connect, listen, run, serve, spawn } from 'drupe'
 *
 * // In a program of files: new URL('./handler.js', import.meta.url)
 * const handler = new URL(`data:text/javascript,
 *   export default function* greet(stream, name) {
 *     yield* stream.write(new TextEncoder().encode('hello ' + name))
 *   }`)
 * await run(function* () {
 *   const listener = yield* listen({ host: '127.0.0.1', port: 0, reusePort: true })
 *   const server = yield* spawn(serve(listener, handler, { threads: 2, data: 'world' }))
 *   const stream = yield* connect({ host: '127.0.0.1', port: listener.port })
 *   console.log(new TextDecoder().decode(yield* stream.readExactly(11))) // => hello world
 *   yield* stream.close()
 *   yield* server.cancel()
 * })
 * @see https://trio.readthedocs.io/en/stable/reference-core.html#nurseries-and-spawning
 */
export function serve<D>(listener: Listener<Connection>, module: URL, options?: ServeModuleOptions<D>): Operation<never>
export function serve(
  listener: Listener<Connection>,
  handler: ((stream: Connection) => Operation<unknown>) | URL,
  options: ServeOptions<Connection> & ServeModuleOptions = {},
): Operation<never> {
  checkMethods('serve', 'listener', listener, 'a listener', ['accept', 'close'])
  checkOptions('serve', 'options', options)
  const { onError, data } = options
  if (onError !== undefined) checkFunction('serve', 'onError', onError)
  const threads = checkCount('serve', 'threads', options.threads ?? 1, 1)
  const limits = checkLimits(options)
  if (typeof handler !== 'function') {
    if (handler instanceof URL) return tracked('serve', serveModule(listener, handler, threads, data, limits))
    throw wrong('serve', 'handler', 'a function that returns an operation, or the URL of a module', handler, '')
  }
  checkBody('serve', 'handler', handler)
  if (threads > 1) {
    const why =
      "a function cannot be sent there; export it from a module and give new URL('./module.js', import.meta.url)"
    throw new TypeError(`Cannot serve in ${threads} threads: ${why}`)
  }
  return tracked('serve', serveOperation(listener, handler, onError ?? reportError, [], limits))
}

function* serveModule(
  listener: Listener<Connection>,
  module: URL,
  threads: number,
  data: unknown,
  limits: ServeLimits,
): Operation<never> {
  try {
    if (threads > 1) yield* checkSharing(listener, threads)
    const handlers = yield* load(module)
    const copy = structuredClone(data)
    const others = Array.from(
      { length: threads - 1 },
      (_, i) => new ServerThread(i + 2, listener, module, data, limits),
    )
    return yield* serveOperation(
      listener,
      (stream) => handlers.default(stream, copy),
      handlers.onError ?? reportError,
      others,
      limits,
    )
  } finally {
    yield* listener.close()
  }
}

/** The module of a handler. */
export function* load(module: URL): Operation<Handlers> {
  const loaded: Partial<Handlers> = yield* until(import(String(module)))
  if (typeof loaded.default === 'function') return loaded as Handlers
  throw new TypeError(`Cannot serve with ${module}: its default export is no function`)
}

function* serveOperation(
  listener: Listener<Connection>,
  handler: (stream: Connection) => Operation<unknown>,
  onError: (error: unknown, stream: Connection) => void,
  others: readonly ServerThread[],
  serveLimits: ServeLimits,
): Operation<never> {
  const limits = new Limits(serveLimits)
  let closing: unknown
  yield* nursery(function* (n) {
    const options = { name: handler.name || 'connection' }
    try {
      yield* limits.begin(n)
      for (const other of others) yield* n.spawn(other.run(n.grace), { name: other.name })
      for (;;) {
        yield* limits.wait(listener)
        const stream = yield* listener.accept()
        yield* n.spawn(limits.around(stream, connection(stream, handler, onError)), options)
      }
    } catch (error) {
      if (yield* isLeaving(error)) throw error
      closing = error
      for (const other of others) other.order('close')
      yield* limits.drain(n)
    } finally {
      // Before the connections have cleaned up: no connection is accepted that will not be served.
      yield* listener.close()
    }
  })
  throw closing
}

function* connection(
  stream: Connection,
  handler: (stream: Connection) => Operation<unknown>,
  onError: (error: unknown, stream: Connection) => void,
): Operation<void> {
  try {
    if (stream instanceof TlsStream) yield* handshake(stream)
    // What it starts is a part of the connection. And it has a frame of its own: each of its
    // switches would pass through this one as well.
    yield* nursery(() => call(handler(stream)))
  } catch (error) {
    if (yield* isLeaving(error)) throw error
    onError(error, stream)
  } finally {
    yield* stream.close()
  }
}
