/**
 * The file for the keys of sessions, as Wireshark reads it.
 */

/** Appends what an engine tells; nothing if there is no file. */
export function logKey(file: string | undefined, lines: string | Uint8Array): void {
  if (file === undefined) return
  try {
    process.getBuiltinModule('node:fs').appendFileSync(file, lines, { mode: 0o600 })
  } catch {
    // It is for debugging; a full disk must not end connections.
  }
}
