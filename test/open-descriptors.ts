/**
 * How many descriptors this process has; on Windows, how many handles.
 */
import { readdirSync } from 'node:fs'
import { openWindows } from '../native/windows/kernel32.js'

const SYSTEM_HANDLES = 16
/** A count of 8 bytes, then 24 for each handle in the system; they begin with 16 bits of a process. */
const LIST_BYTES = 1 << 20

export const openDescriptors: () => number =
  process.platform === 'win32' ? handles() : () => readdirSync('/proc/self/fd').length

/** Wine's GetProcessHandleCount says 0 of every process, so all handles of the system are listed. */
function handles(): () => number {
  const { koffi, addressOf } = openWindows()
  const types = ['int', 'uintptr_t', 'uint', 'uintptr_t']
  const ask = koffi.load('ntdll.dll').func('NtQuerySystemInformation', 'int', types)
  const memory = new Uint8Array(LIST_BYTES)
  const list = new DataView(memory.buffer)
  return () => {
    if (ask(SYSTEM_HANDLES, addressOf(memory), LIST_BYTES, 0) !== 0) throw new Error('Cannot list handles')
    const all = list.getUint32(0, true)
    let ours = 0
    for (let i = 0; i < all; i++) if (list.getUint16(8 + 24 * i, true) === (process.pid & 0xffff)) ours++
    return ours
  }
}
