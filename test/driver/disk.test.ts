/** A full disk corrupts nothing: the programs of disk.ts, on every driver. */

import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { PATIENCE_MS } from '../patience.js'

const run = promisify(execFile)
const program = fileURLToPath(new URL('./disk.js', import.meta.url))

/** In a view of the file systems of its own: what it mounts goes with it, also if it is killed. */
const mounts = spawnSync('unshare', ['--mount', 'true']).status === 0

const SENTENCES = {
  limit: 'files that grow to the limit of their size have the bytes that were said to be written',
  tmpfs: 'files on a full disk have the bytes that were said to be written',
}

if (process.platform === 'linux')
  for (const driver of ['io_uring', 'epoll'])
    for (const [kind, sentence] of Object.entries(SENTENCES))
      test(`${driver}: ${sentence}`, async (t) => {
        const env = { ...process.env, DRUPE_DRIVER: driver }
        const command = [process.execPath, program, kind, '1']
        if (kind === 'tmpfs') {
          if (!mounts) {
            t.log('skipped: this process may not mount a file system')
            t.pass()
            return
          }
          command.unshift('unshare', '--mount')
        }
        const [file, ...args] = command
        const { stdout } = await run(file as string, args, { env, timeout: PATIENCE_MS })
        const line = stdout.trim()
        if (line.startsWith('skipped')) t.log(line)
        else t.is(line, 'held')
        t.pass()
      })
