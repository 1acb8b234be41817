/**
 * Memory that begins where a page does.
 *
 * The system copies to and from it, and its copy loop is a tenth slower on bytes that lie askew. What allocators give lies
 * askew: behind their own sixteen bytes, or anywhere.
 */

/** The size of a page; larger ones are multiples of it. */
export const PAGE_BYTES = 4096

/** So much memory at the begin of a page, and its address. */
export function allocatePages(
  bytes: number,
  addressOf: (view: Uint8Array) => number,
): { readonly view: Uint8Array; readonly address: number } {
  const memory = new Uint8Array(bytes + PAGE_BYTES)
  const address = addressOf(memory)
  const skip = (PAGE_BYTES - (address % PAGE_BYTES)) % PAGE_BYTES
  return { view: memory.subarray(skip, skip + bytes), address: address + skip }
}
