/**
 * The package as others get it: packed from a fresh clone, installed, compiled by strict compilers, bundled, run.
 *
 * `node .ci/consumers.mjs` prints one line a check and ends with "N passed, N failed". What it needs (old and new
 * compilers, linters for packages) it installs into a folder of its own, which it removes again.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COMPILERS = ['5.6', '5.9', '6.0', 'latest']
const EXPECTED = '42 42 42 42\n'

const scratch = mkdtempSync(join(tmpdir(), 'drupe-consumers-'))
const user = join(scratch, 'user')
let passed = 0
let failed = 0

function execute(command, args, cwd = user) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

const node = (args, cwd) => execute(process.execPath, args, cwd)
const npm = (args, cwd) => execute('npm', [...args, '--silent', '--no-audit', '--no-fund'], cwd)

function check(name, body) {
  try {
    body()
    passed++
    console.log(`ok ${name}`)
  } catch (error) {
    failed++
    console.log(`not ok ${name}\n${[error.message, error.stdout, error.stderr].filter(Boolean).join('\n')}`)
  }
}

function expect(condition, message) {
  if (!condition) throw new Error(message)
}

/** Compiles the program with one compiler; every `.d.ts` that it meets is checked. */
function compile(version, resolution, environment) {
  const name = `${version}-${resolution}-${environment}`
  const folder = join(user, name)
  mkdirSync(folder)
  cpSync(join(ROOT, '.ci/consumer/use.ts'), join(folder, 'use.mts'))
  const module = resolution === 'nodenext' ? 'nodenext' : 'esnext'
  const browser = environment === 'browser'
  const compilerOptions = {
    module,
    moduleResolution: resolution,
    target: 'es2022',
    lib: browser ? ['es2022', 'dom'] : ['es2022'],
    types: browser ? [] : ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.mts'] }))
  node([join(user, `node_modules/typescript-${version}/lib/tsc.js`), '-p', folder])
}

/** Bundles the program as an application would, and runs what came out beside the installed package. */
function bundle(format, platform) {
  const out = `bundle-${platform}.${format === 'cjs' ? 'cjs' : 'mjs'}`
  const flags = ['--bundle', `--format=${format}`, `--platform=${platform}`, '--target=es2022', `--outfile=${out}`]
  const entry = platform === 'browser' || format === 'cjs' ? 'small.ts' : 'use.ts'
  execute(join(ROOT, 'node_modules/.bin/esbuild'), [entry, ...flags, '--log-level=error'])
  return out
}

try {
  const clone = join(scratch, 'clone')
  execute('git', ['clone', '--quiet', '--local', ROOT, clone], scratch)
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  mkdirSync(user)

  let packed
  check('npm pack makes the package from a fresh clone', () => {
    npm(['pack', '--pack-destination', scratch], clone)
    packed = readdirSync(scratch).find((file) => file.endsWith('.tgz'))
    const files = execute('tar', ['-tzf', packed], scratch)
    for (const file of [
      'dist/index.js',
      'dist/server-thread.js',
      'dist/worker.js',
      'dist/worker-process.js',
      'dist/index.d.ts',
      'dist/browser/index.js',
      'kernel/schedule/loop.ts',
      'docs/errors/DRUPE_TIMEOUT.md',
    ]) {
      expect(files.includes(`package/${file}\n`), `${file} is missing`)
    }
    expect(
      !/package\/(dist\/)?(test|examples|docs(?!\/errors\/))\/|dist\/kernel\/.*\.js\n/.test(files),
      'it has what nobody needs',
    )
    const map = JSON.parse(execute('tar', ['-xzOf', packed, 'package/dist/index.js.map'], scratch))
    for (const source of map.sources) {
      expect(
        files.includes(`package/${source.replace('../', '')}\n`),
        `${source}, which a map names, is not in the package`,
      )
    }
    const readme = execute('tar', ['-xzOf', packed, 'package/README.md'], scratch)
    for (const [link, to] of readme.matchAll(/\]\(([^)]+)\)/g)) {
      expect(
        /^(https?:|#)/.test(to) || files.includes(`package/${to}\n`),
        `${link} of README is dead on the package's page`,
      )
    }
    expect(
      readFileSync(join(clone, 'README.md'), 'utf8').includes('](docs/'),
      'packing left README as it is in the package',
    )
  })

  writeFileSync(join(user, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const compilers = COMPILERS.map((version) => `typescript-${version}@npm:typescript@${version}`)
  npm(['install', join(scratch, packed), '@types/node@20', 'effection@4', ...compilers])
  cpSync(join(ROOT, '.ci/consumer/use.ts'), join(user, 'use.ts'))
  cpSync(join(ROOT, '.ci/consumer/small.ts'), join(user, 'small.ts'))

  for (const version of COMPILERS) {
    for (const resolution of ['nodenext', 'bundler']) {
      for (const environment of ['node', 'browser']) {
        const name = `TypeScript ${version}, ${resolution}, for ${environment}, with skipLibCheck: false`
        check(name, () => compile(version, resolution, environment))
      }
    }
  }

  check('an ESM bundle for Node runs', () => {
    expect(node([bundle('esm', 'node')]) === EXPECTED, 'it printed something else')
  })
  check('a CommonJS bundle for Node runs, with a native driver', () => {
    const out = node([bundle('cjs', 'node')])
    expect(/^42 (io_uring|epoll)\n$/.test(out), `it printed ${out}`)
  })
  check('a bundle for browsers runs where there is no Node, with the host driver', () => {
    const out = bundle('iife', 'browser')
    const rooms = readFileSync(join(user, out), 'utf8').match(/^ *\/\/ node_modules\/drupe\/.*\/native\/.*$/gm)
    expect(rooms?.length === 1 && rooms[0].endsWith('/browser.js'), `native drivers are in it: ${rooms}`)
    const realm = `
      const { readFileSync } = require('node:fs')
      const { setTimeout, clearTimeout, performance, MessageChannel, AbortController, URL, console } = globalThis
      const realm = { setTimeout, clearTimeout, performance, AbortController, URL, console }
      require('node:vm').runInNewContext(readFileSync(process.argv[1], 'utf8'), realm)`
    const printed = node(['-e', realm, out])
    expect(printed === '42 host\n', `it printed ${printed}`)
  })
  check('require() of the package works', () => {
    const program = "const { runSync, sleep } = require('drupe'); runSync(() => sleep(1)); console.log('ok')"
    expect(node(['--input-type=commonjs', '-e', program]).endsWith('ok\n'), 'it printed something else')
  })

  const tools = join(scratch, 'tools')
  mkdirSync(tools)
  writeFileSync(join(tools, 'package.json'), '{"private":true}')
  npm(['install', 'publint@0.3', '@arethetypeswrong/cli@0.18'], tools)
  check('publint is content', () =>
    execute(join(tools, 'node_modules/.bin/publint'), ['--strict', join(scratch, packed)]),
  )
  check('attw is content', () =>
    execute(join(tools, 'node_modules/.bin/attw'), [
      join(scratch, packed),
      '--exclude-entrypoints',
      'server-thread',
      'worker',
      'worker-process',
      '--ignore-rules',
      'cjs-resolves-to-esm',
    ]),
  )
} finally {
  if (existsSync(scratch)) rmSync(scratch, { recursive: true, force: true })
}

console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
