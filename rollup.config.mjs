/**
 * The published package in few files: each door one, what doors share in chunks, so that there is one kernel whichever are used.
 *
 * Loading a hundred small modules costs more than running them. The files stay readable, with comments and maps; only
 * the types are left out.
 *
 * In browser/ is another build, where native/browser.ts stands for all of native/. It goes through a bundler again, so it
 * keeps its modules: those that a program does not use can be left out, and three quarters of them usually are. A program
 * takes all doors from one build, because they share one kernel.
 */
import { readFileSync } from 'node:fs'
import { transform } from 'esbuild'

const DOORS = ['index.ts', 'lowlevel.ts', 'testing.ts', 'effection.ts']
const NATIVE = /\/native\/(select|tls|notify|host\/async-context)\.ts$/

const browser = {
  name: 'browser',
  resolveId: (source, importer) => {
    const path = typescript.resolveId(source, importer)
    return path !== null && NATIVE.test(path) ? path.replace(NATIVE, '/native/browser.ts') : null
  },
}

const typescript = {
  name: 'typescript',
  resolveId: (source, importer) =>
    source.startsWith('.') && importer !== undefined
      ? new URL(source.replace(/\.js$/, '.ts'), `file://${importer}`).pathname
      : null,
  load: (id) => readFileSync(id, 'utf8'),
  transform: (code, id) =>
    transform(code, {
      loader: 'ts',
      target: 'es2022',
      sourcefile: id,
      sourcemap: true,
      tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, verbatimModuleSyntax: true } },
    }),
}

const output = { format: 'es', generatedCode: 'es2015', hoistTransitiveImports: false }

export default [
  {
    input: [...DOORS, 'server-thread.ts', 'worker.ts', 'worker-process.ts'],
    external: ['koffi', 'effection', /^node:/],
    plugins: [typescript],
    output: {
      ...output,
      dir: 'dist/bundle',
      sourcemap: true,
      sourcemapExcludeSources: true,
      // It is published from dist/, a folder above.
      sourcemapPathTransform: (path) => path.replace('../', ''),
      chunkFileNames: 'chunk-[hash].js',
    },
  },
  {
    input: DOORS,
    external: ['effection'],
    plugins: [browser, typescript],
    treeshake: { moduleSideEffects: false },
    output: { ...output, dir: 'dist/bundle/browser', preserveModules: true },
  },
]
