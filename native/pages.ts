/**
 * Memory that lies well for the system, which copies to and from it.
 *
 * Its copy loop is slow on bytes that begin shortly behind the begin of a page, which is where an allocator's own sixteen bytes put
 * them, and on some processors where both sides begin alike. The system's own side often begins where a page does; so ours
 * begins in the middle of one.
 */

/** The size of a page; larger ones are multiples of it. */
export const PAGE_BYTES = 4096

/** So much memory, its begin so far behind that of a page, and its address. */
export function allocatePages(
  bytes: number,
  addressOf: (view: Uint8Array) => number,
  behind = PAGE_BYTES / 2,
): { readonly view: Uint8Array; readonly address: number } {
  const memory = new Uint8Array(bytes + PAGE_BYTES)
  const address = addressOf(memory)
  const skip = (PAGE_BYTES + behind - (address % PAGE_BYTES)) % PAGE_BYTES
  return { view: memory.subarray(skip, skip + bytes), address: address + skip }
}
