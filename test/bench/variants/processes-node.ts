/** Short processes by node:child_process, its outputs collected as those of `exec` are. */
import { spawn } from 'node:child_process'
import { measure } from './processes-rate.js'

function once(): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/true', [], { stdio: ['ignore', 'pipe', 'pipe'] })
    let bytes = 0
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => void (bytes += chunk.length))
    child.on('error', reject).on('close', () => resolve(bytes))
  })
}

await measure((count, atATime) => {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) await once()
  }
  return Promise.all(Array.from({ length: atATime }, lane))
})
