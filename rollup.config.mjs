/**
 * The published package in few files: each door one, what doors share in chunks, so that there is one kernel whichever are used.
 *
 * Loading a hundred small modules costs more than running them. The files stay readable, with comments and maps; only
 * the types are left out.
 */
import { readFileSync } from 'node:fs'
import { transform } from 'esbuild'

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

export default {
  input: [
    'index.ts',
    'lowlevel.ts',
    'testing.ts',
    'effection.ts',
    'server-thread.ts',
    'worker.ts',
    'worker-process.ts',
  ],
  external: ['koffi', 'effection', /^node:/],
  plugins: [typescript],
  output: {
    dir: 'dist/bundle',
    format: 'es',
    generatedCode: 'es2015',
    sourcemap: true,
    sourcemapExcludeSources: true,
    chunkFileNames: 'chunk-[hash].js',
    hoistTransitiveImports: false,
  },
}
