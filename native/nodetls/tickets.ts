/**
 * Tickets of node:tls, with the certificate that the server has shown: Node tells none of a session
 * that goes on.
 */
import { packTicket, ticketFor } from '../tls/tickets.js'

const LENGTH_BYTES = 4

export interface Ticket {
  readonly certificate: Uint8Array
  /** What node:tls gave. */
  readonly session: Uint8Array
}

/** All of it in one piece, for this host. */
export function packed(host: string | null, { certificate, session }: Ticket): Uint8Array {
  const both = new Uint8Array(LENGTH_BYTES + certificate.length + session.length)
  new DataView(both.buffer).setUint32(0, certificate.length)
  both.set(certificate, LENGTH_BYTES)
  both.set(session, LENGTH_BYTES + certificate.length)
  return packTicket(host, both)
}

/** What `packed` was given; null if it is for another host, of another engine, or none at all. */
export function unpacked(host: string | null, ticket: Uint8Array): Ticket | null {
  const both = ticketFor(host, ticket)
  if (both === null || both.length <= LENGTH_BYTES) return null
  const end = LENGTH_BYTES + new DataView(both.buffer, both.byteOffset).getUint32(0)
  if (end >= both.length) return null
  return { certificate: both.subarray(LENGTH_BYTES, end), session: both.subarray(end) }
}
