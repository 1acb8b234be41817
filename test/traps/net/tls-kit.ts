/**
 * What the tests of TLS share: a certificate, both ends over one pair of streams, and what they
 * make of each other.
 *
 * The engine is the best that there is, or the one that DRUPE_TLS asks for. That of node:tls works on
 * the host's loop, so there it is the host's clock and no simulated network.
 */
import type { ExecutionContext } from 'ava'
import {
  all,
  type ByteStream,
  Kernel,
  type Op,
  type Operation,
  startTls,
  type TlsClientOptions,
  type TlsError,
  type TlsServerOptions,
  type TlsStream,
} from 'drupe'
import { assertNoLeaks, issueCertificate, memoryStreams, virtual } from 'drupe/testing'
import { tlsLibrary } from '../../../kernel/protocol/tls.js'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (from: Uint8Array | null): string | null => (from === null ? null : new TextDecoder().decode(from))

export const root = issueCertificate({ name: 'root', isCa: true })
export const here = issueCertificate({ name: 'here', hosts: ['localhost', 'server', '10.0.0.1'], issuer: root })
export const SERVER: TlsServerOptions = { cert: here.cert, key: here.key }
export const CLIENT: TlsClientOptions = { ca: root.cert, servername: 'localhost' }

/** Whether the engine is node:tls. */
export const ON_HOST = tlsLibrary()?.name.startsWith('node:tls') ?? false

/** Runs an operation where the engine works: on virtual time, or on the host's loop. */
export async function onTls<T>(op: Op<T>): Promise<T> {
  if (!ON_HOST) return virtual({}, op)
  const kernel = new Kernel()
  try {
    const result = await kernel.run(op)
    assertNoLeaks(kernel)
    return result
  } finally {
    await kernel.close()
  }
}

/** Is the test left out, because the engine cannot do that? Then it says so. */
export function leftOut(t: ExecutionContext, why: string): boolean {
  if (!ON_HOST) return false
  t.log(`skipped: ${why}`)
  t.pass()
  return true
}

export const NO_VIRTUAL_TIME = "node:tls works on the host's loop, and a simulated network has a clock of its own"

const sides = new WeakMap<TlsServerOptions, Parameters<typeof startTls>[1]>()

/** The same options have the same context, which sessions need to go on. */
function serving(server: TlsServerOptions): Parameters<typeof startTls>[1] {
  const known = sides.get(server) ?? { side: 'server', ...server }
  sides.set(server, known)
  return known
}

/** Both ends over one pair of streams. */
export function* pair(
  client: TlsClientOptions = CLIENT,
  server: TlsServerOptions = SERVER,
  [a, b]: readonly [ByteStream, ByteStream] = memoryStreams(),
): Operation<readonly [TlsStream, TlsStream]> {
  return yield* all([startTls(a, client), startTls(b, serving(server))])
}

/** What each side throws, or what it agreed on, if the other has these options. */
export function* outcomes(client: TlsClientOptions, server: TlsServerOptions): Operation<readonly [unknown, unknown]> {
  const [a, b] = memoryStreams()
  function* end(stream: ByteStream, options: Parameters<typeof startTls>[1]): Operation<unknown> {
    try {
      const tls = yield* startTls(stream, options)
      // With TLS 1.3 a client has finished before the server has seen its certificate: it is the server that speaks first.
      if (options.side === 'server') yield* tls.write(bytes('x'))
      yield* tls.read()
      if (options.side !== 'server') yield* tls.write(bytes('x'))
      const { protocol, authorized, authorizationError, alpnProtocol, servername } = tls
      yield* tls.close()
      return { protocol, authorized, authorizationError, alpnProtocol, servername }
    } catch (error) {
      return (error as TlsError).reason ?? error
    }
  }
  return yield* all([end(a, client), end(b, { side: 'server', ...server })])
}
