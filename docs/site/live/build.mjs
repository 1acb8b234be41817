/**
 * Builds the live pages' engine: `node docs/site/live/build.mjs folder`.
 *
 * The kernel is the build for browsers, as rollup.config.mjs describes it. What the elements, the worker and its programs
 * share is in chunks, so a program in the worker meets the kernel that the worker watches. Nothing here is committed.
 */
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { rollup } from 'rollup'
import configs from '../../../rollup.config.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const kernel = join(ROOT, 'dist/live-kernel')
const outdir = resolve(process.argv[2])

const config = configs.at(-1)
rmSync(kernel, { recursive: true, force: true })
const made = await rollup({ ...config, input: config.input.map((path) => join(ROOT, path)) })
await made.write({ ...config.output, dir: kernel })

rmSync(outdir, { recursive: true, force: true })
await build({
  absWorkingDir: HERE,
  entryPoints: {
    live: 'live.ts',
    network: 'network.ts',
    worker: 'worker.ts',
    strip: 'strip.ts',
    drupe: 'program-drupe.ts',
    'drupe-lowlevel': 'program-lowlevel.ts',
    'drupe-testing': 'program-testing.ts',
    timers: 'program-timers.ts',
  },
  alias: {
    drupe: join(kernel, 'index.js'),
    'drupe/lowlevel': join(kernel, 'lowlevel.js'),
    'drupe/testing': join(kernel, 'testing.js'),
  },
  outdir,
  bundle: true,
  splitting: true,
  minify: true,
  // Errors are printed with the names of their classes.
  keepNames: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  chunkNames: 'chunk-[hash]',
  logLevel: 'warning',
})
