/**
 * From a stream to a stream over TLS.
 */
import { tracked } from '../../kernel/protocol/debug.js'
import { checkMethods, checkWord, timeoutOf, type WaitOptions, wrong } from '../../kernel/protocol/operands.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { ByteStream } from './byte-stream.js'
import {
  asciiOf,
  checkTls,
  contextOf,
  handshakeLimit,
  type TlsClientOptions,
  type TlsServerOptions,
} from './tls-options.js'
import { TlsStream } from './tls-stream.js'

/** How to begin TLS on a stream: as a client, or, with `side: 'server'`, as a server. */
export type StartTlsOptions = WaitOptions &
  (({ readonly side?: 'client' } & TlsClientOptions) | ({ readonly side: 'server' } & TlsServerOptions))

/**
 * Begins TLS on a stream that is in use already, as protocols with STARTTLS do, and waits for the
 * handshake. What it returns owns the stream, which must not be used for anything else. If the task
 * is cancelled while it waits, or it fails, the stream is closed.
 *
 * @param stream What is to carry the encrypted bytes: any stream of bytes.
 * @param options `side`: which of the two begins; a client's `servername` must be given, or `''`
 * for a server of any name.
 * @throws TypeError if a client's `servername` is not given.
 * @throws TlsError if the peer is not who it should be, or does not speak TLS.
 * @throws TimeoutError after `timeout` milliseconds, or those of `handshakeTimeout`.
 * @throws UnsupportedError if there is no TLS here, or none that works in a blocking run.
 * @throws ClosedError, SystemError, Cancelled as the stream.
 * @example
 * import { startTls } from 'drupe'
 * import { memoryStreams, virtual } from 'drupe/testing'
 *
 * virtual({}, function* () {
 *   const [a] = memoryStreams()
 *   try {
 *     yield* startTls(a, { servername: 'example.org', timeout: 1000 })
 *   } catch (error) {
 *     console.log((error as { code: string }).code) // => DRUPE_TIMEOUT
 *   }
 * })
 */
export function startTls(stream: ByteStream, options: StartTlsOptions): Operation<TlsStream> {
  checkMethods('begin TLS', 'stream', stream, 'a stream of bytes', ['read', 'writeSome', 'end', 'close'])
  if (options === undefined) throw wrong('begin TLS', 'options', 'an object with a servername', options, '')
  checkTls('begin TLS', options)
  const { side = 'client' } = options
  checkWord('begin TLS', 'side', side, ['client', 'server'])
  if (side === 'client') checkNamed('begin TLS', options)
  const ms = options.timeout === undefined ? undefined : timeoutOf('begin TLS', options)
  return tracked('startTls', startOperation(stream, side, options, ms))
}

function* startOperation(
  stream: ByteStream,
  side: 'client' | 'server',
  options: TlsClientOptions & TlsServerOptions,
  ms: number | undefined,
): Operation<TlsStream> {
  const tls = wrap(stream, side, options, options.servername ?? '')
  try {
    yield* tls.handshake(ms === undefined ? undefined : { timeout: ms })
    return tls
  } catch (error) {
    yield* tls.close()
    throw error
  }
}

/** A client that did not say whom it wants to speak to would take anybody with a certificate. */
export function checkNamed(action: string, { servername }: TlsClientOptions): void {
  if (servername === undefined)
    throw new TypeError(`Cannot ${action}: tls.servername must be given here; "" is a server of any name`)
}

/** A stream over TLS that has not shaken hands; `host`: whom a client wants to speak to. */
export function wrap(
  stream: ByteStream,
  side: 'client' | 'server',
  options: TlsClientOptions & TlsServerOptions,
  host: string,
): TlsStream {
  const context = contextOf(side, options, 'begin TLS')
  const name = asciiOf(options.servername ?? host)
  const session = context.session({
    servername: side === 'client' && name !== '' && !isAddress(name) ? name : null,
    host: side === 'client' && name !== '' ? name : null,
    session: options.session ?? null,
  })
  return new TlsStream(stream, session, handshakeLimit(options))
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':')
}
