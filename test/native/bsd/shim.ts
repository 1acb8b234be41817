/**
 * A library with kqueue, for Linux: the one that DRUPE_KQUEUE_LIB names, or else ours (shim.c), built by the system's compiler.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AbiName } from '../../../native/bsd/kevent.js'
import type { KqueueSource } from '../../../native/bsd/kqueue.js'

/** The library for this layout; a string says why there is none. */
export function kqueueFor(abi: AbiName = 'libkqueue'): KqueueSource | string {
  const named = process.env['DRUPE_KQUEUE_LIB']
  if (process.platform !== 'linux') return 'it needs Linux'
  if (named !== undefined && abi === 'libkqueue') return { abi, library: named }
  const folder = mkdtempSync(join(tmpdir(), 'drupe-kqueue-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const library = join(folder, `${abi}.so`)
  const layout = `-DLAYOUT=${abi.toUpperCase()}`
  const { status, error, stderr } = spawnSync('cc', [
    '-shared',
    '-fPIC',
    '-O1',
    layout,
    '-o',
    library,
    SOURCE,
    '-lpthread',
  ])
  if (error !== undefined) return 'there is no C compiler (cc)'
  if (status !== 0) throw new Error(`Cannot build shim.c: ${stderr}`)
  return { abi, library }
}

/** From dist/test/native/bsd/. */
const SOURCE = fileURLToPath(new URL('../../../../test/native/bsd/shim.c', import.meta.url))
