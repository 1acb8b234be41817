/**
 * Small pieces of memory for received bytes.
 *
 * A fresh Uint8Array costs half a microsecond, most of it for an ArrayBuffer of its own; a view on
 * a shared slab costs a fifth of that. So small chunks are cut from slabs, one after the other, as
 * Node's own Buffer pool does it. A slab is collected when all its chunks are. Large chunks get
 * memory of their own, from Node without the zeros, since they are filled at once: for 100 KiB the
 * zeros and the fresh pages cost more than the copy.
 *
 * Code that transferred a slab would take the chunks of other connections with it. So slabs are
 * marked as not transferable, and where a host has no such mark that works, each chunk gets memory
 * of its own.
 */

/** Memory that will be written before it is read. */
export const allocate: (bytes: number) => ArrayBuffer = (() => {
  const host = globalThis as { Buffer?: { allocUnsafeSlow(bytes: number): { readonly buffer: ArrayBuffer } } }
  if (host.Buffer === undefined) return (bytes) => new ArrayBuffer(bytes)
  const { Buffer } = host
  return (bytes) => Buffer.allocUnsafeSlow(bytes).buffer
})()

let mark: ((memory: ArrayBuffer) => void) | null | undefined

/** Marks memory as not transferable; false where the host has no such mark, or none that works. */
export function keep(memory: ArrayBuffer): boolean {
  if (mark === undefined) mark = findMark()
  mark?.(memory)
  return mark !== null
}

/** The host's mark is looked for when it is needed first: that loads a module of the host's. */
function findMark(): ((memory: ArrayBuffer) => void) | null {
  type Threads = { markAsUntransferable?(memory: ArrayBuffer): void }
  const host = globalThis as { process?: { getBuiltinModule?(name: string): Threads | undefined } }
  const found = host.process?.getBuiltinModule?.('node:worker_threads')?.markAsUntransferable
  if (found === undefined) return null
  const probe = new ArrayBuffer(1)
  try {
    found(probe)
  } catch {
    return null
  }
  try {
    ;(probe as { transfer?(): unknown }).transfer?.()
  } catch {
    // That is how it refuses.
  }
  return probe.byteLength === 1 ? found : null
}

/** One piece of memory that chunks are cut from, one after the other. */
class Slab {
  private memory = new ArrayBuffer(0)
  private used = 0

  constructor(private readonly bytes: number) {}

  copy(source: Uint8Array): Uint8Array {
    const { length } = source
    if (this.used + length > this.memory.byteLength) {
      if (mark === null) return ownCopy(source)
      const memory = allocate(this.bytes)
      if (!keep(memory)) return ownCopy(source)
      this.memory = memory
      this.used = 0
    }
    const chunk = new Uint8Array(this.memory, this.used, length)
    // The next chunk begins on a multiple of eight, so that wider views can be put on it.
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

/** Makes a copy, which belongs to the caller. */
export function copyOf(source: Uint8Array): Uint8Array {
  const { length } = source
  if (length <= SMALL_BYTES) return small.copy(source)
  if (length <= MEDIUM_BYTES) return medium.copy(source)
  return ownCopy(source)
}

function ownCopy(source: Uint8Array): Uint8Array {
  const own = new Uint8Array(allocate(source.length))
  own.set(source)
  return own
}
