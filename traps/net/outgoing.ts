/**
 * What a transport has been given to write and the stream has not taken yet.
 *
 * One idea: pieces are kept as they were given, not copied. Only what is lent has an end: when its
 * buffer goes back to the driver, the rest of it is copied (`own`).
 */
export class Outgoing {
  /** How many bytes there are. */
  bytes = 0
  /** Mostly there is one piece at a time, and it needs no list; it comes before all others. */
  private only: Uint8Array | null = null
  /** What a write is under way with: it is not added to. */
  private leaving: Uint8Array[] = []
  private waiting: Uint8Array[] = []

  add(piece: Uint8Array): void {
    const { length } = piece
    if (length === 0) return
    if (this.bytes === 0) this.only = piece
    else this.waiting.push(piece)
    this.bytes += length
  }

  /** What is to be written next: until `took` it stays as it is. */
  next(): Uint8Array | readonly Uint8Array[] {
    const { only } = this
    if (only !== null && this.waiting.length === 0) return only
    if (this.leaving.length === 0) {
      const empty = this.leaving
      this.leaving = only === null ? this.waiting : [only, ...this.waiting]
      this.waiting = only === null ? empty : []
      this.only = null
    }
    return this.leaving.length === 1 ? (this.leaving[0] as Uint8Array) : this.leaving
  }

  /** So many bytes of it have left. */
  took(bytes: number): void {
    const { leaving, only } = this
    this.bytes -= bytes
    if (only !== null) {
      this.only = bytes === only.length ? null : only.subarray(bytes)
      return
    }
    let gone = 0
    for (let piece = leaving[0]; piece !== undefined && bytes >= piece.length; piece = leaving[gone]) {
      bytes -= piece.length
      gone++
    }
    if (gone === leaving.length) leaving.length = 0
    else leaving.splice(0, gone)
    if (bytes > 0) leaving[0] = (leaving[0] as Uint8Array).subarray(bytes)
  }

  /** How many pieces no write is under way with. */
  get waitingPieces(): number {
    return this.waiting.length
  }

  /** Copies what is lent of those pieces, from the one of this number on. */
  own(lent: Uint8Array, from: number): void {
    copyLent(this.waiting, lent, from)
  }

  /** Copies what is lent of all pieces. No write is under way. */
  ownAll(lent: Uint8Array): void {
    if (this.only?.buffer === lent.buffer) this.only = this.only.slice()
    copyLent(this.leaving, lent, 0)
    copyLent(this.waiting, lent, 0)
  }

  /** Drops all of it. */
  clear(): void {
    this.only = null
    this.leaving = []
    this.waiting = []
    this.bytes = 0
  }
}

function copyLent(pieces: Uint8Array[], lent: Uint8Array, from: number): void {
  for (let i = from; i < pieces.length; i++) {
    const piece = pieces[i] as Uint8Array
    if (piece.buffer === lent.buffer) pieces[i] = piece.slice()
  }
}
