/**
 * Read-ahead: bytes that were read from a stream and not yet returned by it.
 *
 * Memory is filled once, from the front to the back, and never moved inside itself. So what is
 * taken out can be a view that belongs to its taker while more is added behind; such memory cannot
 * be transferred. When there is no room, there is new memory, twice as large.
 */
import { allocate, keep } from './chunks.js'

export class ReadAhead {
  private memory: Uint8Array
  private start = 0
  private end: number

  /** Takes over `bytes`: nothing else may write to them. */
  constructor(bytes: Uint8Array) {
    this.memory = bytes
    this.end = bytes.length
  }

  get length(): number {
    return this.end - this.start
  }

  /** Where `delimiter` begins, looked for from `from` on; −1 if it is not there. */
  indexOf(delimiter: Uint8Array, from: number): number {
    const bytes = this.memory.subarray(this.start, this.end)
    const first = delimiter[0] as number
    for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
      let same = 1
      while (same < delimiter.length && bytes[at + same] === delimiter[same]) same++
      if (same === delimiter.length) return at
    }
    return -1
  }

  /** Takes the first bytes, at most so many; the rest cannot be transferred with them. */
  take(most: number): Uint8Array {
    const from = this.start
    this.start = Math.min(this.end, from + most)
    const bytes = this.memory.subarray(from, this.start)
    return this.length === 0 || keep(this.memory.buffer as ArrayBuffer) ? bytes : bytes.slice()
  }

  /** Adds a copy of `bytes`; if there must be new memory, it has room for `expected`. */
  push(bytes: Uint8Array, expected: number): void {
    this.room(bytes.length, expected).set(bytes)
    this.end += bytes.length
  }

  /**
   * Free memory behind the bytes, at least `least`; if there must be new memory, it has room for
   * `expected`.
   */
  room(least: number, expected: number): Uint8Array {
    if (this.end + least > this.memory.length) {
      const bytes = this.memory.subarray(this.start, this.end)
      this.memory = new Uint8Array(allocate(bytes.length + Math.max(least, expected, bytes.length)))
      this.memory.set(bytes)
      this.end -= this.start
      this.start = 0
    }
    return this.memory.subarray(this.end)
  }

  /** So many bytes of the room have been filled. */
  filled(bytes: number): void {
    this.end += bytes
  }
}
