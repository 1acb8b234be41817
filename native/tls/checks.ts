/**
 * What both engines ask of options, so that they refuse the same things in the same words.
 */
import { TlsError } from '../../kernel/protocol/errors.js'
import type { TlsContextOptions, TlsIdentity } from '../../kernel/protocol/tls.js'

/** What a context is made for, in messages. */
export const SET_UP = 'set up TLS'
/** A connection that ends without a close_notify. */
export const CUT_OFF = {
  reason: 'UNEXPECTED_EOF',
  text: 'the peer ended the connection without saying so: it may be cut off',
}

/** `no start line` to `NO_START_LINE`. */
export function reasonOf(text: string): string {
  return text.replaceAll(/[^a-z\d]+/gi, '_').toUpperCase()
}

/** The names of protocols, as bytes. */
export function protocolNames(names: readonly string[]): readonly Uint8Array[] {
  const encoder = new TextEncoder()
  return names.map((name) => {
    const bytes = encoder.encode(name)
    if (bytes.length > 0 && bytes.length < 256) return bytes
    const text = `a protocol's name has 1 to 255 bytes, not "${name}"`
    throw new TlsError(SET_UP, { reason: 'INVALID_ALPN_PROTOCOL', text })
  })
}

/** A certificate is nothing without its key, and the other way round. */
export function checkWhole({ cert, key, pfx }: TlsIdentity): void {
  if (pfx !== undefined || (cert === undefined) === (key === undefined)) return
  const [there, missing] = cert === undefined ? ['key', 'certificate'] : ['certificate', 'key']
  throw new TlsError(SET_UP, { reason: 'NO_CERTIFICATE_SET', text: `there is a ${there} without a ${missing}` })
}

/**
 * What a server has for a name that a client asks for: that of the name, or of the stars; undefined
 * for its own; null if it has none.
 */
export function chosen<T>(hosts: ReadonlyMap<string, T>, name: string, own: TlsContextOptions): T | undefined | null {
  const wanted = name.toLowerCase()
  const found = hosts.get(wanted) ?? hosts.get(wanted.replace(/^[^.]+/, '*'))
  if (found !== undefined || hosts.size === 0) return found
  return own.cert === undefined && own.pfx === undefined ? null : undefined
}
