/**
 * Where there is no native driver: the host's is used, with a note, on engines that could not stand koffi, without addons and
 * without koffi. (CI runs the kernel's tests on the engines themselves: .ci/engines.mjs.)
 */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { PATIENCE_MS } from '../../patience.js'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
/** Node 20 calls it experimental. */
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

const PROGRAM = `
const { all, Kernel, listen, sleep } = await import('drupe')
const kernel = new Kernel({ debug: true })
await kernel.run(() => all([sleep(2), sleep(1)]))
console.log(kernel.driver)
await kernel.run(() => listen({ port: 0 })).catch((error) => console.log(error.message))
await kernel.close()`

const NO_KOFFI = `
const module = process.getBuiltinModule('node:module')
const resolve = module._resolveFilename
module._resolveFilename = (name, ...rest) => {
  if (name === 'koffi') throw new Error("Cannot find module 'koffi'\\nRequire stack:")
  return resolve(name, ...rest)
}`

const pretend = (versions: string): string =>
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, ${versions} } })`

async function program(flags: readonly string[], prelude: string): Promise<{ stdout: string; stderr: string }> {
  // What is tested is the default, also where the tests run with a driver that was chosen.
  const { DRUPE_DRIVER: _, ...env } = process.env
  const code = [...flags, '--input-type=module', '-e', prelude + PROGRAM]
  return await promisify(execFile)(process.execPath, code, { cwd: ROOT, env, timeout: PATIENCE_MS }).catch(
    (error) => error,
  )
}

const CASES: readonly (readonly [title: string, flags: readonly string[], prelude: string, note: RegExp])[] = [
  [
    'without the permission to load addons',
    [PERMISSION, '--allow-fs-read=*'],
    '',
    /koffi cannot be loaded \(.*addon.*\); allow addons \(--allow-addons\)/,
  ],
  [
    'without koffi',
    [],
    NO_KOFFI,
    /koffi cannot be loaded \(Cannot find module 'koffi'\); install it beside drupe \(npm install koffi\)/,
  ],
  ['by DRUPE_DRIVER', [], `process.env.DRUPE_DRIVER = 'host'`, /DRUPE_DRIVER asks for it/],
  ['in Bun', [], pretend(`bun: '1.4.5'`), /no native driver for Bun, .*; sockets and files need Node/],
]

for (const [title, flags, prelude, note] of CASES) {
  test(`${title} it is the host driver, which says why`, async (t) => {
    const { stdout, stderr } = await program(flags, prelude)
    const [driver, refused] = stdout.split('\n')
    t.is(driver, 'host', stderr)
    t.regex(stderr, note)
    t.regex(String(refused), /^Cannot socket: the host driver cannot; /)
    t.regex(String(refused), note)
  })
}

test('a driver that is forced by name where koffi is missing is refused with the reason', async (t) => {
  const { stderr } = await program([], `${NO_KOFFI}\nprocess.env.DRUPE_DRIVER = 'epoll'`)
  t.regex(stderr, /Cannot use the driver "epoll" \(DRUPE_DRIVER\): koffi cannot be loaded/)
})

test('an engine that is too old is told so in one sentence', async (t) => {
  for (const [versions, engine] of [
    [`node: '18.20.8'`, 'Node 18.20.8'],
    [`deno: '1.46.3'`, 'Deno 1.46.3'],
  ] as const) {
    const { stderr } = await program([], `${pretend(versions)}\nprocess.getBuiltinModule = undefined\n`)
    t.true(stderr.includes(`Error: Cannot run on ${engine}: Drupe needs Node 20.19 or newer, Bun 1.2`), stderr)
  }
})
