/**
 * Every engine that Drupe is said to run on: `node .ci/engines.mjs [scratch folder]`, after a build.
 *
 * Engines come from the npm registry, Chromium from Debian. Each Node runs the suite with AVA. Where AVA does not run, or where
 * there is to be no system, the kernel's own tests run through test/engines/: the same compiled files, one process or page each.
 * A test is left out only if it stands in LEFT_OUT, with a reason that is printed; one that need not be there is a failure.
 *
 * README.md and docs/platforms.md have the table of what came, as `--write` writes it for a run in which all passes; one that differs is a failure.
 * `--only=bun,deno` runs some of them. Ends with a line "engines: N passed, N failed".
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CONCURRENCY, copyFor, ended, FILE_SECONDS, judge, processes, ROOT } from './bare-suite.mjs'
import { findChromium, openPage } from './chromium.mjs'

const PAGES = ['README.md', 'docs/platforms.md'].map((page) => join(ROOT, page))
const MARKS = ['<!-- engines -->\n', '<!-- /engines -->\n']
const SUITE_SECONDS = Number(process.env.TEST_SECONDS ?? 300)
const ARM = process.arch === 'arm64'

const write = process.argv.includes('--write')
const only = /^--only=(.*)$/m.exec(process.argv.join('\n'))?.[1].split(',')
const scratch = process.argv.slice(2).find((word) => !word.startsWith('--')) ?? mkdtempSync(join(tmpdir(), 'drupe-'))
const engines = join(scratch, 'engines')

const PACKAGES = {
  node22: [`node-linux-${process.arch}@22`, 'bin/node'],
  node24: [`node-linux-${process.arch}@24`, 'bin/node'],
  node26: [`node-linux-${process.arch}@26`, 'bin/node'],
  bun: [`@oven/bun-linux-${ARM ? 'aarch64' : 'x64'}@1`, 'bin/bun'],
  deno: [`@deno/linux-${process.arch}-glibc@2`, 'deno'],
}

const NO_BLOCKING = 'the host driver cannot block the thread'
const NO_FILES = "Deno's descriptors of files are not those of the OS, so there are no files under epoll"
const OWN_NUMBERS = "Deno's calls about files do not know the descriptors of the OS"
const FILES = [
  'a limit around the open of a FIFO',
  'one task writes to a FIFO',
  'strings: streams, writers, datagrams and files take them',
  'a file is read and written at a position that both move',
  'lines come one by one, and a write goes where the last line ended',
  'what is appended goes to the end',
  'a file is closed by a task that is cancelled',
  'a file that is closed, ended, or too large',
  'a file that says that it is empty',
  'writeFile changes the content at once',
  'a writeFile that is cancelled at any moment',
  'a file that is written at once and called off',
  'a file is piped into a stream',
  'a program writes to a file that is open here',
  'an open that makes its file',
  'names are made, changed and removed',
  'a removal does not follow links',
  'a temporary directory goes with its nursery',
  'a FIFO is a stream',
  'a large file comes back',
  'a watched tree tells',
  'a watched file tells',
  'what was asked of a file that is closed by then',
  'a file whose name is as long as a name may be',
  'a backslash in a name is a character as others',
]
const LEFT_OUT = [
  [['bun', 'permission', 'bare'], 'a universal event works in a blocking run', NO_BLOCKING],
  ...FILES.flatMap((title) =>
    ['guest', 'blocking'].map((mode) => [['deno-epoll'], `${mode}, native: ${title}`, NO_FILES]),
  ),
  ...['guest', 'blocking'].flatMap((mode) => [
    [['deno'], `${mode}, native: a file is read and written at a position that both move`, OWN_NUMBERS],
  ]),
  [['deno'], 'blocking, native: names are made, changed and removed', 'Deno does not say why a copy fails'],
  [['permission'], 'the keys of sessions are logged for those who debug', 'no file may be written there'],
  [['deno'], 'a libssl beside the one of the process does as well', 'its program is one for Node'],
  [
    ['deno', 'deno-epoll'],
    'the host: ',
    'what Deno tells of changed files is not enough: the host driver does not watch there',
  ],
  ...['guest', 'blocking'].map((mode) => [
    ['deno', 'deno-epoll'],
    `${mode}, native: messages between two processes`,
    'fork starts a program of Node',
  ]),
  [['deno'], 'who waits at an object of a worker that ends gets an error', 'Deno does not close the ports of a worker'],
]

let passed = 0
let failed = 0

function count(name, pass, fail) {
  passed += pass
  failed += fail
  console.log(`   ${name}: ${pass} passed, ${fail} failed`)
  return pass > 0 && fail === 0
}

/**
 * The suite with AVA, on one Node. What does not depend on it is left out: the rules of the house, the programs in the
 * documents, the tables of other systems and what stands in for them.
 */
