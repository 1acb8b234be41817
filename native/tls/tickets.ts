/**
 * Tickets, as programs keep them: the engine's session, and the host that it is with.
 *
 * A server that goes on with a session shows no certificate again. So a ticket must be good for the
 * host that it came from, and for no other.
 */

/** Both in one piece. */
export function packTicket(host: string | null, der: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(host ?? '')
  const packed = new Uint8Array(2 + name.length + der.length)
  packed.set([name.length >> 8, name.length & 255])
  packed.set(name, 2)
  packed.set(der, 2 + name.length)
  return packed
}

/** What `packTicket` was given; null if it is for another host, or is none. */
export function ticketFor(host: string | null, packed: Uint8Array): Uint8Array | null {
  const length = ((packed[0] ?? 0) << 8) | (packed[1] ?? 0)
  const name = new TextDecoder().decode(packed.subarray(2, 2 + length))
  return packed.length > 2 + length && name === (host ?? '') ? packed.subarray(2 + length) : null
}
