/**
 * Who the peer of a TLSSocket is, and whether that is who it should be.
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { verifyReason } from './errors.js'
import type { Ticket } from './tickets.js'

/** A chain is not longer, and one of Deno's or Bun's might never end. */
const MOST_CERTIFICATES = 10

/**
 * The certificates that the peer has shown, its own first. Of a session that goes on Node tells
 * none; then it is the one in the ticket.
 */
export function chainOf(socket: TLSSocket, ticket: Ticket | null): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  let one = socket.getPeerX509Certificate()
  for (; one !== undefined && chain.length < MOST_CERTIFICATES; one = one.issuerCertificate) {
    chain.push(one)
    if (one.issuerCertificate?.fingerprint256 === one.fingerprint256) break
  }
  return chain.length === 0 && ticket !== null && socket.isSessionReused() ? shownBefore(ticket) : chain
}

function shownBefore({ certificate }: Ticket): readonly X509Certificate[] {
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  try {
    return [new X509Certificate(certificate)]
  } catch {
    return []
  }
}

/** Why the peer is not who it should be; null if it is. `host`: null takes anybody. */
export function objection(socket: TLSSocket, leaf: X509Certificate | undefined, host: string | null): string | null {
  if (leaf === undefined) return 'PEER_DID_NOT_RETURN_A_CERTIFICATE'
  if (!socket.authorized) return verifyReason(String(socket.authorizationError))
  // A ticket is good for its own host only, and what was shown then is not looked at again.
  if (host === null || socket.isSessionReused()) return null
  const isAddress = process.getBuiltinModule('node:net').isIP(host) !== 0
  const found = isAddress ? leaf.checkIP(host) : leaf.checkHost(host, { partialWildcards: false })
  if (found !== undefined || (!isAddress && isGoodForDeno(socket, host))) return null
  return isAddress ? 'IP_ADDRESS_MISMATCH' : 'HOSTNAME_MISMATCH'
}

/** Deno's `checkHost` knows no stars; its node:tls does. */
function isGoodForDeno(socket: TLSSocket, host: string): boolean {
  if (process.versions['deno'] === undefined) return false
  const { checkServerIdentity } = process.getBuiltinModule('node:tls')
  return checkServerIdentity(host, socket.getPeerCertificate()) === undefined
}