async function suite(name, node) {
  const files = ['dist/test/**/*.test.js', '!dist/test/house/**', '!dist/test/native/{bsd,windows}/**']
  const { error, output } = await ended(
    node,
    ['node_modules/ava/entrypoints/cli.mjs', '--tap', ...CONCURRENCY, ...files],
    {
      seconds: SUITE_SECONDS,
      cwd: ROOT,
    },
  )
  const { pass, fail } = tally(output)
  // A run that is stopped, or breaks off, is one more failure.
  const broken = error !== null && fail === 0 ? 1 : 0
  if (fail + broken > 0) console.log(output.replaceAll(/^ok .*\n/gm, ''))
  return count(name, pass, fail + broken)
}

function tally(output) {
  return { pass: output.match(/^ok /gm)?.length ?? 0, fail: output.match(/^not ok /gm)?.length ?? 0 }
}

/** The kernel's own tests, which need no system. */
const ROOMS = [
  ...['protocol', 'time', 'schedule', 'watch'].map((room) => `kernel/${room}`),
  ...['raw', 'scope', 'sync'].map((room) => `traps/${room}`),
]

/** TLS between two ends in memory, with whichever engine is there: an OpenSSL through koffi, or the host's node:tls. */
const TLS = ['traps/net/tls.test.js', 'traps/net/tls-stream.test.js']

/**
 * For Node alone, with AVA. One is about promises of other realms and about the host's rounds. Of another all tests pass on Deno
 * but the last, in which a blocking run under epoll hangs while the host has requests of the same kernel. One starts Node itself.
 */
const HOSTS = ['traps/raw/promise.test.js', 'modes/beside.test.js', 'modes/programs.test.js']
/** Watching by the host. */
const WATCH = ['modes/watch.test.js']

function testsOf(rooms) {
  return rooms.flatMap((room) => {
    if (room.endsWith('.js')) return [`dist/test/${room}`]
    return readdirSync(join(ROOT, 'dist/test', room))
      .filter((name) => name.endsWith('.test.js') && !HOSTS.includes(`${room}/${name}`))
      .map((name) => `dist/test/${room}/${name}`)
  })
}

/** Tests without AVA, less what is left out on this engine. */
async function bare(key, name, command, args, cwd, rooms = ROOMS, driver = '') {
  const outputs = await processes(testsOf(rooms), async (file) => {
    const options = { seconds: FILE_SECONDS, cwd, env: { ...process.env, DRUPE_DRIVER: driver } }
    return (await ended(command, [...args, 'dist/test/engines/run.js', file], options)).output
  })
  return judged(key, name, outputs)
}

function judged(key, name, outputs) {
  const leftOut = LEFT_OUT.filter(([keys]) => keys.includes(key)).map(([, ...rest]) => rest)
  const { pass, fail } = judge(outputs, leftOut)
  return count(name, pass, fail)
}

/** The kernel's tests in headless Chromium, a page for each file. */
async function pages(copy, chromium) {
  const outputs = []
  const files = testsOf(ROOMS).filter((file) => {
    const needs = builtinOf(join(copy, file))
    if (needs !== null) console.log(`   left out: ${file}: it needs ${needs}`)
    return needs === null
  })
  let current = 0
  let told = () => {}
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    if (pathname === '/report') {
      let output = ''
      for await (const piece of request.setEncoding('utf8')) output += piece
      outputs.push([files[current++], output])
      response.end(files[current] ?? '')
      told()
    } else if (pathname === '/') {
      response.setHeader('content-type', 'text/html').end(page(copy))
    } else if (existsSync(join(copy, pathname))) {
      response.setHeader('content-type', 'text/javascript').end(readFileSync(join(copy, pathname)))
    } else {
      response.writeHead(404).end()
    }
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  while (current < files.length) {
    const at = `http://127.0.0.1:${server.address().port}/?${files[current]}`
    const close = openPage(chromium, at, scratch)
    for (let late = false; !late && current < files.length; ) {
      const limit = new Promise((done) => setTimeout(done, FILE_SECONDS * 1000, true).unref())
      late = await Promise.race([new Promise((done) => (told = done)), limit])
      if (late) outputs.push([files[current++], 'it sent no report'])
    }
    close()
  }
  server.close()
  server.closeAllConnections()
  return judged('chromium', 'Chromium', outputs)
}

function page(copy) {
  const { exports } = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'))
  const imports = { ava: '/dist/test/engines/ava.js' }
  for (const [door, target] of Object.entries(exports)) {
    if (door !== './package.json') imports[`drupe${door.slice(1)}`] = fileOf(target).slice(1)
  }
  return `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="/dist/test/engines/run.js"></script>`
}

/** The build for browsers is another kernel than the compiled files that the tests load besides; .ci/live.mjs runs that one. */
function fileOf(target) {
  return typeof target === 'string' ? target : target.default
}

