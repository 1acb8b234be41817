/**
 * What went wrong, out of OpenSSL's queue of errors, under the names that Node gives it.
 */
import { TlsError } from '../../kernel/protocol/errors.js'
import type { TlsCertificate } from '../../kernel/protocol/tls.js'
import { reasonOf } from '../tls/checks.js'
import type { Openssl } from './library.js'

/** Of X509_V_ERR_…, those that Node has a name for. */
const VERIFY: Readonly<Record<number, string>> = {
  2: 'UNABLE_TO_GET_ISSUER_CERT',
  7: 'CERT_SIGNATURE_FAILURE',
  9: 'CERT_NOT_YET_VALID',
  10: 'CERT_HAS_EXPIRED',
  18: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  19: 'SELF_SIGNED_CERT_IN_CHAIN',
  20: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  21: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  22: 'CERT_CHAIN_TOO_LONG',
  23: 'CERT_REVOKED',
  24: 'INVALID_CA',
  25: 'PATH_LENGTH_EXCEEDED',
  26: 'INVALID_PURPOSE',
  27: 'CERT_UNTRUSTED',
  28: 'CERT_REJECTED',
  62: 'HOSTNAME_MISMATCH',
  64: 'IP_ADDRESS_MISMATCH',
}

/** `CERT_HAS_EXPIRED`. */
export function verifyReason(code: number): string {
  return VERIFY[code] ?? `X509_ERROR_${code}`
}

/** Why a certificate was not accepted. */
export function verifyError(
  { errors }: Openssl,
  action: string,
  code: number,
  certificate: TlsCertificate | undefined,
): TlsError {
  return new TlsError(action, { reason: verifyReason(code), text: errors.verifyText(code), certificate })
}

/** What the queue says; it is empty afterwards. The oldest error is the cause of the others. */
export function queuedError({ errors }: Openssl, action: string, otherwise: string): TlsError {
  const code = errors.next()
  errors.clear()
  const text = (code === 0 ? null : errors.reason(code)) ?? otherwise
  return new TlsError(action, { reason: reasonOf(text), text })
}
