/**
 * What a server says of connections that fail, if nobody else does.
 *
 * Some failures are a server's daily life: peers that break the connection, and strangers that do
 * not come through the handshake of TLS. They are not printed.
 */
import { UnsupportedError } from '../../kernel/protocol/errors.js'
import type { Operation } from '../../kernel/protocol/trap.js'
import type { TlsStream } from './tls-stream.js'

/** Before the handler: it may want to know what was agreed on. */
export function* handshake(stream: TlsStream): Operation<void> {
  try {
    yield* stream.handshake()
  } catch (error) {
    // That there is no TLS here is no stranger's fault.
    const isTheirs = typeof error === 'object' && error !== null && !(error instanceof UnsupportedError)
    if (isTheirs) handshakes.add(error)
    throw error
  }
}

/** Errors of handshakes. */
const handshakes = new WeakSet<object>()

/** Reports whatever was thrown; that it cannot be read must not end the server. */
export function reportError(error: unknown): void {
  try {
    const code = (error as { code?: unknown } | null)?.code
    if (handshakes.has(error as object)) return
    if (code !== 'ECONNRESET' && code !== 'EPIPE') console.error(error)
  } catch {
    console.error('A connection failed with a value that cannot be shown')
  }
}
