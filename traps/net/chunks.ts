/**
 * Small pieces of memory for received bytes.
 *
 * A fresh Uint8Array costs half a microsecond, most of it for an ArrayBuffer of its own; a view on a shared slab costs a
 * fifth of that. So small chunks are cut from slabs, one after the other, as Node's own Buffer pool does it. A slab is
 * collected when all its chunks are. Large chunks get memory of their own, from Node without the zeros, since they are
 * filled at once: for 100 KiB the zeros and the fresh pages cost more than the copy.
 */

/** Memory that will be written before it is read. */
const allocate: (bytes: number) => ArrayBuffer = (() => {
  const host = globalThis as { Buffer?: { allocUnsafeSlow(bytes: number): { readonly buffer: ArrayBuffer } } }
  if (host.Buffer === undefined) return (bytes) => new ArrayBuffer(bytes)
  const { Buffer } = host
  return (bytes) => Buffer.allocUnsafeSlow(bytes).buffer
})()

const SLAB_BYTES = 64 * 1024
/** Larger chunks get memory of their own: they would waste the end of the slab and keep it alive. */
const LARGEST_SHARED = 8 * 1024

let slab = new ArrayBuffer(0)
let used = 0

/** A copy of the first `length` bytes of `source`, owned by whoever gets it. */
export function copyOf(source: Uint8Array, length: number): Uint8Array {
  if (length > LARGEST_SHARED) {
    const own = new Uint8Array(allocate(length))
    own.set(source.subarray(0, length))
    return own
  }
  if (used + length > slab.byteLength) {
    slab = allocate(SLAB_BYTES)
    used = 0
  }
  const chunk = new Uint8Array(slab, used, length)
  // The next chunk begins on a multiple of eight, for those who put wider views on it.
  used += (length + 7) & ~7
  chunk.set(length === source.length ? source : source.subarray(0, length))
  return chunk
}
