/**
 * How many descriptors this process has; on Windows, how many handles.
 */
import { readdirSync } from 'node:fs'
import { openWindows } from '../native/windows/kernel32.js'

/** Handles are multiples of four, and Wine gives the lowest that is free: after so many that are none, there are no more. */
const MOST_UNUSED = 1024

export const openDescriptors: () => number =
  process.platform === 'win32' ? handles() : () => readdirSync('/proc/self/fd').length

/**
 * Wine's GetProcessHandleCount says 0 of every process, so there each number is asked whether it is one. (A list of all handles
 * of the system is no way: Wine 8's server falls when it makes one while a process ends, and then all its programs hang.)
 */
function handles(): () => number {
  const { koffi, addressOf } = openWindows()
  const kernel32 = koffi.load('kernel32.dll')
  const self = kernel32.func('GetCurrentProcess', 'intptr_t', [])() as number
  const countOf = kernel32.func('GetProcessHandleCount', 'int', ['intptr_t', 'uintptr_t'])
  const isHandle = kernel32.func('GetHandleInformation', 'int', ['intptr_t', 'uintptr_t'])
  const answer = new Uint32Array(1)
  const to = addressOf(answer)
  return () => {
    if (countOf(self, to) !== 0 && answer[0] !== undefined && answer[0] > 0) return answer[0]
    let count = 0
    for (let value = 4, unused = 0; unused < MOST_UNUSED; value += 4) {
      if (isHandle(value, to) !== 0) {
        count++
        unused = 0
      } else unused++
    }
    return count
  }
}
