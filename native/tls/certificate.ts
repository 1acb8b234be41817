/**
 * A certificate as people read it, out of the host's own reader of certificates.
 */
import type { X509Certificate } from 'node:crypto'
import type { TlsCertificate } from '../../kernel/protocol/tls.js'

export function certificateOf(x509: X509Certificate): TlsCertificate {
  const { subject, issuer, subjectAltName, validFrom, validTo, serialNumber, fingerprint256 } = x509
  const raw = new Uint8Array(x509.raw)
  return { subject, issuer, subjectAltName, validFrom, validTo, serialNumber, fingerprint256, raw }
}
