/**
 * Which engine TLS has here: an OpenSSL, or else the host's node:tls.
 *
 * The environment variable DRUPE_TLS forces one: `openssl`, or `node`.
 */
import { environment } from '../kernel/protocol/host-functions.js'
import type { TlsLibrary } from '../kernel/protocol/tls.js'
import { openNodeTls } from './nodetls/context.js'
import { openOpensslTls } from './openssl/context.js'

const ENGINES = ['openssl', 'node']
const NO_OPENSSL = 'no OpenSSL 3 can be reached here, neither in this process nor as a library, or there is no koffi'

/**
 * The best engine that there is; null where there is none.
 *
 * @throws Error if DRUPE_TLS is no engine's name.
 */
export function openTls(): TlsLibrary | null {
  const wanted = environment('DRUPE_TLS')
  if (wanted !== undefined && !ENGINES.includes(wanted)) {
    throw new Error(`Cannot use the TLS engine "${wanted}" (DRUPE_TLS): there is none of that name, only openssl, node`)
  }
  const openssl = wanted === 'node' ? null : openOpensslTls()
  if (openssl !== null || wanted === 'openssl') return openssl
  if (wanted === 'node') return openNodeTls('DRUPE_TLS asks for it')
  // Bun's does not ask for the certificate of a name, and some of the tests do not end on it.
  return typeof process === 'object' && process.versions['bun'] !== undefined ? null : openNodeTls(NO_OPENSSL)
}