/** Which module of Node's a file imports, itself or through others; null if none. */
function builtinOf(path, seen = new Set()) {
  if (seen.has(path)) return null
  seen.add(path)
  for (const [, from] of readFileSync(path, 'utf8').matchAll(/^(?:import|export)\b[^'"]*from '([^']+)'/gm)) {
    if (from.startsWith('node:')) return from
    const deeper = from.startsWith('.') ? builtinOf(join(dirname(path), from), seen) : null
    if (deeper !== null) return deeper
  }
  return null
}

/** Installs the engines and gives their binaries. */
function install() {
  mkdirSync(engines, { recursive: true })
  writeFileSync(join(engines, 'package.json'), '{}')
  const wanted = Object.entries(PACKAGES).map(([name, [spec]]) => `${name}@npm:${spec}`)
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...wanted], {
    cwd: engines,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (npm.status !== 0) throw new Error('Cannot install the engines: npm failed')
  return Object.fromEntries(
    Object.entries(PACKAGES).map(([name, [, binary]]) => [name, join(engines, 'node_modules', name, binary)]),
  )
}

const KERNEL = "the kernel's tests"
const KERNEL_TLS = `${KERNEL}, TLS in memory`
const KERNEL_TLS_WATCH = `${KERNEL_TLS}, watching`
const WHOLE = 'the whole suite'
const SUITE = 'the suite, without the rules of the house and the drivers of other systems'
const IO = 'io_uring, epoll'
const HOST = 'host: no sockets, no files'
const DENO = ['run', '-A', '--no-prompt']
const HARDENED = ['--permission', '--allow-fs-read=*', '--allow-worker']
/** Each run: a key, what the table says of it, and how it is done. */
const RUNS = [
  ['node22', 'Node 22', IO, SUITE, () => suite('Node 22', at.node22)],
  ['node24', 'Node 24', IO, SUITE, () => suite('Node 24', at.node24)],
  ['node26', 'Node 26', IO, SUITE, () => suite('Node 26', at.node26)],
  [
    'permission',
    'Node with `--permission`, no addons allowed',
    HOST,
    KERNEL_TLS,
    () => bare('permission', 'Node with --permission', at.node24, HARDENED, full, [...ROOMS, ...TLS]),
  ],
  [
    'bare',
    'Node without koffi',
    HOST,
    KERNEL_TLS_WATCH,
    () => bare('bare', 'Node without koffi', at.node22, [], plain, [...ROOMS, ...TLS, ...WATCH]),
  ],
  ['bun', 'Bun 1', HOST, KERNEL_TLS_WATCH, () => bare('bun', 'Bun', at.bun, [], full, [...ROOMS, ...TLS, ...WATCH])],
  [
    'deno',
    'Deno 2',
    'io_uring',
    `${KERNEL}, sockets, files and TLS`,
    () => bare('deno', 'Deno', at.deno, DENO, full, [...ROOMS, 'modes', ...TLS, 'traps/net/tls-others.test.js']),
  ],
  [
    'deno-epoll',
    'Deno 2',
    'epoll',
    'sockets and files',
    () => bare('deno-epoll', 'Deno on epoll', at.deno, DENO, full, ['modes'], 'epoll'),
  ],
  ['chromium', 'Chromium', HOST, KERNEL, () => pages(full, findChromium())],
]

/** A page with the table for these results, by key. */
function withTable(page, results) {
  const rows = RUNS.map(
    ([key, engine, driver, what]) => `| ${engine} | ${driver} | ${what} | ${results.get(key) ? 'passes' : 'fails'} |\n`,
  )
  // The machine's own Node has run the suite before.
  rows.unshift(`| Node 20 | ${IO} | ${WHOLE} | passes |\n`)
  const table = `\n| engine | driver | what CI runs | |\n| --- | --- | --- | --- |\n${rows.join('')}\n`
  const [before, , after] = page.split(new RegExp(MARKS.join('|')))
  return [before, MARKS[0], table, MARKS[1], after].join('')
}

if (write) {
  const all = new Map(RUNS.map(([key]) => [key, true]))
  for (const page of PAGES) writeFileSync(page, withTable(readFileSync(page, 'utf8'), all))
  rmSync(scratch, { recursive: true, force: true })
  process.exit(0)
}

const at = install()
const full = copyFor(join(scratch, 'full'), true)
const plain = copyFor(join(scratch, 'bare'), false)
const results = new Map()
for (const [key, engine, , , go] of RUNS) {
  if (only !== undefined && !only.includes(key)) continue
  const start = Date.now()
  console.log(`── ${engine}`)
  const good = await go().catch((error) => {
    console.log(error)
    return count(engine, 0, 1)
  })
  results.set(key, good)
  console.log(`   ${Math.round((Date.now() - start) / 1000)} s`)
}
if (only === undefined) {
  for (const page of PAGES) {
    const text = readFileSync(page, 'utf8')
    const same = withTable(text, results) === text
    if (!same) console.log(`   ${page} says something else in its table of engines; see --write`)
    count('a table of engines', same ? 1 : 0, same ? 0 : 1)
  }
}
rmSync(scratch, { recursive: true, force: true })
console.log(`engines: ${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
