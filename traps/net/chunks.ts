/**
 * Small pieces of memory for received bytes.
 *
 * A fresh Uint8Array costs half a microsecond, most of it for an ArrayBuffer of its own; a view on a shared slab costs a
 * fifth of that. So small chunks are cut from slabs, one after the other, as Node's own Buffer pool does it. A slab is
 * collected when all its chunks are. Large chunks get memory of their own, from Node without the zeros, since they are
 * filled at once: for 100 KiB the zeros and the fresh pages cost more than the copy.
 */

/** Memory that will be written before it is read. */
export const allocate: (bytes: number) => ArrayBuffer = (() => {
  const host = globalThis as { Buffer?: { allocUnsafeSlow(bytes: number): { readonly buffer: ArrayBuffer } } }
  if (host.Buffer === undefined) return (bytes) => new ArrayBuffer(bytes)
  const { Buffer } = host
  return (bytes) => Buffer.allocUnsafeSlow(bytes).buffer
})()

/** One piece of memory that chunks are cut from, one after the other. */
class Slab {
  private memory = new ArrayBuffer(0)
  private used = 0

  constructor(private readonly bytes: number) {}

  copy(source: Uint8Array): Uint8Array {
    const { length } = source
    if (this.used + length > this.memory.byteLength) {
      this.memory = allocate(this.bytes)
      this.used = 0
    }
    const chunk = new Uint8Array(this.memory, this.used, length)
    // The next chunk begins on a multiple of eight, for those who put wider views on it.
    this.used += (length + 7) & ~7
    chunk.set(source)
    return chunk
  }
}

const SMALL_BYTES = 8 * 1024
const MEDIUM_BYTES = 32 * 1024

// Apart, because a chunk that is kept keeps its slab alive: a small one must not keep a large slab.
const small = new Slab(64 * 1024)
const medium = new Slab(256 * 1024)

/** A copy, owned by whoever gets it. */
export function copyOf(source: Uint8Array): Uint8Array {
  const { length } = source
  if (length <= SMALL_BYTES) return small.copy(source)
  if (length <= MEDIUM_BYTES) return medium.copy(source)
  const own = new Uint8Array(allocate(length))
  own.set(source)
  return own
}
