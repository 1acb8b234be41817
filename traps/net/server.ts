/**
 * Servers: a task for each connection.
 *
 * The nursery of `serve` holds all connections, so that cancelling the one task that serves ends them all, each with its
 * cleanup, and the listener is closed whatever happens.
 */
import { Cancelled } from '../../kernel/errors.js'
import { watched } from '../../kernel/forgotten.js'
import type { Operation } from '../../kernel/trap.js'
import { nursery } from '../scope/nursery.js'
import type { Stream } from './stream.js'
import type { Listener } from './tcp.js'

/** How to serve. */
export interface ServeOptions {
  /**
   * Told of every error that leaves a handler; that connection is closed, the others go on. Default: `console.error`,
   * except for connections that the peer broke (`ECONNRESET`, `EPIPE`), which is a server's daily life.
   */
  readonly onError?: (error: unknown, stream: Stream) => void
}

/**
 * Accepts connections and runs the handler for each, in a task of its own. A connection is closed when its handler is done.
 * Goes on until it is cancelled or the listener is closed by another task; then connections are cancelled or awaited,
 * respectively, and the listener is closed.
 *
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
export function serve(
  listener: Listener,
  handler: (stream: Stream) => Operation<unknown>,
  options?: ServeOptions,
): Operation<never> {
  return watched('serve', serveOperation(listener, handler, options?.onError ?? reportError))
}

function* serveOperation(
  listener: Listener,
  handler: (stream: Stream) => Operation<unknown>,
  onError: (error: unknown, stream: Stream) => void,
): Operation<never> {
  let closing: unknown
  try {
    yield* nursery(function* (n) {
      const options = { name: handler.name || 'connection' }
      try {
        for (;;) yield* n.spawn(connection(yield* listener.accept(), handler, onError), options)
      } catch (error) {
        if (error instanceof Cancelled) throw error
        closing = error
      }
    })
  } finally {
    yield* listener.close()
  }
  throw closing
}

function* connection(
  stream: Stream,
  handler: (stream: Stream) => Operation<unknown>,
  onError: (error: unknown, stream: Stream) => void,
): Operation<void> {
  try {
    yield* handler(stream)
  } catch (error) {
    if (error instanceof Cancelled) throw error
    onError(error, stream)
  } finally {
    yield* stream.close()
  }
}

function reportError(error: unknown): void {
  const code = (error as { code?: unknown } | null)?.code
  if (code !== 'ECONNRESET' && code !== 'EPIPE') console.error(error)
}
