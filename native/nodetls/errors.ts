/**
 * What node:tls says of failures, in the words that OpenSSL has for them.
 */
import { TlsError } from '../../kernel/protocol/errors.js'
import type { TlsCertificate } from '../../kernel/protocol/tls.js'
import { reasonOf } from '../tls/checks.js'

/** OpenSSL's texts for what Node tells the names of. */
const TEXTS: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: 'unable to get issuer certificate',
  CERT_SIGNATURE_FAILURE: 'certificate signature failure',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  CERT_HAS_EXPIRED: 'certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in certificate chain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
  CERT_CHAIN_TOO_LONG: 'certificate chain too long',
  CERT_REVOKED: 'certificate revoked',
  INVALID_CA: 'invalid CA certificate',
  PATH_LENGTH_EXCEEDED: 'path length constraint exceeded',
  INVALID_PURPOSE: 'unsuitable certificate purpose',
  CERT_UNTRUSTED: 'certificate not trusted',
  CERT_REJECTED: 'certificate rejected',
  HOSTNAME_MISMATCH: 'hostname mismatch',
  IP_ADDRESS_MISMATCH: 'IP address mismatch',
  PEER_DID_NOT_RETURN_A_CERTIFICATE: 'peer did not return a certificate',
}

/**
 * OpenSSL stops at the first thing that is wrong; Node goes on, and tells the last. The one comes
 * only after the other.
 */
export function verifyReason(code: string): string {
  return code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' ? 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' : code
}

/** Why a peer was not accepted, with the certificate of its chain that is at fault. */
export function verifyError(action: string, reason: string, chain: readonly TlsCertificate[]): TlsError {
  const text = TEXTS[reason] ?? reason.toLowerCase().replaceAll('_', ' ')
  return new TlsError(action, { reason, text, certificate: culprit(reason, chain) })
}

/** Node does not say which one it is, so it is the one that the reason is true of. */
function culprit(reason: string, chain: readonly TlsCertificate[]): TlsCertificate | undefined {
  const now = Date.now()
  if (reason === 'CERT_HAS_EXPIRED') return chain.find(({ validTo }) => Date.parse(validTo) < now) ?? chain[0]
  if (reason === 'CERT_NOT_YET_VALID') return chain.find(({ validFrom }) => Date.parse(validFrom) > now) ?? chain[0]
  return reason === 'SELF_SIGNED_CERT_IN_CHAIN' || reason.startsWith('UNABLE_TO_GET_ISSUER') ? chain.at(-1) : chain[0]
}

/** An error that node:tls has thrown, or emitted. */
export function hostError(action: string, error: unknown): TlsError {
  const { reason, message, code } = Object(error) as { reason?: string; message?: string; code?: string }
  // `error:0A00010B:SSL routines:ssl3_get_record:wrong version number`, `ERR_SSL_…`.
  const known = /^ERR_(?:SSL|OSSL)_(.*)$/.exec(code ?? '')?.[1]
  const text =
    reason ?? /error:[\dA-F]+:[^:]*:[^:]*:([^:]+)/.exec(message ?? '')?.[1] ?? known ?? message ?? String(error)
  return new TlsError(action, { reason: reasonOf(reason ?? known ?? text), text: text.trim() }, { cause: error })
}
