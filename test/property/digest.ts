/**
 * A short number for a long trace, the same on every machine (FNV-1a, 32 bits).
 */

export function digest(lines: readonly string[], start = 0x811c9dc5): number {
  let hash = start
  for (const line of lines) {
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193)
    hash = Math.imul(hash ^ 10, 0x01000193)
  }
  return hash >>> 0
}
