/**
 * What is encrypted at a time: from pieces as programs write them to chunks as records want them.
 */
import { CHUNK_BYTES } from './tls-wire.js'

/** For pieces that are put together, and for what is decrypted: used between two waits. */
export const scratch = new Uint8Array(CHUNK_BYTES)

export function piecesOf(bytes: Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] {
  return Array.isArray(bytes) ? (bytes as readonly Uint8Array[]) : [bytes as Uint8Array]
}

/**
 * At most so much as is encrypted at a time, from a place on: a piece as it is, or several put
 * together.
 */
export function chunkAt(pieces: readonly Uint8Array[], at: number): Uint8Array {
  let skip = at
  let filled = 0
  for (const piece of pieces) {
    if (skip >= piece.length) {
      skip -= piece.length
      continue
    }
    const rest = piece.subarray(skip, skip + CHUNK_BYTES - filled)
    skip = 0
    const isAlone = filled === 0 && (rest.length === CHUNK_BYTES || piece === pieces.at(-1))
    // Koffi takes no memory that threads share.
    if (isAlone && rest.buffer instanceof ArrayBuffer) return rest
    scratch.set(rest, filled)
    filled += rest.length
    if (filled === CHUNK_BYTES) break
  }
  return scratch.subarray(0, filled)
}

export function beginsWith(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return beginning.length <= bytes.length && beginning.every((byte, i) => byte === bytes[i])
}
