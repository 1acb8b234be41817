/**
 * Bytes that come in pieces and go in others.
 */
export class ByteQueue {
  private pieces: Uint8Array[] = []
  /** The first piece that has bytes left, and how many of it are gone. */
  private first = 0
  private gone = 0

  get isEmpty(): boolean {
    return this.first === this.pieces.length
  }

  /** Takes a piece, which stays as it is from here on. */
  put(piece: Uint8Array): void {
    if (piece.length > 0) this.pieces.push(piece)
  }

  /** Moves bytes into a buffer, as many as there are and fit, and says how many. */
  take(into: Uint8Array): number {
    let filled = 0
    while (filled < into.length && !this.isEmpty) {
      const piece = this.pieces[this.first] as Uint8Array
      const part = piece.subarray(this.gone, this.gone + into.length - filled)
      into.set(part, filled)
      filled += part.length
      this.gone += part.length
      if (this.gone < piece.length) break
      this.first++
      this.gone = 0
    }
    if (this.isEmpty) this.clear()
    return filled
  }

  clear(): void {
    this.pieces = []
    this.first = 0
    this.gone = 0
  }
}
