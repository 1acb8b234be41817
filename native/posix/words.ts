/**
 * Words of 64 bits in memory of 32-bit words, the lower half first: addresses and lengths as C has
 * them, on every machine that Node runs on.
 */

/** Writes an address, or a length. */
export function setWord(words: Uint32Array, index: number, value: number): void {
  words[index] = value >>> 0
  words[index + 1] = value / 2 ** 32
}
