/**
 * How many children of this process have ended and are not reaped.
 */
import { readdirSync, readFileSync } from 'node:fs'

export function zombies(): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'latin1')
      const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      return state === 'Z' && Number(parent) === process.pid
    } catch {
      return false
    }
  }).length
}
