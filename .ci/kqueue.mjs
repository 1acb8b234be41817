/**
 * The driver for macOS and FreeBSD, run on Linux: `node .ci/kqueue.mjs [scratch folder]`, after a build.
 *
 * The library that DRUPE_KQUEUE_LIB names brings kqueue; without it test/native/bsd/shim.c does, built by the system's
 * compiler. It is no BSD: it says that the driver keeps to the manual page, as far as the library does.
 *
 * It runs the conformance suite, the suites of streams, files and servers in both modes, what workers and processes do at
 * their ends, and the attack. `--only=conformance` runs one of these parts. `--counts=file` writes what passed, as JSON. Ends
 * with a line "kqueue: N passed, N failed".
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONCURRENCY, ended, ROOT } from './bare-suite.mjs'

const words = process.argv.slice(2)
const option = (name) => words.find((word) => word.startsWith(`--${name}=`))?.split('=')[1]
const scratch = words.find((word) => !word.startsWith('--')) ?? mkdtempSync(join(tmpdir(), 'drupe-kqueue-'))
const only = option('only')
const SECONDS = Number(process.env.TEST_SECONDS ?? 420)

const PARTS = {
  conformance: ['native/bsd/*', 'driver/capabilities'],
  modes: ['modes/*'],
  streams: ['traps/{bridge,sync,testing}/*'],
  processes: ['child/*'],
}

let passed = 0
let failed = 0
const counts = {}

function count(part, pass, fail) {
  passed += pass
  failed += fail
  counts[part] = { pass, fail }
  console.log(`   ${part}: ${pass} passed, ${fail} failed`)
}

/** The library; null with a reason printed where there is none. */
function library() {
  if (process.platform !== 'linux') console.log('   skipped: it needs Linux')
  else if (process.env.DRUPE_KQUEUE_LIB) return process.env.DRUPE_KQUEUE_LIB
  else {
    const path = join(scratch, 'kqueue.so')
    const flags = ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror']
    const { status, error, stderr } = spawnSync('cc', [...flags, '-o', path, 'test/native/bsd/shim.c', '-lpthread'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    if (status === 0) return path
    if (error === undefined) throw new Error(`Cannot build shim.c:\n${stderr}`)
    console.log('   skipped: there is no C compiler (cc)')
  }
  return null
}

async function suite(part, env) {
  const files = PARTS[part].map((pattern) => `dist/test/${pattern}.test.js`)
  // Those whose titles begin with a driver of Linux run on that one.
  const others = ['--match', '!io_uring*', '--match', '!epoll*']
  const args = ['node_modules/ava/entrypoints/cli.mjs', '--tap', ...CONCURRENCY, ...files, ...others]
  const { error, output } = await ended(process.execPath, args, { seconds: SECONDS, cwd: ROOT, env })
  const fail = output.match(/^not ok /gm)?.length ?? 0
  if (error !== null) console.log(output.replaceAll(/^ok .*\n/gm, ''))
  // A run that is stopped, or breaks off, is one more failure.
  count(part, output.match(/^ok /gm)?.length ?? 0, error !== null && fail === 0 ? 1 : fail)
}

async function attack(env) {
  const args = ['dist/test/torture/main.js', 'ci', '--driver', 'kqueue']
  const { output } = await ended(process.execPath, args, { seconds: SECONDS, cwd: ROOT, env })
  const [, pass, fail] = /^(\d+) passed, (\d+) failed/m.exec(output) ?? [0, 0, 1]
  if (Number(fail) > 0) console.log(output)
  count('attack', Number(pass), Number(fail))
}

mkdirSync(scratch, { recursive: true })
const path = library()
if (path !== null) {
  const env = { ...process.env, DRUPE_DRIVER: 'kqueue', DRUPE_KQUEUE_LIB: path }
  for (const part of [...Object.keys(PARTS), 'attack']) {
    if (only !== undefined && only !== part) continue
    const start = Date.now()
    await (part === 'attack' ? attack(env) : suite(part, env))
    console.log(`   ${Math.round((Date.now() - start) / 1000)} s`)
  }
}
const to = option('counts')
if (to !== undefined) writeFileSync(to, `${JSON.stringify(counts, null, 2)}\n`)
rmSync(scratch, { recursive: true, force: true })
console.log(`kqueue: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
