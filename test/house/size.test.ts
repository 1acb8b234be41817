/**
 * What the build for browsers weighs, and that nothing of Node is in it.
 *
 * It is built in memory as `npm run bundle` does it, laid out as a package, and given to a bundler the way an application is. Sizes
 * are of what is sent: minified and compressed. What is measured may grow by 3 %; who needs more writes the new figure here.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { build } from 'esbuild'
import { type OutputChunk, type RollupOptions, rollup } from 'rollup'
import { ROOT, textOf } from './sources.js'

const FOUR = `
import { moveOn, nursery, run, sleep } from 'drupe'
await run(() => moveOn(1000, () => nursery(function* (n) {
  yield* n.spawn(() => sleep(10))
})))`

const GROWTH = 1.03

/** Each program, and how many bytes it had when this was written. */
const MEASURED: readonly { readonly name: string; readonly program: string; readonly bytes: number }[] = [
  { name: 'run, sleep, nursery and moveOn', program: FOUR, bytes: 22_700 },
  { name: 'the whole of drupe', program: "export * from 'drupe'", bytes: 83_517 },
  { name: 'the whole of drupe/testing', program: "export * from 'drupe/testing'", bytes: 47_577 },
  {
    name: 'all doors',
    program: "export * as a from 'drupe'; export * as b from 'drupe/lowlevel'; export * as c from 'drupe/testing'",
    bytes: 104_842,
  },
]

const folder = mkdtempSync(join(tmpdir(), 'drupe-size-'))
const packageFolder = join(folder, 'node_modules/drupe')
let chunks: readonly OutputChunk[] = []

test.before('the build for browsers is made', async () => {
  const config = (await import(`${ROOT}rollup.config.mjs`)) as { readonly default: readonly RollupOptions[] }
  const options = config.default[1] as RollupOptions & { readonly input: readonly string[] }
  const made = await rollup({ ...options, input: options.input.map((path) => ROOT + path) })
  const { output } = await made.write({ ...options.output, dir: join(packageFolder, 'dist/browser') })
  chunks = output.filter((one) => one.type === 'chunk')
  mkdirSync(packageFolder, { recursive: true })
  writeFileSync(join(packageFolder, 'package.json'), textOf('package.json'))
})

test.after.always('it is removed', () => rmSync(folder, { recursive: true, force: true }))

/** The bytes of a program when it is bundled, minified and compressed. */
async function sizeOf(program: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: folder },
    bundle: true,
    write: false,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
}

for (const { name, program, bytes } of MEASURED) {
  test(`for browsers, compressed: ${name}`, async (t) => {
    const size = await sizeOf(program)
    const budget = Math.floor(bytes * GROWTH)
    t.log(`${size} bytes, at most ${budget}`)
    t.true(size <= budget, `${size} bytes, and ${budget} is the budget`)
  })
}

test('nothing of native/ but the file for browsers is in it, no koffi, and no module of Node', (t) => {
  const modules = chunks.flatMap((one) => one.moduleIds).map((id) => id.slice(ROOT.length))
  t.deepEqual(
    modules.filter((path) => path.startsWith('native/')),
    ['native/browser.ts'],
  )
  t.true(modules.includes('index.ts') && modules.includes('kernel/sim/network.ts'))
  const files = new Set(chunks.map((one) => one.fileName))
  const foreign = chunks.flatMap((one) => [...one.imports, ...one.dynamicImports]).filter((path) => !files.has(path))
  t.deepEqual([...new Set(foreign)], ['effection'])
})

test('every door has a build for browsers, and all are of one kernel', (t) => {
  const { exports } = JSON.parse(textOf('package.json')) as { readonly exports: Record<string, { browser?: string }> }
  for (const door of ['.', './lowlevel', './testing', './effection']) {
    const file = exports[door]?.browser?.replace('./dist/browser/', '')
    t.true(
      chunks.some((one) => one.isEntry && one.fileName === file),
      door,
    )
  }
  const kernels = chunks.filter((one) => one.moduleIds.some((id) => id.endsWith('/kernel/kernel.ts')))
  t.is(kernels.length, 1)
})

test('no bundler gave a number to a function that names a task', (t) => {
  const named = chunks.flatMap(({ code }) => [...code.matchAll(/\bfunction\* ?(\w*\d)\(/g)].map(([, name]) => name))
  t.deepEqual(named, [])
})
