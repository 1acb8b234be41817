/**
 * Strings where bytes are written: a string stands for its UTF-8 bytes.
 *
 * It is encoded where it enters, before anything waits, so that all behind it, drivers and the
 * books of writers, knows bytes and counts bytes. Bytes pass through untouched: one `typeof` and
 * one `isArray`.
 */

/** What can be written: bytes, or a string, which stands for its UTF-8 bytes. */
export type Bytes = Uint8Array | string

/** The same in messages. */
export const BYTES_OR_STRING = 'a Uint8Array or a string'

// Made when it is needed first: there are hosts without one.
let encoder: InstanceType<typeof TextEncoder> | null = null
let lastText = ''
let lastBytes: Uint8Array | null = null

/** The UTF-8 bytes of a string; what is no string passes through. */
export function encoded(bytes: Bytes): Uint8Array {
  if (typeof bytes !== 'string') return bytes
  encoder ??= new TextEncoder()
  return encoder.encode(bytes)
}

/** The same for what is only looked at: mostly it is the same one again. */
export function encodedAgain(text: Bytes): Uint8Array {
  if (typeof text !== 'string') return text
  if (lastBytes === null || lastText !== text) {
    lastBytes = encoded(text)
    lastText = text
  }
  return lastBytes
}

/** The same for one piece or several. A list without strings stays what it is. */
export function encodedPieces(bytes: Bytes | readonly Bytes[]): Uint8Array | readonly Uint8Array[] {
  if (typeof bytes === 'string') return encoded(bytes)
  if (!Array.isArray(bytes)) return bytes as Uint8Array
  for (let i = 0; i < bytes.length; i++) if (typeof bytes[i] === 'string') return bytes.map(encoded)
  return bytes as readonly Uint8Array[]
}
