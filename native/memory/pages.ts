/**
 * Memory at addresses that the OS can copy to and from quickly.
 *
 * Its copy loop is slow on bytes that begin shortly behind the begin of a page, which is where an
 * allocator's own sixteen bytes put them, and on some processors where both sides begin alike. The
 * OS's own side often begins where a page does; so ours begins in the middle of one.
 *
 * Nor can it be taken away: what is borrowed of it is a view, and a transfer of that would leave
 * the OS with an address that is no longer ours.
 */

/** The size of a page; larger ones are multiples of it. */
export const PAGE_BYTES = 4096
const WASM_PAGE_BYTES = 65_536

/** So much memory, its begin so far behind that of a page, and its address. */
export function allocatePages(
  bytes: number,
  addressOf: (view: Uint8Array) => number,
  behind = PAGE_BYTES / 2,
): { readonly view: Uint8Array; readonly address: number } {
  const memory = keptMemory(bytes + PAGE_BYTES)
  const address = addressOf(memory)
  const skip = (PAGE_BYTES + behind - (address % PAGE_BYTES)) % PAGE_BYTES
  return { view: memory.subarray(skip, skip + bytes), address: address + skip }
}

/** What this file needs of it, which the types of Node do not have. */
const host = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (pages: { initial: number; maximum: number }) => { buffer: ArrayBuffer }
  }
}

let marksHold: boolean | null = null

/**
 * Memory that cannot be transferred. Where the host's mark does not stop `ArrayBuffer.transfer`,
 * WebAssembly's own cannot.
 */
function keptMemory(bytes: number): Uint8Array {
  const { markAsUntransferable } = process.getBuiltinModule('node:worker_threads')
  if (marksHold === null) {
    const probe = new ArrayBuffer(1)
    markAsUntransferable(probe)
    marksHold = !isTaken(probe)
  }
  if (!marksHold) {
    const pages = Math.ceil(bytes / WASM_PAGE_BYTES)
    try {
      return new Uint8Array(new host.WebAssembly.Memory({ initial: pages, maximum: pages }).buffer)
    } catch {
      // No address space for it, or no WebAssembly: a mark is better than nothing.
    }
  }
  const memory = new Uint8Array(bytes)
  markAsUntransferable(memory.buffer)
  return memory
}

function isTaken(buffer: ArrayBuffer): boolean {
  try {
    ;(buffer as { transfer?(): unknown }).transfer?.()
  } catch {
    // That is how it refuses.
  }
  return buffer.byteLength === 0
}
