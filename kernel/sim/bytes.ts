/**
 * A queue of bytes, between writers and readers.
 */

export class ByteQueue {
  /** How many bytes there are. */
  length = 0
  private readonly chunks: Uint8Array[] = []
  /** The chunk at the front, and how much of it is gone. */
  private first = 0
  private gone = 0

  /** Adds bytes, which must not change from now on. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.chunks.push(chunk)
    this.length += chunk.length
  }

  /** Takes as many bytes as fit into `target`; how many. */
  takeInto(target: Uint8Array): number {
    let filled = 0
    while (filled < target.length && this.length > 0) {
      const chunk = this.chunks[this.first] as Uint8Array
      const count = Math.min(chunk.length - this.gone, target.length - filled)
      target.set(chunk.subarray(this.gone, this.gone + count), filled)
      filled += count
      this.length -= count
      this.gone += count
      if (this.gone === chunk.length) this.dropFirst()
    }
    return filled
  }

  /** Takes the next `bytes` bytes, or all if there are fewer. */
  take(bytes: number): Uint8Array {
    const taken = new Uint8Array(Math.min(bytes, this.length))
    this.takeInto(taken)
    return taken
  }

  clear(): void {
    this.chunks.length = this.first = this.gone = this.length = 0
  }

  private dropFirst(): void {
    this.gone = 0
    this.first++
    // Moving the rest up now and then, and not each time, keeps this linear.
    if (this.first * 2 <= this.chunks.length && this.first < this.chunks.length) return
    this.chunks.splice(0, this.first)
    this.first = 0
  }
}
