/**
 * A stream as a Duplex of Node's: what `http`, `ws`, database clients and all the others speak.
 *
 * The Duplex is a resource of the task that asked for it. Two pumps (pumps.ts) carry the bytes; a
 * push that returns false stops the reading one, and a write calls back when the stream has taken
 * the bytes, so neither side runs ahead of the other. Programs that expect a socket also look for a
 * socket's timeouts and addresses; it has those that are true.
 */

// biome-ignore lint/suspicious/noTsIgnore: it must be no error where the types are there
/** @ts-ignore Where there are no types of Node's, this is any, and so are the Duplexes. */
import type { Duplex, DuplexOptions as NodeOptions } from 'node:stream'
import { tracked } from '../../kernel/protocol/debug.js'
import { ClosedError, SystemError, UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Scope } from '../../kernel/protocol/handles.js'
import type { Address } from '../../kernel/protocol/io-op.js'
import { checkMethods, checkOptions, checkSwitch } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import { current, spawn } from '../raw/call.js'
import { namedResource } from '../scope/resource.js'
import { shield } from '../scope/scope.js'
import type { ByteStream } from './byte-stream.js'
import { type SocketFace, socketDuplex } from './duplex-socket.js'
import { Stream } from './stream.js'

/** How a Duplex is made of a stream. */
export interface DuplexOptions {
  /**
   * Whether the writing side stays open when the peer has ended its own, until host code ends it;
   * if not, it is ended then. Servers of `node:http` need true. Default false, as for Node's
   * sockets.
   */
  readonly allowHalfOpen?: boolean
}

/** A Duplex of Node's over a stream, with what programs expect of a socket. */
export type HostDuplex = Duplex & SocketFace

/**
 * Makes a Duplex of Node's over a stream, for code that knows nothing of tasks: give it to
 * `server.emit('connection', duplex)`, or as the socket of a client. The stream is the Duplex's
 * from here on, and is closed with it.
 *
 * It is a resource: it lives until the innermost nursery of the task ends, or until host code
 * destroys it. What was not done then is cut off: the Duplex is destroyed and the stream closed.
 * If that is because the task was cancelled, or has failed, it is destroyed with a ClosedError that
 * says so, for those that listen; the cleanup of its other tasks can still use the Duplex. Errors
 * of the stream (`ECONNRESET`, …) are `'error'` events, which somebody has to listen for, as with
 * every socket.
 *
 * Reading begins when host code reads. While that does not, nothing is read from the stream; while
 * the peer does not read, `write()` returns false. Needs the host's event loop, so it does not work
 * in a blocking run.
 *
 * @param stream A connection, or any other stream of bytes.
 * @param options Whether it may be half open.
 * @throws TypeError if it is no stream.
 * @throws UnsupportedError on hosts that have no streams of Node's.
 * @throws Cancelled if a scope around the task is cancelled; the stream is closed then.
 * @example
 * import { createServer, get, type IncomingMessage } from 'node:http'
 * import { text } from 'node:stream/consumers'
 * import { connect, listen, once, run, serve, spawn, toDuplex, until } from 'drupe'
 *
 * const http = createServer((_request, response) => response.end('hello'))
 * await run(function* () {
 *   const listener = yield* listen({ host: '127.0.0.1', port: 0 })
 *   const server = yield* spawn(serve(listener, function* (stream) {
 *     const duplex = yield* toDuplex(stream, { allowHalfOpen: true })
 *     http.emit('connection', duplex)
 *     yield* once(duplex, 'close')
 *   }))
 *   const duplex = yield* toDuplex(yield* connect({ host: '127.0.0.1', port: listener.port }))
 *   const request = get({ createConnection: () => duplex })
 *   const [response] = yield* once<[IncomingMessage]>(request, 'response')
 *   console.log(yield* until(text(response))) // => hello
 *   yield* server.cancel()
 * })
 * http.close()
 */
export function toDuplex(stream: ByteStream, options: DuplexOptions = {}): Operation<HostDuplex> {
  checkMethods('make a Duplex', 'stream', stream, 'a stream of bytes', ['read', 'write', 'end', 'close'])
  checkOptions('make a Duplex', 'options', options)
  checkSwitch('make a Duplex', 'allowHalfOpen', options.allowHalfOpen)
  return tracked(
    'toDuplex',
    owning(stream, () => duplexOver(stream, options.allowHalfOpen ?? false)),
  )
}

/** Makes a resource of a stream; if that fails, the stream is closed. */
export function* owning<T>(stream: ByteStream, made: () => Operation<T>): Operation<T> {
  try {
    return yield* made()
  } catch (error) {
    yield* shield(() => stream.close())
    throw error
  }
}

function duplexOver(stream: ByteStream, allowHalfOpen: boolean): Operation<HostDuplex> {
  if (typeof process !== 'object' || process.getBuiltinModule === undefined) {
    throw new UnsupportedError('make a Duplex', 'this host has no streams of Node; see toWebStreams')
  }
  return namedResource<HostDuplex>('duplex', function* (provide) {
    const options: NodeOptions = { allowHalfOpen }
    const made = socketDuplex(stream, options, yield* addressesOf(stream))
    const { pumps } = made
    yield* spawn(() => pumps.run(), { name: 'Duplex' })
    try {
      yield* provide(made)
    } finally {
      made.leave(
        (yield* isCancelled()) ? new ClosedError('use the Duplex', 'the task that made it was cancelled') : null,
      )
      yield* pumps.ensureClosed()
    }
  })
}

/** Whether the resource that asks ends because a scope around its maker was cancelled. */
function* isCancelled(): Operation<boolean> {
  let scope: Scope | null = (yield* current()).parentNursery
  while (scope !== null && !scope.cancelled && !scope.shield) scope = scope.parent
  return scope?.cancelled ?? false
}

/** The addresses of a connection; a peer that has left already has none. */
function* addressesOf(stream: ByteStream): Operation<readonly [local: Address | null, remote: Address | null]> {
  if (!(stream instanceof Stream)) return [null, null]
  try {
    return [yield* stream.localAddress(), yield* stream.remoteAddress()]
  } catch (error) {
    if (error instanceof SystemError || error instanceof ClosedError) return [null, null]
    throw error
  }
}
